//! What a load test measured.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FactRow, percent, row};

/// Thresholds kept in [`PerformanceFacts::thresholds`].
pub const TOOL_THRESHOLDS_MAX: usize = 100;

/// One load test. Latencies are in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PerformanceFacts {
    /// The tool, as in `k6`.
    pub tool: String,
    /// Requests that were sent.
    pub requests: u64,
    /// Requests that failed, as the tool counts them; absent where it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<u64>,
    /// How long it ran, in seconds; absent where the tool does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_secs: Option<f64>,
    /// Requests per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// How long requests took.
    pub latency: Latency,
    /// Checks inside the test that held and that did not (k6's `checks`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<Checks>,
    /// Thresholds that the test itself has; at most [`TOOL_THRESHOLDS_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thresholds: Vec<ToolThreshold>,
}

/// How long requests took, in milliseconds; a number that the tool does not give is absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// The least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// The median.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50: Option<f64>,
    /// The 75th percentile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p75: Option<f64>,
    /// The 90th percentile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p90: Option<f64>,
    /// The 95th percentile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95: Option<f64>,
    /// The 99th percentile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99: Option<f64>,
    /// The 99.9th percentile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p999: Option<f64>,
    /// The most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
}

impl Latency {
    /// The numbers that are there, by name.
    pub fn given(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let Latency {
            min,
            mean,
            p50,
            p75,
            p90,
            p95,
            p99,
            p999,
            max,
        } = *self;
        let all = [
            ("min", min),
            ("mean", mean),
            ("p50", p50),
            ("p75", p75),
            ("p90", p90),
            ("p95", p95),
            ("p99", p99),
            ("p999", p999),
            ("max", max),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }
}

/// Checks inside a load test.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Checks {
    /// How often one held.
    pub held: u64,
    /// How often one did not.
    pub broke: u64,
}

/// A threshold that the test itself has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToolThreshold {
    /// Metric and rule, as in `http_req_duration p(95)<500`.
    pub rule: String,
    /// Whether it held.
    pub held: bool,
}

impl PerformanceFacts {
    /// Failed requests, in percent of all; `None` where the tool does not say.
    pub fn failed_percent(&self) -> Option<f64> {
        percent(self.failed?, self.requests)
    }

    pub(super) fn says(&self) -> String {
        let latency = self
            .latency
            .given()
            .filter(|(name, _)| matches!(*name, "p50" | "p95" | "p99"));
        let latency: String = latency.map(|(name, ms)| format!(", {name} {ms:.1} ms")).collect();
        let failed = self
            .failed
            .map(|failed| format!(", {failed} failed"))
            .unwrap_or_default();
        format!("{} requests{failed}{latency} ({})", self.requests, self.tool)
    }

    pub(super) fn rows(&self) -> Vec<FactRow> {
        let mut rows = vec![row("tool", &self.tool), row("requests", self.requests)];
        rows.extend(self.failed.map(|failed| row("failed", failed)));
        rows.extend(
            self.duration_secs
                .map(|secs| row("duration", format!("{secs:.1}s"))),
        );
        rows.extend(self.rate.map(|rate| row("rate", format!("{rate:.1} per second"))));
        rows.extend(
            self.latency
                .given()
                .map(|(name, ms)| row(name, format!("{ms:.3} ms"))),
        );
        rows.extend(
            self.checks
                .map(|checks| row("checks", format!("{} held, {} broke", checks.held, checks.broke))),
        );
        let word = |held| if held { "held" } else { "broke" };
        rows.extend(
            self.thresholds
                .iter()
                .map(|one| row("threshold", format!("{} {}", one.rule, word(one.held)))),
        );
        rows
    }
}
