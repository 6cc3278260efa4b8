//! oha: what `--output-format json` writes. Its times are seconds.
//!
//! Layout: the `schema.json` of oha. oha counts every answer as a success; here answers of 400 and above failed, as in the
//! other tools. Requests that were still open at the end of the time are no failures.

use gateline_model::{Latency, PerformanceFacts};
use serde::Deserialize;
use serde::de::MapAccess;

use super::{Rounding, body_unless, contradicts, in_ms, order_doubt, rate_doubt};
use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::Input;
use crate::read::{Body, Warnings};
use crate::stream::{Keyed, Objects, each_entry};

/// What oha writes for requests that it gave up because the time was over.
const OVER_TIME: &str = "aborted due to deadline";
/// The least status that is a failure.
const FAILED_STATUS_MIN: u16 = 400;
/// How far a share may be from the counts that it is of: a tenth of a percentage point.
const SHARE_OFF_MAX: f64 = 0.001;
/// How far the rate may be from the requests in the time, which oha tells without rounding.
const RATE_OFF_MAX: f64 = 0.01;

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
    let doubt = oha.doubt();
    let Oha {
        summary,
        percentiles,
        answered,
        refused,
        broken,
        open,
        ..
    } = oha;
    let ended = answered.saturating_add(broken);
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
        requests: ended,
        failed: doubt.is_none().then(|| refused.saturating_add(broken)),
        duration_secs: summary.total,
        rate: summary.rate,
        latency: in_ms(latency, 1000.0),
        ..PerformanceFacts::default()
    };
    // What the rate is of differs from version to version: answers alone, or open requests too.
    let counted = answered..=ended.saturating_add(open);
    let doubt = doubt
        .or_else(|| order_doubt(&facts.latency, Rounding::OF_COMPUTATION))
        .or_else(|| rate_doubt(facts.rate, facts.duration_secs, counted, RATE_OFF_MAX));
    Ok(body_unless(doubt, facts, answered, Warnings::default()))
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
    /// Requests that were open when the time was over.
    open: u64,
    /// It lists the errors, be they none.
    has_errors: bool,
}

impl Oha {
    /// Why nobody knows how many failed.
    fn doubt(&self) -> Option<String> {
        if !self.has_errors {
            return Some("oha does not say how many failed: it has no `errorDistribution`".to_owned());
        }
        let share = self.summary.success_rate?;
        // Open requests were among the failures in earlier versions.
        let is_of = |all: u64| (share - self.answered as f64 / all as f64).abs() <= SHARE_OFF_MAX;
        let ended = self.answered.saturating_add(self.broken);
        let agrees = ended == 0 || is_of(ended) || is_of(ended.saturating_add(self.open));
        (!agrees).then(|| {
            let answered = self.answered;
            contradicts(&format!(
                "its `successRate` is {share}, and {answered} of {ended} requests were answered"
            ))
        })
    }
}

#[derive(Default, Deserialize)]
struct Summary {
    total: Option<f64>,
    slowest: Option<f64>,
    fastest: Option<f64>,
    average: Option<f64>,
    #[serde(rename = "successRate")]
    success_rate: Option<f64>,
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
                    let of = match error == OVER_TIME {
                        true => &mut self.open,
                        false => &mut self.broken,
                    };
                    *of = of.saturating_add(count);
                };
                self.has_errors = value.next_value_seed(each_entry(take))?.is_some();
            }
        }
        Ok(())
    }
}
