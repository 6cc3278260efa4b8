//! autocannon: what `--json` writes. Its latencies are milliseconds.
//!
//! It has no 95th percentile; the 97.5th is another number and not taken for it.

use gateline_model::{Latency, PerformanceFacts};
use serde::Deserialize;
use serde::de::MapAccess;

use super::{Rounding, body_unless, contradicts, count, finite, in_ms, order_doubt, rate_doubt};
use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::Input;
use crate::read::{Body, Warnings};
use crate::stream::{Keyed, Objects};

/// The table that autocannon counts latencies in keeps three digits of each.
const ROUNDING: Rounding = Rounding { ms: 0.0, share: 0.01 };
/// How far the rate may be over the requests in the time. It is the mean of what each second counted, of which the last
/// one may be a part; a run of less than a second has a rate that is far too low.
const RATE_OFF_MAX: f64 = 0.25;

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
    let answered = finite(run.requests.total).unwrap_or_default() as u64;
    let (failures, doubt) = match run.failures() {
        Ok(failures) => (Some(failures), None),
        Err(doubt) => (None, Some(doubt)),
    };
    let errors = finite(run.errors).unwrap_or_default() as u64;
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
        requests: answered.saturating_add(errors),
        failed: failures.map(|(errors, refused)| errors.saturating_add(refused)),
        duration_secs: run.duration,
        rate: run.requests.mean.or(run.requests.average),
        latency: in_ms(latency, 1.0),
        ..PerformanceFacts::default()
    };
    let doubt = doubt
        .or_else(|| order_doubt(&facts.latency, ROUNDING))
        .or_else(|| rate_doubt(facts.rate, facts.duration_secs, 0..=answered, RATE_OFF_MAX));
    Ok(body_unless(doubt, facts, answered, Warnings::default()))
}

#[derive(Default)]
struct Run {
    requests: Numbers,
    latency: Numbers,
    errors: Option<f64>,
    non2xx: Option<f64>,
    mismatches: Option<f64>,
    timeouts: Option<f64>,
    /// Answers of 400 to 499, and from 500.
    refused: Option<f64>,
    broken: Option<f64>,
    duration: Option<f64>,
}

impl Run {
    /// Requests that broke, and answers that were not good; an error says why nobody knows.
    fn failures(&self) -> Result<(u64, u64), String> {
        let needed = |name, number| count("autocannon", name, number);
        // Older versions do not write these.
        let told = |name, number: Option<f64>| needed(name, number.or(Some(0.0)));
        let (errors, non2xx) = (needed("errors", self.errors)?, needed("non2xx", self.non2xx)?);
        let (timeouts, mismatches) = (
            told("timeouts", self.timeouts)?,
            told("mismatches", self.mismatches)?,
        );
        let bad = told("4xx", self.refused)?.saturating_add(told("5xx", self.broken)?);
        match () {
            () if bad > non2xx => Err(contradicts(&format!(
                "{bad} answers are 4xx or 5xx, and {non2xx} are `non2xx`"
            ))),
            () if timeouts > errors => Err(contradicts(&format!(
                "there are {timeouts} timeouts, and {errors} `errors`, which they are among"
            ))),
            // An answer that is no 2xx may also be a mismatch.
            () => Ok((errors, non2xx.max(mismatches))),
        }
    }
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
        "timeouts",
        "4xx",
        "5xx",
        "duration",
    ];

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        match key {
            "requests" => self.requests = value.next_value()?,
            "latency" => self.latency = value.next_value()?,
            "errors" => self.errors = value.next_value()?,
            "non2xx" => self.non2xx = value.next_value()?,
            "mismatches" => self.mismatches = value.next_value()?,
            "timeouts" => self.timeouts = value.next_value()?,
            "4xx" => self.refused = value.next_value()?,
            "5xx" => self.broken = value.next_value()?,
            _ => self.duration = value.next_value()?,
        }
        Ok(())
    }
}
