//! The band: how likely each ratio of canary to stable is, and the interval that decides and is drawn.
//!
//! Its upper edge inverts the e-process that promotes, its lower edge the one that rolls back: what is drawn is what rules.

use gateline_model::ruling::Interval;
use serde::{Deserialize, Serialize};

use super::harm::Harm;
use super::pair::Pair;
use crate::numeric::{exp, ln, ln_gamma, log_sum_exp, normalised, spaced};
use crate::recipe::{BAND_POINTS, BAND_RATIO_MAX, BAND_RATIO_MIN, GOOD_SPREAD, Likelihood};

/// Below this design effect within a tick there are no clumps to speak of, and the beta-binomial has no shape.
const CLUMPS_MIN: f64 = 1.05;
/// What a release is expected to be, before anything is seen: one in five is bad, the others within 15 %.
const PRIOR_BAD: f64 = 0.2;
const PRIOR_SPREAD: f64 = 0.15;
/// A bad release is at least this much worse.
const PRIOR_BAD_RATIO: f64 = 1.25;
/// Excess below this is nobody's loss.
const EXCESS_FROM: f64 = 1.1;

/// ln likelihoods on a grid of ratios.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Band {
    grid: Vec<f64>,
    /// ln weights of the bet on a good release.
    ln_good: Vec<f64>,
    /// ln prior of the posterior.
    ln_prior: Vec<f64>,
    ln_likelihood: Vec<f64>,
}

/// What is to be expected of the release.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// Mean of the ratio above 1, where it is above 1.1.
    pub excess: f64,
    /// Probability of the tolerance or worse.
    pub worse: f64,
}

/// How noisy a metric is, as the promotion side weighs it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tempering {
    /// Which likelihood.
    pub likelihood: Likelihood,
    /// Design effect within a tick.
    pub clumps: f64,
    /// What the likelihood is divided by.
    pub temper: f64,
    /// The stable arm's rate so far, before this tick.
    pub rate: f64,
}

impl Band {
    /// Nothing seen yet.
    pub fn new() -> Self {
        let grid = spaced(ln(BAND_RATIO_MIN), ln(BAND_RATIO_MAX), BAND_POINTS);
        let bell = |spread: f64| {
            grid.iter()
                .map(move |ratio| exp(-0.5 * (ratio / spread) * (ratio / spread)).max(1e-300))
        };
        let good = normalised(bell(PRIOR_SPREAD));
        let bad = normalised(grid.iter().map(|ratio| {
            if *ratio > ln(PRIOR_BAD_RATIO) {
                exp(-ratio)
            } else {
                0.0
            }
        }));
        let both = good.iter().zip(&bad);
        let prior =
            both.map(|(good, bad)| ln((1.0 - PRIOR_BAD) * exp(*good) + PRIOR_BAD * exp(*bad) + 1e-300));
        Self {
            ln_prior: prior.collect(),
            ln_good: normalised(bell(GOOD_SPREAD)),
            ln_likelihood: vec![0.0; grid.len()],
            grid,
        }
    }

    /// Takes the counts of a tick.
    pub fn add(&mut self, pair: Pair, by: Tempering) {
        if !pair.compares() || pair.bad() == 0 {
            return;
        }
        let offset = pair.offset();
        let clumped = by.likelihood == Likelihood::Clumped && by.clumps > CLUMPS_MIN;
        let shape = by.rate / (by.clumps - 1.0);
        for (sum, ratio) in self.ln_likelihood.iter_mut().zip(&self.grid) {
            let more = if clumped {
                beta_binomial(pair, *ratio, shape)
            } else {
                pair.ln_likelihood(*ratio, offset)
            };
            *sum += more / by.temper;
        }
    }

    pub(super) fn scale(&mut self, share: f64) {
        self.ln_likelihood.iter_mut().for_each(|sum| *sum *= share);
    }

    /// ln of the odds against "this ratio or worse".
    pub fn ln_e_below(&self, ratio: f64) -> f64 {
        self.ln_good_evidence() - self.at(ln(ratio))
    }

    /// ln of the odds against every ratio on the grid from the last one below this on: what they rule out, [`Band::upper`] is
    /// below.
    pub fn ln_e_all_below(&self, ratio: f64) -> f64 {
        let from = self.grid.partition_point(|at| *at < ln(ratio)).saturating_sub(1);
        let worst = self.ln_likelihood[from..]
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
        self.ln_good_evidence() - worst
    }

    /// The first ratio on the grid that is ruled out: all from it on are. What promotes is this against the tolerance.
    pub fn upper(&self, beta: f64) -> f64 {
        let index = self.last_inside(beta) + 1;
        exp(self.grid[index.min(self.grid.len() - 1)])
    }

    /// The interval to show. Its lower edge leaves out the cap and the restarts of the case against.
    pub fn interval(&self, harm: &Harm, alpha: f64, beta: f64) -> Interval {
        let bar = ln(1.0 / alpha);
        let against = |index: &usize| {
            let from = self.grid[*index];
            let odds = harm
                .mixture()
                .map(move |(above, weight)| weight + self.at(from + above));
            log_sum_exp(odds) - self.ln_likelihood[*index] < bar
        };
        let low = (0..self.grid.len()).find(against).unwrap_or(0);
        Interval {
            low: exp(self.grid[low]),
            high: exp(self.grid[self.last_inside(beta)]),
            likely: self.likely(),
        }
    }

    /// The likeliest ratio on the grid.
    pub fn likely(&self) -> f64 {
        // The first of equals, so that nothing seen is told as such by its caller and not as the highest ratio.
        let best = self.ln_likelihood.iter().enumerate();
        let best = best.fold(0, |best, (index, value)| {
            if *value > self.ln_likelihood[best] {
                index
            } else {
                best
            }
        });
        exp(self.grid[best])
    }

    /// What is to be expected, after what was seen.
    pub fn expected(&self, tolerance: f64) -> Expected {
        let both = || {
            self.ln_prior
                .iter()
                .zip(&self.ln_likelihood)
                .map(|(prior, seen)| prior + seen)
        };
        let all = log_sum_exp(both());
        let mut expected = Expected {
            excess: 0.0,
            worse: 0.0,
        };
        for (ratio, value) in self.grid.iter().zip(both()) {
            let share = exp(value - all);
            if *ratio > ln(EXCESS_FROM) {
                expected.excess += share * (exp(*ratio) - 1.0);
            }
            if *ratio >= ln(tolerance) - 1e-9 {
                expected.worse += share;
            }
        }
        expected
    }

    fn ln_good_evidence(&self) -> f64 {
        let both = self.ln_good.iter().zip(&self.ln_likelihood);
        log_sum_exp(both.map(|(good, seen)| good + seen))
    }

    fn last_inside(&self, beta: f64) -> usize {
        let limit = self.ln_good_evidence() - ln(1.0 / beta);
        self.ln_likelihood
            .iter()
            .rposition(|value| *value > limit)
            .unwrap_or(0)
    }

    /// ln likelihood between two points of the grid; its ends stand for what is beyond.
    fn at(&self, ln_ratio: f64) -> f64 {
        let step = self.grid[1] - self.grid[0];
        let last = self.grid.len() - 1;
        let place = ((ln_ratio - self.grid[0]) / step).clamp(0.0, last as f64);
        let index = (place as usize).min(last - 1);
        let share = place - index as f64;
        (1.0 - share) * self.ln_likelihood[index] + share * self.ln_likelihood[index + 1]
    }
}

impl Default for Band {
    fn default() -> Self {
        Self::new()
    }
}

/// The binomial of [`Pair::ln_likelihood`] where events come in clumps: `shape` is the rate over the excess design effect.
fn beta_binomial(pair: Pair, ln_ratio: f64, shape: f64) -> f64 {
    let canary = exp(ln_ratio) * pair.canary as f64 * shape;
    let stable = pair.stable as f64 * shape;
    ln_gamma(pair.canary_bad as f64 + canary)
        - ln_gamma(canary)
        - ln_gamma(pair.bad() as f64 + canary + stable)
        + ln_gamma(canary + stable)
}
