//! Rulings: what a judge says of a running rollout, and the numbers that it says it from. Page, terminal, log and notification
//! render the same.
//!
//! Knows no statistics: the judge fills these in.

mod words;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Weight;
pub use words::{figure, minutes, odds, short};

/// What the judge says of a running rollout, with the numbers it says it from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ruling {
    /// The ruling itself.
    pub says: RulingKind,
    /// One sentence for a person.
    pub headline: String,
    /// The moment of the look that it was said after.
    pub at: Timestamp,
    /// Requests that the canary served in this step.
    pub requests: u64,
    /// How many of them failed.
    pub errors: u64,
    /// The share that failed, in per cent; none without requests.
    pub errors_percent: Option<f64>,
    /// The asked quantile of latency in milliseconds, where it is known.
    pub latency_ms: Option<f64>,
    /// The same share at the stable arm, for comparison.
    pub stable_errors_percent: Option<f64>,
    /// The weight that the evidence allows, where the judge paces the rollout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<Weight>,
    /// Why nothing is measured at present, where its source does not answer. Part of the headline, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmeasured: Option<String>,
    /// Numbers, meters and what would have changed it, where two arms were compared. The record holds it without its band,
    /// which is drawn from the ticks again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full: Option<Box<FullRuling>>,
}

impl Ruling {
    /// Whether it is news beside another one of the same step: what is said, which weight is allowed, whether anything is
    /// measured.
    pub fn is_news_after(&self, before: &Self) -> bool {
        let heard = |ruling: &Self| (ruling.says, ruling.weight, ruling.unmeasured.is_some());
        heard(self) != heard(before)
    }

    /// The same while nothing is measured, and why.
    #[must_use]
    pub fn unmeasured(mut self, why: &str) -> Self {
        self.headline = format!("{}; nothing is measured: {why}", self.headline);
        self.unmeasured = Some(why.to_owned());
        self
    }
}

/// The four rulings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RulingKind {
    /// Enough was seen and it is within the limits.
    Advance,
    /// Not enough was seen yet.
    Wait,
    /// A limit is exceeded.
    RollBack,
    /// Patience ended without an answer: a person decides.
    Inconclusive,
}

impl RulingKind {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            RulingKind::Advance => "advance",
            RulingKind::Wait => "wait",
            RulingKind::RollBack => "roll_back",
            RulingKind::Inconclusive => "inconclusive",
        }
    }
}

/// A rollout that was judged again from the ticks that were kept of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Replay {
    /// Whether every recorded ruling came out the same, bit for bit; none where other settings were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same: Option<bool>,
    /// Every ruling that was new, in the order of time.
    pub rulings: Vec<RuledAgain>,
    /// The last one with its band.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Ruling>,
}

/// One ruling of a replay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuledAgain {
    /// Index of the step that was judged.
    pub step: u32,
    /// What is said now, without its band.
    pub ruling: Ruling,
    /// What the record says, where that is not the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Ruling>,
}

/// Odds beyond this are told as this: nobody can read them, and JSON has no infinity.
pub const ODDS_MAX: f64 = 1e12;

/// Everything that is shown of a ruling that compared two arms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Numbers {
    /// Failed requests, warm-up included.
    pub bad_requests: BadRequests,
    /// The ratio of the metric that matters most; none before anything counted.
    pub ratio: Option<RatioReading>,
    /// The case against the release and the case for it.
    pub evidence: Cases,
    /// Who saw it, how long.
    pub exposure: ExposureReading,
}

/// Failed requests at the canary.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RatioReading {
    /// The interval that decides.
    pub interval: Interval,
    /// The ratio that is tolerated.
    pub limit: f64,
}

/// Both cases, as odds against their bars.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cases {
    /// Against the release: "it is worse".
    pub against: Meter,
    /// For it: "it is within the tolerance", of the metric that shows least.
    pub safe: Meter,
}

/// Odds, and the bar at which they decide. To be drawn on a logarithmic scale.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Meter {
    /// So many to one.
    pub odds: f64,
    /// So many decide.
    pub bar: f64,
}

impl Meter {
    /// How far along, 0 to 1, on a logarithmic scale.
    pub fn share(self) -> f64 {
        (self.odds.max(1.0).ln() / self.bar.ln()).clamp(0.0, 1.0)
    }
}

/// Who saw the release, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// Minutes until it is inconclusive; none in rulings of before this was said.
    #[serde(default)]
    pub minutes_left: Option<f64>,
}

impl ExposureReading {
    /// The minutes that are left, where a good release needs more than those.
    pub fn too_few_minutes(&self) -> Option<f64> {
        let (more, left) = (self.minutes_more?, self.minutes_left?);
        (more > left).then_some(left)
    }
}

/// One metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// Where the case against it rests on what came later, which the ratio of everything hides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_late: Option<OfLate>,
    /// How noisy it is taken to be, and from what that is known.
    pub noise: Noise,
    /// The same in words.
    pub calibration: String,
}

/// What a metric does of late.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OfLate {
    /// Seconds since the rollout began.
    pub since: f64,
    /// About how many times stable it is since.
    pub ratio: f64,
}

/// The band at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BandPoint {
    /// Seconds since the rollout began.
    pub at: f64,
    /// Weight of the canary in per cent.
    pub weight: f64,
    /// The interval of each metric, in their order; empty while nothing counts.
    pub intervals: Vec<Interval>,
}

/// Ticks in a row that did not count.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
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

/// How noisy a metric is taken to be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Noise {
    /// Variance within a tick, over chance; at least 1.
    pub clumps: f64,
    /// The same over the worst window; at least `clumps`.
    pub whole: f64,
    /// From what it is known.
    pub from: Calibration,
}

/// From what the noise of a metric is known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "from")]
pub enum Calibration {
    /// Pods of the stable version before the rollout.
    History {
        /// Ticks of it.
        ticks: u32,
    },
    /// Pods of the stable version beside the canary.
    Concurrent {
        /// Ticks of it.
        ticks: u32,
    },
    /// The stable arm as a whole, over time: counts what both arms share as noise, so it is never too small for long.
    Swings {
        /// Ticks of it.
        ticks: u32,
    },
    /// Nothing: a guess.
    Uncalibrated,
}

/// The interval of the ratio, at the recipe's two errors.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// The lowest ratio that the case against the release does not rule out.
    pub low: f64,
    /// The highest ratio that the case for it does not rule out.
    pub high: f64,
    /// The likeliest ratio.
    pub likely: f64,
}

/// What a guard says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// The canary breaks the objective and the stable arm keeps it.
    CanaryBreaks,
    /// Both break it: the world is unwell, not the release.
    BothBreak,
    /// Only the stable arm breaks it.
    StableBreaks,
    /// The error budget of the service burns too fast for any rollout.
    BudgetBurns,
    /// The canary gets another share of requests than its weight.
    ShareIsOff,
}

/// What a ruling rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// The canary is silent.
    NoData,
    /// The stable arm is silent while the canary serves beside it.
    NoStable,
    /// The odds are against the release, most of all from this metric, but nobody knows how noisy it is.
    Uncalibrated(usize),
}

/// Why a release is safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Safe {
    /// The tolerance is ruled out for every metric.
    Proven,
    /// It is not, but little can be lost; a choice, always said as such.
    Bounded,
}

/// Why a look did not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// The ruling had fallen.
    Decided,
}

impl Dropped {
    /// Why, in words.
    pub fn why(self) -> &'static str {
        match self {
            Dropped::WarmUp => "the canary was warming up: only the fuses saw it",
            Dropped::Settling => "the weight had just changed: only the fuses saw it",
            Dropped::ArmMissing => "an arm was silent",
            Dropped::PodsMissing => "an arm had lost more than a fifth of its pods",
            Dropped::NoBaseline => "too little was known of stable to compare with",
            Dropped::NoHistogram => "a histogram was missing: only the other metrics counted it",
            Dropped::SeenBefore => "it was not later than the one before",
            Dropped::Decided => "the ruling had fallen",
        }
    }
}
