//! Locust: what `--json` prints, and the statistics of `--csv`. Its times are milliseconds.
//!
//! Layout: `StatsEntry` and `requests_csv` in `locust/stats.py`. Locust rounds what it counts percentiles from: above 100
//! ms to tens, above 1,000 ms to hundreds. The JSON has one item for each name and no sum; the CSV ends in the row
//! `Aggregated`, without which it was cut off.

use gateline_model::{Latency, PerformanceFacts};
use serde::de::MapAccess;

use super::{Rounding, Spread, body_unless, contradicts, count, finite, in_ms, order_doubt};
use crate::error::Fault;
use crate::format::FormatRow;
use crate::head::Shape;
use crate::input::Input;
use crate::read::{Body, Warnings};
use crate::stream::{Keyed, Objects, each_entry};
use crate::text;

/// The name of the last row of the CSV.
const SUM: &str = "Aggregated";

/// Locust rounds the percentiles and not the least and the greatest: to 1 below 100 ms, above to the second digit.
const ROUNDING: Rounding = Rounding { ms: 0.5, share: 0.05 };

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "locust",
    kind: "performance",
    title: "Locust: `--json`, or the `_stats.csv` of `--csv`",
    knows: |head| {
        let is_csv =
            || head.shape == Shape::Text && head.text.starts_with("Type,Name,Request Count,Failure Count,");
        head.items_have_keys(&["num_requests", "num_failures", "response_times"]) || is_csv()
    },
    read: |input| match input
        .beginning()?
        .trim_start_matches('\u{feff}')
        .trim_start()
        .starts_with("Type,")
    {
        true => read_csv(&input.whole()?),
        false => read_json(input),
    },
};

fn read_json(input: &mut Input<'_>) -> Result<Body, Fault> {
    let mut stats = Stats::default();
    input.json(Objects(&mut stats))?;
    if let Some(reason) = stats.wrong {
        return Err(Fault::malformed(0, reason));
    }
    let secs = match (stats.first, stats.last) {
        (Some(first), Some(last)) => finite(Some(last - first)),
        _ => None,
    };
    let timed = stats.spread.total;
    let latency = Latency {
        min: stats.min,
        mean: (timed > 0).then(|| stats.sum_ms / timed as f64),
        max: stats.max,
        ..stats.spread.latency(1.0)
    };
    let facts = PerformanceFacts {
        tool: "locust".to_owned(),
        requests: stats.requests,
        failed: stats.doubt.is_none().then_some(stats.failed),
        duration_secs: secs,
        rate: secs
            .filter(|secs| *secs > 0.0)
            .map(|secs| stats.requests as f64 / secs),
        latency: in_ms(latency, 1.0),
        ..PerformanceFacts::default()
    };
    let doubt = stats.doubt.or_else(|| order_doubt(&facts.latency, ROUNDING));
    Ok(body_unless(doubt, facts, stats.requests, Warnings::default()))
}

#[derive(Default)]
struct Stats {
    requests: u64,
    failed: u64,
    sum_ms: f64,
    min: Option<f64>,
    max: Option<f64>,
    /// The first start and the last request, in seconds since 1970.
    first: Option<f64>,
    last: Option<f64>,
    spread: Spread,
    wrong: Option<String>,
    /// Requests and failures of the open item, and its failures by the second.
    item: (Option<f64>, Option<f64>, u64),
    /// Why nobody knows how many failed.
    doubt: Option<String>,
}

impl Stats {
    /// Adds the counts of one item; an error says why they are none.
    fn count_item(&mut self) -> Result<(), String> {
        let (requests, failures, by_second) = std::mem::take(&mut self.item);
        let requests = count("locust", "num_requests", requests)?;
        self.requests = self.requests.saturating_add(requests);
        let failures = count("locust", "num_failures", failures)?;
        self.failed = self.failed.saturating_add(failures);
        match by_second > failures {
            true => Err(contradicts(&format!(
                "`num_failures` is {failures}, and `num_fail_per_sec` adds up to {by_second}"
            ))),
            false => Ok(()),
        }
    }
}

impl Keyed for Stats {
    const KEYS: &'static [&'static str] = &[
        "num_requests",
        "num_failures",
        "total_response_time",
        "min_response_time",
        "max_response_time",
        "start_time",
        "last_request_timestamp",
        "response_times",
        "num_fail_per_sec",
    ];

    fn begin(&mut self) -> Result<(), String> {
        self.item = (None, None, 0);
        Ok(())
    }

    fn end(&mut self) {
        if let Err(reason) = self.count_item() {
            self.doubt.get_or_insert(reason);
        }
    }

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        if key == "response_times" {
            let take = |ms: String, count: u64| {
                let at = ms.parse::<f64>().ok().filter(|ms| (0.0..1e12).contains(ms));
                let added = at
                    .ok_or_else(|| format!("`{}` is no response time", text::one_line(&ms, 40)))
                    .and_then(|ms| self.spread.add(ms.round() as u64, count));
                if let Err(reason) = added {
                    self.wrong.get_or_insert(reason);
                }
            };
            return value.next_value_seed(each_entry(take)).map(drop);
        }
        if key == "num_fail_per_sec" {
            let failed = &mut self.item.2;
            let take = |_: String, count: u64| *failed = failed.saturating_add(count);
            return value.next_value_seed(each_entry(take)).map(drop);
        }
        let number: Option<f64> = value.next_value()?;
        let least = |old: Option<f64>| old.into_iter().chain(number).reduce(f64::min);
        let most = |old: Option<f64>| old.into_iter().chain(number).reduce(f64::max);
        match key {
            "num_requests" => self.item.0 = number,
            "num_failures" => self.item.1 = number,
            "total_response_time" => self.sum_ms += finite(number).unwrap_or_default(),
            "min_response_time" => self.min = least(self.min),
            "max_response_time" => self.max = most(self.max),
            "start_time" => self.first = least(self.first),
            _ => self.last = most(self.last),
        }
        Ok(())
    }
}

fn read_csv(text: &str) -> Result<Body, Fault> {
    let mut byte = 0;
    let mut header: Option<Vec<String>> = None;
    let (mut rows, mut end) = ((0_u64, 0_u64), None);
    for line in text.split_inclusive('\n') {
        let wrong = || {
            let reason = format!("`{}` is not a whole row", text::one_line(line, 60));
            match line.ends_with('\n') {
                true => Fault::malformed(byte, reason),
                false => Fault::truncated(byte, reason),
            }
        };
        let row = fields(line.trim_end_matches(['\r', '\n'])).ok_or_else(wrong)?;
        if line.trim().is_empty() && (header.is_none() || end.is_some()) {
            byte += line.len();
            continue;
        }
        match &header {
            None => header = Some(row),
            // The last number may be half of one.
            Some(header) if header.len() != row.len() || !line.ends_with('\n') => return Err(wrong()),
            Some(header) if end.is_some() || *header == row => {
                let reason = format!(
                    "`{}` is of a second run: report each run in its own file",
                    text::one_line(line, 60)
                );
                return Err(Fault::malformed(byte, reason));
            }
            Some(header) if row[1] == SUM && row[0].is_empty() => {
                end = Some(sum(header, &row, rows).ok_or_else(wrong)?);
            }
            Some(header) => {
                let (requests, failures) = counts(header, &row).ok_or_else(wrong)?;
                rows = (rows.0.saturating_add(requests), rows.1.saturating_add(failures));
            }
        }
        byte += line.len();
    }
    end.ok_or_else(|| {
        let reason = format!("there is no row `{SUM}`, which is the last");
        Fault::truncated(text.len(), reason)
    })
}

/// The cell of a row in a column.
fn cell<'r>(header: &[String], row: &'r [String], name: &str) -> Option<&'r String> {
    let at = header.iter().position(|column| column == name)?;
    row.get(at)
}

/// The requests of a row, and those that failed; `None` if they are no numbers.
fn counts(header: &[String], row: &[String]) -> Option<(u64, u64)> {
    let whole = |name| cell(header, row, name)?.parse::<u64>().ok();
    Some((whole("Request Count")?, whole("Failure Count")?))
}

/// What the last row says, of which the requests and failures of the rows above are known; `None` if its counts are no
/// numbers.
fn sum(header: &[String], row: &[String], rows: (u64, u64)) -> Option<Body> {
    let number = |name: &str| finite(cell(header, row, name)?.parse().ok());
    let latency = Latency {
        min: number("Min Response Time"),
        mean: number("Average Response Time"),
        p50: number("50%"),
        p75: number("75%"),
        p90: number("90%"),
        p95: number("95%"),
        p99: number("99%"),
        p999: number("99.9%"),
        max: number("Max Response Time"),
    };
    let ((requests, failed), rate) = (counts(header, row)?, number("Requests/s"));
    let differs = |of: &str, rows: u64, said: u64| {
        (rows != said).then(|| contradicts(&format!("the rows come to {rows} {of}, and `{SUM}` says {said}")))
    };
    let doubt = differs("requests", rows.0, requests).or_else(|| differs("failures", rows.1, failed));
    let facts = PerformanceFacts {
        tool: "locust".to_owned(),
        requests,
        failed: doubt.is_none().then_some(failed),
        duration_secs: rate.filter(|rate| *rate > 0.0).map(|rate| requests as f64 / rate),
        rate,
        latency,
        ..PerformanceFacts::default()
    };
    let doubt = doubt.or_else(|| order_doubt(&facts.latency, ROUNDING));
    Some(body_unless(doubt, facts, requests, Warnings::default()))
}

/// The fields of a row; `None` if a quoted one is not ended. Quotes in quotes are doubled.
fn fields(line: &str) -> Option<Vec<String>> {
    let (mut fields, mut field, mut is_quoted) = (Vec::new(), String::new(), false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if is_quoted && chars.peek() == Some(&'"') => field.extend(chars.next()),
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    fields.push(field);
    (!is_quoted).then_some(fields)
}
