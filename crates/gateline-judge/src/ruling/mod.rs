//! The ruling in full: what is said, and the numbers that it is said from, as plain data. Page, terminal, log and
//! notification render the same.

mod full;
mod headline;
mod record;

pub use full::{
    BadRequests, BandPoint, DroppedTicks, Evidence, ExposureReading, FullRuling, Meter, MetricReading,
    Numbers, ODDS_MAX, RatioReading,
};
use gateline_model::RulingKind;
pub(crate) use headline::Words;
pub(crate) use record::seconds;
pub use record::{BAND_POINTS_MAX, DROPPED_MAX, Record};
use serde::{Deserialize, Serialize};

use crate::guard::Guard;
use crate::judge::Exposure;

/// What the judge says after a look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Said {
    /// The ruling.
    pub says: RulingKind,
    /// What it rests on.
    pub because: Because,
    /// Tick since which it stands.
    pub since: u32,
    /// Tick of the last look.
    pub tick: u32,
    /// The weight that the evidence allows, in per cent, where the judge sets it.
    pub weight: f64,
    /// Why the look did not count, where it did not.
    pub dropped: Option<Dropped>,
}

impl Said {
    pub(crate) fn nothing(weight: f64) -> Self {
        Self {
            says: RulingKind::Wait,
            because: Because::WarmUp,
            since: 0,
            tick: 0,
            weight,
            dropped: None,
        }
    }

    /// Nothing that is seen later changes it.
    pub(crate) fn is_final(&self, exposure: Exposure) -> bool {
        match self.says {
            RulingKind::RollBack => true,
            RulingKind::Advance | RulingKind::Inconclusive => exposure == Exposure::Paced,
            RulingKind::Wait => false,
        }
    }
}

/// What a ruling rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// The canary is still warming up.
    WarmUp,
    /// Not enough was seen yet.
    Collecting,
    /// Enough was seen for the next weight.
    Gate,
    /// Enough was seen for all traffic.
    Safe(Safe),
    /// The odds against the release, most of all from this metric.
    Evidence(usize),
    /// Ten times the errors or more.
    Catastrophe,
    /// Tick after tick in which a fifth of the requests fail.
    BadIntervals,
    /// Something that needs no statistics.
    Signal(String),
    /// More excess bad requests than were allowed, with evidence.
    Budget,
    /// A guard.
    Guard(Guard),
    /// A gauge that is higher than tolerated.
    Gauge(String),
    /// A gauge beyond its limit.
    GaugeLimit(String),
    /// An arm is silent.
    NoData,
    /// The odds are against the release, most of all from this metric, but nobody knows how noisy it is.
    Uncalibrated(usize),
}

/// Why a release is safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Safe {
    /// The tolerance is ruled out for every metric.
    Proven,
    /// It is not, but little can be lost; a choice, always said as such.
    Bounded,
}

/// Why a look did not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dropped {
    /// The canary was warming up.
    WarmUp,
    /// The weight had just changed.
    Settling,
    /// An arm was silent.
    ArmMissing,
    /// An arm had lost more than a fifth of its pods.
    PodsMissing,
    /// There is no baseline yet.
    NoBaseline,
    /// A metric's histogram was missing; the others counted.
    NoHistogram,
    /// It was not later than the last one.
    SeenBefore,
}
