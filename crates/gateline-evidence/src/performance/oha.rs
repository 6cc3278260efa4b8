//! oha: what `--output-format json` writes. Its times are seconds.
//!
//! Layout: the `schema.json` of oha. oha counts every answer as a success; here answers of 400 and above failed, as in the
//! other tools. Requests that were still open at the end of the time are no failures.

use gateline_model::{Latency, PerformanceFacts};
use serde::Deserialize;
use serde::de::MapAccess;

use super::{body, in_ms};
use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::Input;
use crate::read::{Body, Warnings};
use crate::stream::{Keyed, Objects, each_entry};

/// What oha writes for requests that it gave up because the time was over.
const OVER_TIME: &str = "aborted due to deadline";
/// The least status that is a failure.
const FAILED_STATUS_MIN: u16 = 400;

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "oha",
    kind: "performance",
    title: "oha: `--output-format json`",
    knows: |head| head.has_keys(&["summary", "latencyPercentiles", "statusCodeDistribution"]),
    read,
};

fn read(input: &mut Input<'_>) -> Result<Body, Fault> {
    let mut oha = Oha::default();
    input.json(Objects(&mut oha))?;
    let Oha {
        summary,
        percentiles,
        answered,
        refused,
        broken,
    } = oha;
    let latency = Latency {
        min: summary.fastest,
        mean: summary.average,
        p50: percentiles.p50,
        p75: percentiles.p75,
        p90: percentiles.p90,
        p95: percentiles.p95,
        p99: percentiles.p99,
        p999: percentiles.p999,
        max: summary.slowest,
    };
    let facts = PerformanceFacts {
        tool: "oha".to_owned(),
        requests: answered.saturating_add(broken),
        failed: Some(refused.saturating_add(broken)),
        duration_secs: summary.total,
        rate: summary.rate,
        latency: in_ms(latency, 1000.0),
        ..PerformanceFacts::default()
    };
    Ok(body(facts, answered, Warnings::default()))
}

#[derive(Default)]
struct Oha {
    summary: Summary,
    percentiles: Percentiles,
    /// Answers, and those of them that failed.
    answered: u64,
    refused: u64,
    /// Requests without an answer.
    broken: u64,
}

#[derive(Default, Deserialize)]
struct Summary {
    total: Option<f64>,
    slowest: Option<f64>,
    fastest: Option<f64>,
    average: Option<f64>,
    #[serde(rename = "requestsPerSec")]
    rate: Option<f64>,
}

#[derive(Default, Deserialize)]
struct Percentiles {
    p50: Option<f64>,
    p75: Option<f64>,
    p90: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
    #[serde(rename = "p99.9")]
    p999: Option<f64>,
}

impl Keyed for Oha {
    const KEYS: &'static [&'static str] = &[
        "summary",
        "latencyPercentiles",
        "statusCodeDistribution",
        "errorDistribution",
    ];

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        match key {
            "summary" => self.summary = value.next_value()?,
            "latencyPercentiles" => self.percentiles = value.next_value()?,
            "statusCodeDistribution" => {
                let take = |status: String, count: u64| {
                    let failed = status
                        .parse()
                        .map_or(true, |status: u16| status >= FAILED_STATUS_MIN);
                    self.answered = self.answered.saturating_add(count);
                    self.refused = self.refused.saturating_add(if failed { count } else { 0 });
                };
                value.next_value_seed(each_entry(take))?;
            }
            _ => {
                let take = |error: String, count: u64| {
                    if error != OVER_TIME {
                        self.broken = self.broken.saturating_add(count);
                    }
                };
                value.next_value_seed(each_entry(take))?;
            }
        }
        Ok(())
    }
}
