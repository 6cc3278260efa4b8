//! The ruling in full: one sentence, four numbers, meters, the band over time, and what would have changed it.

use gateline_model::RulingKind;
use serde::{Deserialize, Serialize};

use super::{Because, Dropped};
use crate::noise::DesignEffect;
use crate::ratio::Interval;

/// Odds beyond this are told as this: nobody can read them, and JSON has no infinity.
pub const ODDS_MAX: f64 = 1e12;

/// Everything that is shown of a ruling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FullRuling {
    /// The ruling.
    pub ruling: RulingKind,
    /// Seconds since the rollout began, at which it came to this.
    pub at: f64,
    /// One sentence for a person.
    pub headline: String,
    /// What it rests on.
    pub because: Because,
    /// The four numbers.
    pub numbers: Numbers,
    /// Each metric, the errors first.
    pub metrics: Vec<MetricReading>,
    /// The band over time, by the metrics' order.
    pub band: Vec<BandPoint>,
    /// What would have changed it.
    pub why_not: Vec<String>,
    /// Ticks that did not count, and why.
    pub dropped: Vec<DroppedTicks>,
    /// What is to be known of the data.
    pub notes: Vec<String>,
}

/// The four numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Numbers {
    /// Failed requests, warm-up included.
    pub bad_requests: BadRequests,
    /// The ratio of the metric that matters most; none before anything counted.
    pub ratio: Option<RatioReading>,
    /// The case against the release and the case for it.
    pub evidence: Evidence,
    /// Who saw it, how long.
    pub exposure: ExposureReading,
}

/// Failed requests at the canary.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BadRequests {
    /// How many.
    pub canary: u64,
    /// How many the stable arm's rate explains.
    pub expected: f64,
    /// How many more that is.
    pub excess: f64,
    /// How many more were allowed, where that was said.
    pub budget: Option<f64>,
}

/// A ratio of the canary's rate to the stable arm's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RatioReading {
    /// The interval that decides.
    pub interval: Interval,
    /// The ratio that is tolerated.
    pub limit: f64,
}

/// Both cases, as odds against their bars.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Against the release: "it is worse".
    pub against: Meter,
    /// For it: "it is within the tolerance", of the metric that shows least.
    pub safe: Meter,
}

/// Odds, and the bar at which they decide. To be drawn on a logarithmic scale.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Meter {
    /// So many to one.
    pub odds: f64,
    /// So many decide.
    pub bar: f64,
}

impl Meter {
    /// From the logarithm of the odds.
    pub fn new(ln_odds: f64, bar: f64) -> Self {
        Self {
            odds: libm::exp(ln_odds).min(ODDS_MAX),
            bar,
        }
    }

    /// How far along, 0 to 1, on a logarithmic scale.
    pub fn share(self) -> f64 {
        (libm::log(self.odds.max(1.0)) / libm::log(self.bar)).clamp(0.0, 1.0)
    }
}

/// Who saw the release, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ExposureReading {
    /// Weight of the canary in per cent, now.
    pub weight: f64,
    /// The weight that the evidence allows, in per cent.
    pub allowed: f64,
    /// Requests that it served.
    pub requests: u64,
    /// Minutes since it began.
    pub minutes: f64,
    /// Minutes that a good release still needs at this weight; none where nothing can be said.
    pub minutes_more: Option<f64>,
}

/// One metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricReading {
    /// Its name.
    pub name: String,
    /// Share of the canary's requests that were bad, since warm-up.
    pub canary: f64,
    /// Share of the stable arm's.
    pub stable: f64,
    /// The ratio with its interval and its limit.
    pub ratio: RatioReading,
    /// The case against the release from this metric alone.
    pub against: Meter,
    /// The case for it from this metric alone.
    pub safe: Meter,
    /// How noisy it is taken to be, and from what that is known.
    pub noise: DesignEffect,
    /// The same in words.
    pub calibration: String,
}

/// The band at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BandPoint {
    /// Seconds since the rollout began.
    pub at: f64,
    /// Weight of the canary in per cent.
    pub weight: f64,
    /// The interval of each metric, in their order; empty while nothing counts.
    pub intervals: Vec<Interval>,
}

/// Ticks in a row that did not count.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DroppedTicks {
    /// Seconds since the rollout began, of the first.
    pub from: f64,
    /// The same, of the last.
    pub to: f64,
    /// How many.
    pub ticks: u32,
    /// Why.
    pub why: Dropped,
}
