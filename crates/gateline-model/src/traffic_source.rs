//! Sources of traffic: a judge's counts from a metric source instead of the target.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{MetricSource, Span};

/// Most gauges of one source.
pub const GAUGES_MAX: usize = 16;

/// Counts from a metric source instead of the target. `{arm}` and `{version}` are filled into the queries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrafficSource {
    /// Where to ask.
    pub from: MetricSource,
    /// Query for all requests so far (a counter).
    pub requests: String,
    /// Query for failed requests so far (a counter).
    pub errors: String,
    /// The label by which the queries tell instances apart: then each gives one series for each instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// Query for a latency histogram so far, in seconds: its buckets with their label `le`, or a native histogram.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<String>,
    /// Queries for gauges by name; of several series the mean is taken.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gauges: BTreeMap<String, String>,
    /// How far back the stable release is looked at before the first step, to learn how noisy it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Span>,
}
