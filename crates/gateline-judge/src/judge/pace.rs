//! The pace: which weight the evidence so far allows, and whether it is enough to promote.

use gateline_model::ruling::Safe;
use serde::{Deserialize, Serialize};

use super::metric::Metric;
use crate::numeric::ln;
use crate::recipe::{PROMOTE_REQUESTS_MIN, PROMOTE_TICKS_MIN, QUIET_E, Recipe};

/// Share of the traffic while the old version is held back.
const HOLD_BACK_WEIGHT: f64 = 95.0;

/// Where a rollout stands on its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Paced {
    step: usize,
    /// Ticks at this weight.
    since: u32,
    /// Why it is safe, once the old version is only held back.
    safe: Option<Safe>,
}

/// What the evidence allows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Allows {
    /// Nothing more than now.
    Stay,
    /// Another weight.
    Weight,
    /// All traffic.
    Promote(Safe),
}

impl Paced {
    pub(super) fn new() -> Self {
        Self {
            step: 0,
            since: 0,
            safe: None,
        }
    }

    /// The weight that the evidence allows, in per cent.
    pub(super) fn weight(&self, recipe: &Recipe) -> f64 {
        match self.safe {
            Some(_) => HOLD_BACK_WEIGHT,
            None => recipe.pace.weights[self.step],
        }
    }

    pub(super) fn pass(&mut self, ticks: u32) {
        self.since += ticks;
    }

    /// A weight that somebody else set; a new one begins its time anew.
    pub(super) fn follow(&mut self, recipe: &Recipe, weight: f64) {
        let reached = recipe
            .pace
            .weights
            .iter()
            .rposition(|step| *step <= weight + 1e-9);
        let step = reached.unwrap_or(0);
        if step != self.step {
            (self.step, self.since) = (step, 0);
        }
    }

    /// Whether what stands has shown enough, where somebody else sets the weights.
    pub(super) fn judge_given(&self, now: &Standing<'_>) -> Allows {
        let pace = &now.recipe.pace;
        if self.since < pace.dwell || now.e >= pace.quiet {
            return Allows::Stay;
        }
        // What the recipe asks at the last of its weights below the next one; all that it asks where that is not known.
        let last = pace.weights.len() - 1;
        let below = now.next.filter(|next| *next <= pace.weights[last] + 1e-9);
        let below = below.and_then(|next| pace.weights.iter().rposition(|weight| *weight < next - 1e-9));
        let gate = below.map_or(last, |below| below.max(self.step));
        if gate >= pace.promote_from {
            return now.is_safe().map_or(Allows::Stay, Allows::Promote);
        }
        let enough = now.ticks >= PROMOTE_TICKS_MIN && now.requests >= PROMOTE_REQUESTS_MIN;
        if enough && now.opens(gate) {
            Allows::Weight
        } else {
            Allows::Stay
        }
    }

    /// Moves along the recipe's weights.
    pub(super) fn judge(&mut self, now: &Standing<'_>) -> Allows {
        let (recipe, pace) = (now.recipe, &now.recipe.pace);
        if let Some(safe) = self.safe {
            let over = self.since >= recipe.hold_back && now.e < QUIET_E;
            return if over { Allows::Promote(safe) } else { Allows::Stay };
        }
        let before = self.step;
        self.walk(now);
        let may = self.step >= pace.promote_from && self.since >= pace.dwell && now.e < QUIET_E;
        if let Some(safe) = may.then(|| now.is_safe()).flatten() {
            if recipe.hold_back == 0 {
                return Allows::Promote(safe);
            }
            (self.safe, self.since) = (Some(safe), 0);
            return Allows::Weight;
        }
        if self.step == before {
            Allows::Stay
        } else {
            Allows::Weight
        }
    }

    fn walk(&mut self, now: &Standing<'_>) {
        let pace = &now.recipe.pace;
        let last = pace.weights.len() - 1;
        if pace
            .ceiling
            .is_some_and(|ceiling| self.step == last && now.e >= ceiling.close_at)
        {
            (self.step, self.since) = (last - 1, 0);
        }
        if pace.down_at.is_some_and(|down| now.e >= down) && self.since >= pace.dwell && self.step > 1 {
            self.step -= 1;
            self.since = 0;
            return;
        }
        if self.step == last || self.since < pace.dwell {
            return;
        }
        let opens = match pace.ceiling {
            Some(ceiling) if self.step + 1 == last => {
                now.e < ceiling.open_below && now.excess() <= ceiling.excess_max
            }
            Some(_) | None => now.e < pace.quiet && (now.opens(self.step) || self.since >= pace.forced_after),
        };
        if opens {
            (self.step, self.since) = (self.step + 1, 0);
        }
    }

    pub(super) fn is_held_back(&self) -> bool {
        self.safe.is_some()
    }
}

/// The evidence at one moment.
pub(super) struct Standing<'a> {
    pub recipe: &'a Recipe,
    pub metrics: &'a [Metric],
    /// Odds against the release.
    pub e: f64,
    pub tick: u32,
    /// Requests of the whole service in a tick.
    pub traffic: f64,
    /// Requests that the canary served after warm-up.
    pub requests: u64,
    /// Ticks that counted.
    pub ticks: u32,
    /// Share of all requests by which more may be bad than at the stable arm.
    pub share: f64,
    /// The weight that comes next in per cent, where somebody else sets them and it is known.
    pub next: Option<f64>,
}

impl Standing<'_> {
    fn excess(&self) -> f64 {
        self.metrics
            .iter()
            .map(|metric| metric.ratio.expected().excess)
            .fold(0.0, f64::max)
    }

    fn opens(&self, step: usize) -> bool {
        let pace = &self.recipe.pace;
        let gate = pace.gates.get(step).copied().unwrap_or(0.0);
        let bounded = self.metrics.iter().all(|metric| {
            metric.ratio.upper(self.recipe.beta) < gate.max(metric.ratio.tolerance()) || self.has_none(metric)
        });
        bounded
            && pace
                .excess_max
                .get(step)
                .is_none_or(|most| self.excess() <= *most)
    }

    /// The canary has had none that is bad among so many that it cannot have more than is tolerated: were the share at its
    /// bound, none among n has probability e^(-n share), whenever one looks. Where both arms have none, no ratio can tell.
    fn has_none(&self, metric: &Metric) -> bool {
        let sums = metric.ratio.sums();
        let expected = sums.canary as f64 * self.share / metric.noise.whole;
        sums.canary_bad == 0 && expected >= ln(1.0 / self.recipe.beta)
    }

    pub(super) fn is_safe(&self) -> Option<Safe> {
        if self.metrics.is_empty() || self.ticks < PROMOTE_TICKS_MIN || self.requests < PROMOTE_REQUESTS_MIN {
            return None;
        }
        let is_proven = |metric: &Metric| {
            metric.ratio.upper(self.recipe.beta) < metric.ratio.tolerance() || self.has_none(metric)
        };
        if self.metrics.iter().all(is_proven) {
            return Some(Safe::Proven);
        }
        let bound = self.recipe.bounded_loss?;
        if self.tick < bound.from || self.e >= 1.0 {
            return None;
        }
        let is_bounded = |metric: &Metric| {
            let expected = metric.ratio.expected();
            let per_hour = (metric.ratio.rate() * self.traffic * 240.0).max(1e-9);
            let most = (bound.bad_per_hour / per_hour).clamp(bound.excess.0, bound.excess.1);
            expected.worse <= bound.worse_max && expected.excess <= most
        };
        self.metrics.iter().all(is_bounded).then_some(Safe::Bounded)
    }
}

/// Odds as e, from their logarithm, without overflow.
pub(super) fn odds(ln_e: f64) -> f64 {
    libm::exp(ln_e.min(ln(f64::MAX)))
}
