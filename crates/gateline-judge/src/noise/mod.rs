//! Noise: how much more two arms of one version differ than chance alone would have it, and from what that is known.
//!
//! Requests are not independent: errors come in clumps, pods have moods. The design effect measures it between groups of
//! pods of the *same* version, so that what both arms share is not counted. Too large it costs time, too small it cries wolf.

mod groups;
mod pods;
mod swings;

use std::fmt;

use gateline_model::ruling::{Calibration, Noise};
use serde::{Deserialize, Serialize};

pub use groups::{GroupCounts, WINDOWS, by_window, moving_by_window};
pub(crate) use pods::margin;
pub use pods::{PodRates, spread};
pub(crate) use swings::Swings;

use crate::recipe::Likelihood;

/// Without pods to compare: the middle of what moderate noise was measured at. Only holds, never rolls back.
pub const UNCALIBRATED_DESIGN_EFFECT: f64 = 3.0;

/// How noisy a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DesignEffect {
    /// Variance within a tick, over chance; at least 1.
    pub clumps: f64,
    /// The same over the worst window; at least `clumps`.
    pub whole: f64,
    /// From what it is known.
    pub from: Calibration,
}

impl DesignEffect {
    /// A guess, said as such.
    pub const UNCALIBRATED: Self = Self {
        clumps: UNCALIBRATED_DESIGN_EFFECT,
        whole: UNCALIBRATED_DESIGN_EFFECT,
        from: Calibration::Uncalibrated,
    };

    /// From the design effects by window; none below eight of the shortest window.
    pub fn from_windows(windows: &[Option<f64>], from: Calibration) -> Option<Self> {
        let clumps = windows.first().copied().flatten()?.max(1.0);
        let whole = windows.iter().flatten().copied().fold(clumps, f64::max);
        Some(Self { clumps, whole, from })
    }

    /// What the promotion side divides its likelihood by.
    pub fn temper(&self, likelihood: Likelihood) -> f64 {
        match likelihood {
            Likelihood::Tempered => self.whole,
            // The beta-binomial carries the clumps itself; what is left is what persists beyond a tick.
            Likelihood::Clumped => 1.0 + 2.0 * (self.whole - self.clumps) / (self.clumps + 1.0),
        }
    }

    /// The larger of two, each part for itself; keeps its own origin unless the other one is larger.
    pub fn raised_by(self, other: Self) -> Self {
        let from = if other.whole > self.whole {
            other.from
        } else {
            self.from
        };
        Self {
            clumps: self.clumps.max(other.clumps),
            whole: self.whole.max(other.whole),
            from,
        }
    }

    /// The same with the excess over chance multiplied: a canary with fewer pods than its share averages less.
    pub fn with_excess(self, factor: f64) -> Self {
        let factor = factor.max(1.0);
        Self {
            clumps: self.clumps,
            whole: 1.0 + (self.whole - 1.0) * factor,
            from: self.from,
        }
    }

    /// It is known from something.
    pub fn is_calibrated(&self) -> bool {
        self.from != Calibration::Uncalibrated
    }
}

impl From<DesignEffect> for Noise {
    fn from(effect: DesignEffect) -> Self {
        let DesignEffect { clumps, whole, from } = effect;
        Self { clumps, whole, from }
    }
}

impl fmt::Display for DesignEffect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.from {
            Calibration::History { ticks } => {
                write!(
                    f,
                    "noise x{:.1} from {ticks} ticks of your own pods before",
                    self.whole
                )
            }
            Calibration::Concurrent { ticks } => {
                write!(
                    f,
                    "noise x{:.1} from {ticks} ticks of your own pods beside it",
                    self.whole
                )
            }
            Calibration::Swings { ticks } => {
                write!(
                    f,
                    "noise x{:.1} from {ticks} ticks of the stable arm's swings",
                    self.whole
                )
            }
            Calibration::Uncalibrated => write!(f, "uncalibrated: noise x{:.1} is a guess", self.whole),
        }
    }
}
