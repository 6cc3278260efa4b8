//! One metric as a ratio of two rates: bad among all requests, at the canary and at the stable arm, at the same time.
//!
//! Knows no exposure and no other metric.

mod band;
mod harm;
mod pair;

use serde::{Deserialize, Serialize};

use gateline_model::ruling::Interval;

pub use band::{Band, Expected, Tempering};
pub use harm::Harm;
pub(crate) use harm::ln_weights;
pub use pair::Pair;

use crate::noise::DesignEffect;
use crate::numeric::ln;
use crate::recipe::{Likelihood, Recipe};

/// Ticks over which the stable arm's rate is forgotten.
const RATE_TICKS: f64 = 30.0;
/// Ticks that the rate before the rollout is worth.
const RATE_HISTORY_TICKS: f64 = 20.0;
/// A ratio over everything that is below this part of the one of late does not tell what is wrong.
const OF_LATE: f64 = 0.75;

/// The evidence of one metric so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    /// The ratio that is tolerated, above 1.
    tolerance: f64,
    /// ln ratio at which harm begins.
    margin: f64,
    harm: Harm,
    band: Band,
    rate: Rate,
    sums: Pair,
    likelihood: Likelihood,
    ticks: u32,
}

/// The stable arm's rate, known before each tick.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    bad: f64,
    requests: f64,
}

impl Rate {
    /// The rate of some time before, with what one tick serves.
    pub fn new(rate: f64, requests_per_tick: f64) -> Self {
        let requests = RATE_HISTORY_TICKS * requests_per_tick;
        Self {
            bad: rate * requests,
            requests,
        }
    }

    /// Bad requests among all.
    pub fn share(self) -> f64 {
        if self.requests > 0.0 {
            self.bad / self.requests
        } else {
            0.0
        }
    }

    fn add(&mut self, pair: Pair) {
        let kept = 1.0 - 1.0 / RATE_TICKS;
        self.bad = self.bad * kept + pair.stable_bad as f64;
        self.requests = self.requests * kept + pair.stable as f64;
    }
}

impl Ratio {
    /// Nothing seen yet. `tolerance` is the ratio that is tolerated, `rate` what the stable arm had before.
    pub fn new(recipe: &Recipe, tolerance: f64, rate: Rate) -> Self {
        Self {
            tolerance,
            margin: (recipe.margin_power * ln(tolerance)).max(recipe.margin_floor),
            harm: Harm::new(recipe),
            band: Band::new(),
            rate,
            sums: Pair::default(),
            likelihood: recipe.likelihood,
            ticks: 0,
        }
    }

    /// Takes the counts of a tick. `noise` and `margin`, a ln ratio that only raises the metric's own, were known before it.
    pub fn add(&mut self, tick: u32, pair: Pair, noise: &DesignEffect, margin: f64) {
        if !pair.compares() {
            return;
        }
        self.harm.add(tick, pair, self.margin.max(margin), noise.whole);
        self.band.add(
            pair,
            Tempering {
                likelihood: self.likelihood,
                clumps: noise.clumps,
                temper: noise.temper(self.likelihood),
                rate: self.rate.share(),
            },
        );
        self.rate.add(pair);
        self.sums.add(pair);
        self.ticks += 1;
    }

    /// Divides all evidence so far, where the noise turns out to be larger than it was taken for. A power below 1 of an
    /// e-value has an expectation of at most 1 again (Jensen).
    pub(crate) fn temper(&mut self, by: f64) {
        let share = 1.0 / by.max(1.0);
        self.harm.scale(share);
        self.band.scale(share);
    }

    /// ln of the odds against "no worse than the margin".
    pub fn ln_e_harm(&self) -> f64 {
        self.harm.ln_e()
    }

    /// Where the case against it is made by what came later alone: since which tick, and about how many times stable. The
    /// interval is of everything, and may show little of it.
    pub fn of_late(&self) -> Option<(u32, f64)> {
        let (since, above) = self.harm.strongest();
        let ratio = libm::exp(self.margin + above);
        let shows = self.band.likely() >= OF_LATE * ratio;
        (since > 0 && !shows).then_some((since, ratio))
    }

    /// ln of the odds against "the tolerance or worse", at the point of the band's grid below it: at the bar, and not before,
    /// [`Ratio::upper`] is below the tolerance.
    pub fn ln_e_safe(&self) -> f64 {
        self.band.ln_e_all_below(self.tolerance)
    }

    /// ln of the odds against one ratio.
    pub fn ln_e_below(&self, ratio: f64) -> f64 {
        self.band.ln_e_below(ratio)
    }

    /// The first ratio that is ruled out, with all above it.
    pub fn upper(&self, beta: f64) -> f64 {
        self.band.upper(beta)
    }

    /// The interval to show.
    pub fn interval(&self, alpha: f64, beta: f64) -> Interval {
        self.band.interval(&self.harm, alpha, beta)
    }

    /// What is to be expected of the release.
    pub fn expected(&self) -> Expected {
        self.band.expected(self.tolerance)
    }

    /// The ratio that is tolerated.
    pub fn tolerance(&self) -> f64 {
        self.tolerance
    }

    /// The ratio at which harm begins.
    pub fn harm_from(&self) -> f64 {
        libm::exp(self.margin)
    }

    /// The stable arm's rate of late.
    pub fn rate(&self) -> f64 {
        self.rate.share()
    }

    /// Everything that was counted.
    pub fn sums(&self) -> Pair {
        self.sums
    }

    /// Ticks that counted.
    pub fn ticks(&self) -> u32 {
        self.ticks
    }
}
