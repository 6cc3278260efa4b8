//! k6: the data that `handleSummary` is given, and what `--summary-export` writes.
//!
//! The two say thresholds in opposite ways: `{"ok": true}` for one that held, and, in the export, `true` for one that was
//! crossed. They are told apart by that very value, and a report that mixes them is refused. Latencies are milliseconds.
//! `http_req_failed` is a rate: what it calls `passes` are the requests that failed. Without them the share tells, which is
//! `rate` in the data and `value` in the export; without any of the three nobody knows how many failed.

use gateline_model::{Checks, Latency, PerformanceFacts, TOOL_THRESHOLDS_MAX, ToolThreshold};
use serde::Deserialize;
use serde::de::MapAccess;
use serde_json::Value;
use std::collections::BTreeMap;

use super::{COUNT_MAX, Rounding, body_unless, contradicts, finite, in_ms, in_order};
use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::Input;
use crate::read::{Body, Warnings};
use crate::stream::{Keyed, Objects, each_entry};
use crate::text;

/// How far a share may be from the counts that it is of: a tenth of a percentage point.
const SHARE_OFF_MAX: f64 = 0.001;

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "k6",
    kind: "performance",
    title: "k6: the data of `handleSummary`, or `--summary-export`",
    knows: |head| {
        let of_http = || !head.has_keys(&["results"]) && head.text.contains("\"http_req");
        head.has_keys(&["metrics", "root_group"]) || head.has_keys(&["metrics"]) && of_http()
    },
    read,
};

fn read(input: &mut Input<'_>) -> Result<Body, Fault> {
    let mut summary = Summary::default();
    input.json(Objects(&mut summary))?;
    match &summary.unclear {
        Some(reason) => Err(Fault::malformed(0, reason.clone())),
        None => summary.into_body().map_err(|reason| Fault::malformed(0, reason)),
    }
}

#[derive(Default)]
struct Summary {
    ran_ms: Option<f64>,
    requests: Option<Numbers>,
    duration: Option<Numbers>,
    failed: Option<Numbers>,
    checks: Option<Numbers>,
    held: Vec<String>,
    broke: Vec<String>,
    /// Why the report cannot be understood.
    unclear: Option<String>,
    warnings: Warnings,
}

impl Keyed for Summary {
    const KEYS: &'static [&'static str] = &["metrics", "state"];

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        match key {
            "metrics" => {
                value.next_value_seed(each_entry(|name: String, metric| self.metric(&name, metric)))?;
            }
            _ => {
                let state: Option<State> = value.next_value()?;
                self.ran_ms = state.and_then(|state| state.ran_ms);
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct State {
    #[serde(rename = "testRunDurationMs")]
    ran_ms: Option<f64>,
}

/// One metric: its numbers in `values`, or, in the export, flat beside the thresholds.
#[derive(Deserialize)]
struct Metric {
    values: Option<Numbers>,
    #[serde(default)]
    thresholds: BTreeMap<String, Value>,
    #[serde(flatten)]
    flat: Numbers,
}

#[derive(Default, Deserialize)]
struct Numbers {
    count: Option<f64>,
    rate: Option<f64>,
    value: Option<f64>,
    passes: Option<f64>,
    fails: Option<f64>,
    avg: Option<f64>,
    min: Option<f64>,
    med: Option<f64>,
    max: Option<f64>,
    #[serde(rename = "p(50)")]
    p50: Option<f64>,
    #[serde(rename = "p(75)")]
    p75: Option<f64>,
    #[serde(rename = "p(90)")]
    p90: Option<f64>,
    #[serde(rename = "p(95)")]
    p95: Option<f64>,
    #[serde(rename = "p(99)")]
    p99: Option<f64>,
    #[serde(rename = "p(99.9)")]
    p999: Option<f64>,
}

impl Summary {
    fn metric(&mut self, name: &str, metric: Metric) {
        let Metric {
            values,
            thresholds,
            flat,
        } = metric;
        let is_export = values.is_none();
        for (rule, says) in &thresholds {
            self.threshold(&format!("{name} {rule}"), says, is_export);
        }
        let kept = match name {
            "http_reqs" => &mut self.requests,
            "http_req_duration" => &mut self.duration,
            "http_req_failed" => &mut self.failed,
            "checks" => &mut self.checks,
            _ => return,
        };
        if kept.replace(values.unwrap_or(flat)).is_some() {
            self.unclear
                .get_or_insert_with(|| format!("the metric `{name}` stands there twice"));
        }
    }

    fn threshold(&mut self, rule: &str, says: &Value, is_export: bool) {
        let rule = text::name(rule);
        let held = match (is_export, says) {
            (true, Value::Bool(crossed)) => Some(!crossed),
            (false, Value::Object(says)) => says.get("ok").and_then(Value::as_bool),
            (true | false, _) => None,
        };
        let Some(held) = held else {
            let reason = format!("the threshold `{rule}` says neither that it held nor that it was crossed");
            self.unclear.get_or_insert(reason);
            return;
        };
        let kept = if held { &mut self.held } else { &mut self.broke };
        match kept.len() < TOOL_THRESHOLDS_MAX {
            true => kept.push(rule),
            false => self
                .warnings
                .add(|| format!("the threshold `{rule}` is one too many and was left out")),
        }
    }

    /// What it measured; an error says which number cannot be one.
    fn into_body(self) -> Result<Body, String> {
        let requests = self.requests.unwrap_or_default();
        let sent = count("http_reqs", requests.count)?.unwrap_or_default();
        let failed = match &self.failed {
            Some(numbers) => failed(numbers, sent)?,
            None => None,
        };
        let no_failed = (self.failed.is_some() && failed.is_none())
            .then(|| "k6 does not say how many requests failed: `http_req_failed` has no number".to_owned());
        let checks = match &self.checks {
            Some(numbers) => checks(numbers)?,
            None => None,
        };
        let no_checks = (self.checks.is_some() && checks.is_none())
            .then(|| "k6 does not say how many checks held: `checks` has no `passes` and `fails`".to_owned());
        let rate = finite(requests.rate);
        // k6 computes the rate from the duration, which the export leaves out.
        let by_rate = rate.filter(|rate| *rate > 0.0).map(|rate| sent as f64 / rate);
        let duration = self.duration.unwrap_or_default();
        let latency = Latency {
            min: duration.min,
            mean: duration.avg,
            p50: duration.med.or(duration.p50),
            p75: duration.p75,
            p90: duration.p90,
            p95: duration.p95,
            p99: duration.p99,
            p999: duration.p999,
            max: duration.max,
        };
        in_order("`http_req_duration`", &latency, Rounding::OF_COMPUTATION)?;
        let rules =
            |rules: Vec<String>, held| rules.into_iter().map(move |rule| ToolThreshold { rule, held });
        // The broken ones first: they are not the ones to be left out.
        let thresholds = rules(self.broke, false).chain(rules(self.held, true));
        let facts = PerformanceFacts {
            tool: "k6".to_owned(),
            requests: sent,
            failed,
            duration_secs: self.ran_ms.map(|ms| ms / 1000.0).or(by_rate),
            rate,
            latency: in_ms(latency, 1.0),
            checks,
            thresholds: thresholds.take(TOOL_THRESHOLDS_MAX).collect(),
        };
        Ok(body_unless(no_failed.or(no_checks), facts, sent, self.warnings))
    }
}

/// How many requests failed: as it counts them, else by their share of those that were sent, where a part of one is one.
fn failed(numbers: &Numbers, sent: u64) -> Result<Option<u64>, String> {
    let counted = count("http_req_failed", numbers.passes)?;
    let good = count("http_req_failed", numbers.fails)?;
    let share = numbers.rate.or(numbers.value);
    if let Some(share) = share
        && !(0.0..=1.0).contains(&share)
    {
        return Err(format!(
            "the share of `http_req_failed` is {share}, which is not from 0 to 1"
        ));
    }
    if let Some(counted) = counted {
        agree("http_req_failed", counted, good, share)?;
    }
    match (counted, share) {
        (Some(0), Some(share)) if share > 0.0 => Err(format!(
            "the report contradicts itself: `http_req_failed` counts none, and its share is {share}"
        )),
        (Some(counted), _) => Ok(Some(counted)),
        (None, share) => Ok(share.map(|share| (sent as f64 * share).ceil() as u64)),
    }
}

/// How many checks held and broke, where it counts both.
fn checks(numbers: &Numbers) -> Result<Option<Checks>, String> {
    let held = count("checks", numbers.passes)?;
    let broke = count("checks", numbers.fails)?;
    if let Some(held) = held {
        agree("checks", held, broke, numbers.rate.or(numbers.value))?;
    }
    Ok(held.zip(broke).map(|(held, broke)| Checks { held, broke }))
}

/// Whether the counts of a metric come to the share that it tells.
fn agree(metric: &str, passes: u64, fails: Option<u64>, share: Option<f64>) -> Result<(), String> {
    let (Some(fails), Some(share)) = (fails, share) else {
        return Ok(());
    };
    let all = passes.saturating_add(fails);
    let counted = passes as f64 / all as f64;
    match all > 0 && (counted - share).abs() > SHARE_OFF_MAX {
        true => Err(contradicts(&format!(
            "`{metric}` counts {passes} of {all}, and its share is {share}"
        ))),
        false => Ok(()),
    }
}

/// A count of a metric, which k6 may write with a decimal point.
fn count(metric: &str, number: Option<f64>) -> Result<Option<u64>, String> {
    match number {
        Some(number) if !(0.0..=COUNT_MAX).contains(&number) => Err(format!(
            "`{metric}` counts {number}, which is no count from 0 to 2^53"
        )),
        number => Ok(number.map(|number| number as u64)),
    }
}
