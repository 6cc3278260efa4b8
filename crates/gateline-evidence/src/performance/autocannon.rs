//! autocannon: what `--json` writes. Its latencies are milliseconds.
//!
//! It has no 95th percentile; the 97.5th is another number and not taken for it.

use gateline_model::{Latency, PerformanceFacts};
use serde::Deserialize;
use serde::de::MapAccess;

use super::{body, count, in_ms};
use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::Input;
use crate::read::{Body, Warnings};
use crate::stream::{Keyed, Objects};

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "autocannon",
    kind: "performance",
    title: "autocannon: `--json`",
    knows: |head| head.has_keys(&["requests", "latency", "throughput", "non2xx"]),
    read,
};

fn read(input: &mut Input<'_>) -> Result<Body, Fault> {
    let mut run = Run::default();
    input.json(Objects(&mut run))?;
    let answered = count(run.requests.total);
    // Timeouts are among the errors; an answer that is no 2xx may also be a mismatch.
    let failed = count(run.errors).saturating_add(count(run.non2xx).max(count(run.mismatches)));
    let latency = Latency {
        min: run.latency.min,
        mean: run.latency.mean.or(run.latency.average),
        p50: run.latency.p50,
        p75: run.latency.p75,
        p90: run.latency.p90,
        p95: None,
        p99: run.latency.p99,
        p999: run.latency.p99_9,
        max: run.latency.max,
    };
    let facts = PerformanceFacts {
        tool: "autocannon".to_owned(),
        requests: answered.saturating_add(count(run.errors)),
        failed: Some(failed),
        duration_secs: run.duration,
        rate: run.requests.mean.or(run.requests.average),
        latency: in_ms(latency, 1.0),
        ..PerformanceFacts::default()
    };
    Ok(body(facts, answered, Warnings::default()))
}

#[derive(Default)]
struct Run {
    requests: Numbers,
    latency: Numbers,
    errors: Option<f64>,
    non2xx: Option<f64>,
    mismatches: Option<f64>,
    duration: Option<f64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Numbers {
    average: Option<f64>,
    mean: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    total: Option<f64>,
    p50: Option<f64>,
    p75: Option<f64>,
    p90: Option<f64>,
    p99: Option<f64>,
    p99_9: Option<f64>,
}

impl Keyed for Run {
    const KEYS: &'static [&'static str] = &[
        "requests",
        "latency",
        "errors",
        "non2xx",
        "mismatches",
        "duration",
    ];

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        match key {
            "requests" => self.requests = value.next_value()?,
            "latency" => self.latency = value.next_value()?,
            "errors" => self.errors = value.next_value()?,
            "non2xx" => self.non2xx = value.next_value()?,
            "mismatches" => self.mismatches = value.next_value()?,
            _ => self.duration = value.next_value()?,
        }
        Ok(())
    }
}
