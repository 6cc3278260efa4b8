//! A pair: what both arms counted in one tick, of one metric.

use serde::{Deserialize, Serialize};

use crate::numeric::{ln, ln_1p_exp};

/// Events of one metric among the requests of both arms, in one tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pair {
    /// Requests that the canary served.
    pub canary: u64,
    /// Those of them that were bad.
    pub canary_bad: u64,
    /// Requests that the stable arm served.
    pub stable: u64,
    /// Those of them that were bad.
    pub stable_bad: u64,
}

impl Pair {
    /// Both arms served something, so that they can be compared.
    pub fn compares(self) -> bool {
        self.canary > 0 && self.stable > 0
    }

    /// Bad requests of both arms.
    pub fn bad(self) -> u64 {
        self.canary_bad + self.stable_bad
    }

    /// Adds another tick.
    pub fn add(&mut self, other: Self) {
        self.canary += other.canary;
        self.canary_bad += other.canary_bad;
        self.stable += other.stable;
        self.stable_bad += other.stable_bad;
    }

    /// Bad requests of the canary beyond what the stable arm's rate explains; negative where it has fewer.
    pub fn excess(self) -> f64 {
        self.canary_bad as f64 - self.expected()
    }

    /// Bad requests that the canary would have had at the stable arm's rate.
    pub fn expected(self) -> f64 {
        self.canary as f64 * self.stable_bad as f64 / (self.stable as f64).max(1.0)
    }

    /// ln of the ratio of requests, canary to stable.
    pub(crate) fn offset(self) -> f64 {
        ln(self.canary as f64) - ln(self.stable as f64)
    }

    /// ln likelihood of a ratio, up to a constant: given how many requests were bad, which arm had them is binomial,
    /// and whatever both arms share cancels.
    pub(crate) fn ln_likelihood(self, ln_ratio: f64, offset: f64) -> f64 {
        let a = ln_ratio + offset;
        self.canary_bad as f64 * a - self.bad() as f64 * ln_1p_exp(a)
    }
}
