//! Ticks: what the judge sees of a rollout's traffic. Kept beside the log in hashed chunks, never as events.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One side of a comparison: the release being rolled out, or the one that was live before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    /// The release being rolled out.
    Canary,
    /// The release that was live before.
    Stable,
}

/// What one arm had served when it was looked at.
///
/// The counts are cumulative since the arm's counters began; a count that falls means that they began again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tick {
    /// When the driver looked.
    pub at: Timestamp,
    /// Which side.
    pub arm: Arm,
    /// Share of traffic that this arm was given, in per cent.
    pub weight: u8,
    /// Requests served.
    pub requests: u64,
    /// Requests answered with a server error or not at all.
    pub errors: u64,
    /// Latency histogram: upper bound in seconds and the cumulative count up to it, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<(f64, u64)>,
    /// What each instance of the arm served of it, by its name, where they are told apart. Then growth is counted instance
    /// by instance, and one that goes away takes nothing back.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pods: BTreeMap<String, PodCounts>,
    /// Gauges by name, each the mean over the arm's instances.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gauges: BTreeMap<String, f64>,
    /// What needs no statistics to be bad: an instance that crashed, one that was killed for its memory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signals: Vec<String>,
}

impl Tick {
    /// An arm that has served nothing.
    pub fn none(at: Timestamp, arm: Arm) -> Self {
        Self {
            at,
            arm,
            weight: 0,
            requests: 0,
            errors: 0,
            buckets: Vec::new(),
            pods: BTreeMap::new(),
            gauges: BTreeMap::new(),
            signals: Vec::new(),
        }
    }
}

/// What one instance had served when it was looked at, cumulative.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct PodCounts {
    /// Requests served.
    pub requests: u64,
    /// Requests answered with a server error or not at all.
    pub errors: u64,
    /// Latency histogram: upper bound in seconds and the cumulative count up to it, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<(f64, u64)>,
}
