//! hey: the summary that it prints, and the single requests of `-o csv`. Its times are seconds.
//!
//! Layout: `requester/print.go` of hey. The CSV has answered requests only, and no end: one that was cut off between two
//! rows cannot be told from a whole one. The summary can: what it counts must agree with its rate.

use std::io::BufRead;

use gateline_model::{Latency, PerformanceFacts};

use super::{Rounding, Spread, body, body_unless, contradicts, in_ms, order_doubt};
use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::Input;
use crate::read::{Body, Warnings};
use crate::text;

/// Requests that hey remembers; of later ones the CSV says nothing.
const HEY_ROWS_MAX: u64 = 1_000_000;
/// Bytes of one row of the CSV, which has eight short numbers.
const ROW_BYTES_MAX: u64 = 1_000;
/// The CSV has four digits after the point: tenths of milliseconds, which are counted exactly.
const PER_MS: f64 = 10.0;
/// The least status that is a failure.
const FAILED_STATUS_MIN: u16 = 400;
/// The first columns of the CSV.
const HEADER: &str = "response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read";

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "hey",
    kind: "performance",
    title: "hey: the summary that it prints, or `-o csv`",
    knows: |head| {
        let mut lines = head.text.lines();
        let first = lines.next().unwrap_or_default();
        let second = lines.next().unwrap_or_default();
        first.starts_with(HEADER) || first.trim() == "Summary:" && second.starts_with("  Total:\t")
    },
    read: |input| {
        let is_csv = input
            .beginning()?
            .trim_start_matches('\u{feff}')
            .starts_with("response-time");
        match is_csv {
            true => read_csv(input),
            false => read_summary(&input.whole()?),
        }
    },
};

fn read_csv(input: &mut Input<'_>) -> Result<Body, Fault> {
    let mut reader = input.reader()?;
    let (mut spread, mut line) = (Spread::default(), String::new());
    let (mut byte, mut rows, mut failed, mut secs) = (0, 0_u64, None::<u64>, None::<f64>);
    let mut columns = None;
    loop {
        line.clear();
        let read = std::io::Read::take(&mut reader, ROW_BYTES_MAX).read_line(&mut line);
        let read = read.map_err(|error| match error.kind() {
            std::io::ErrorKind::InvalidData => Fault::not_utf8(byte),
            _ => Fault::from(error),
        })?;
        if read == 0 {
            break;
        }
        let wrong = || {
            let reason = format!("`{}` is not a whole row of numbers", text::one_line(&line, 60));
            match line.ends_with('\n') {
                true => Fault::malformed(byte, reason),
                false => Fault::truncated(byte, reason),
            }
        };
        if !line.ends_with('\n') {
            return Err(wrong());
        }
        let fields: Vec<&str> = line.trim_end().split(',').collect();
        match columns {
            None => columns = Some(fields.len()),
            Some(columns) if columns != fields.len() => return Err(wrong()),
            Some(_) => {
                let latency: f64 = fields[0].parse().map_err(|_| wrong())?;
                if !(0.0..1e9).contains(&latency) {
                    return Err(wrong());
                }
                let tenths = (latency * 1000.0 * PER_MS).round() as u64;
                spread
                    .add(tenths, 1)
                    .map_err(|reason| Fault::malformed(byte, reason))?;
                if let [_, _, _, _, _, _, status, offset, ..] = fields.as_slice() {
                    let status: u16 = status.parse().map_err(|_| wrong())?;
                    let offset: f64 = offset.parse().map_err(|_| wrong())?;
                    *failed.get_or_insert(0) += u64::from(status >= FAILED_STATUS_MIN);
                    secs = Some(secs.unwrap_or(0.0).max(offset + latency)).filter(|secs| secs.is_finite());
                }
                rows += 1;
            }
        }
        byte += read;
    }
    let mut warnings = Warnings::default();
    warnings
        .add(|| "the CSV of hey leaves out requests without an answer; the summary counts them".to_owned());
    if rows == HEY_ROWS_MAX {
        warnings
            .add(|| format!("hey writes the first {HEY_ROWS_MAX} requests only; there may have been more"));
    }
    let facts = PerformanceFacts {
        tool: "hey".to_owned(),
        requests: rows,
        failed,
        duration_secs: secs,
        rate: secs.filter(|secs| *secs > 0.0).map(|secs| rows as f64 / secs),
        latency: spread.latency(PER_MS),
        ..PerformanceFacts::default()
    };
    Ok(body(facts, rows, warnings))
}

fn read_summary(text: &str) -> Result<Body, Fault> {
    let mut run = Summary::default();
    let mut byte = 0;
    for line in text.split_inclusive('\n') {
        if run.line(line).is_none() {
            let reason = format!("`{}` is not a whole line of a summary", text::one_line(line, 60));
            return Err(match line.ends_with('\n') {
                true => Fault::malformed(byte, reason),
                false => Fault::truncated(byte, reason),
            });
        }
        byte += line.len();
    }
    let (Some(secs), Some(rate)) = (run.secs, run.rate) else {
        return Err(Fault::truncated(
            text.len(),
            "its total time and its rate are not both there",
        ));
    };
    let sent = run.answered.saturating_add(run.broken);
    // Both numbers have four digits after the point; half of the last one may be missing in each.
    let at_least = (secs - 0.000_05) * (rate - 0.000_05) - 0.5;
    if run.part == Part::Head || (sent as f64) < at_least {
        let reason =
            format!("it tells of {sent} requests, fewer than its rate says; its last lines are missing");
        return Err(Fault::truncated(text.len(), reason));
    }
    let at_most = (secs + 0.000_05) * (rate + 0.000_05) + 0.5;
    let more = (sent as f64 > at_most).then(|| {
        contradicts(&format!(
            "it tells of {rate} requests a second for {secs} seconds, and counts {sent}"
        ))
    });
    let facts = PerformanceFacts {
        tool: "hey".to_owned(),
        requests: sent,
        failed: Some(run.refused.saturating_add(run.broken)),
        duration_secs: Some(secs),
        rate: Some(rate),
        latency: match run.answered {
            0 => Latency::default(),
            _ => in_ms(run.latency, 1000.0),
        },
        ..PerformanceFacts::default()
    };
    let doubt = more.or_else(|| order_doubt(&facts.latency, Rounding::OF_COMPUTATION));
    Ok(body_unless(doubt, facts, run.answered, Warnings::default()))
}

/// Where in the summary a line stands.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Head,
    Statuses,
    Errors,
}

#[derive(Default)]
struct Summary {
    part: Part,
    secs: Option<f64>,
    rate: Option<f64>,
    latency: Latency,
    answered: u64,
    refused: u64,
    broken: u64,
}

impl Summary {
    /// Reads one line; `None` if it is not whole.
    fn line(&mut self, line: &str) -> Option<()> {
        let line = line.trim();
        match (self.part, line) {
            (_, "Status code distribution:") => self.part = Part::Statuses,
            (_, "Error distribution:") => self.part = Part::Errors,
            (_, "") => {}
            (Part::Head, line) => self.head(line)?,
            (Part::Statuses, line) => {
                let (status, count) = numbered(line)?;
                let count: u64 = count.strip_suffix(" responses")?.parse().ok()?;
                self.answered = self.answered.saturating_add(count);
                let failed = status >= u64::from(FAILED_STATUS_MIN);
                self.refused = self.refused.saturating_add(if failed { count } else { 0 });
            }
            // The message of an error may have further lines.
            (Part::Errors, line) if !line.starts_with('[') => {}
            (Part::Errors, line) => self.broken = self.broken.saturating_add(numbered(line)?.0),
        }
        Some(())
    }

    fn head(&mut self, line: &str) -> Option<()> {
        let secs = |text: &str| text.trim().strip_suffix(" secs")?.trim().parse::<f64>().ok();
        if let Some((name, rest)) = line.split_once(':') {
            match name {
                "Total" => self.secs = Some(secs(rest)?),
                "Slowest" => self.latency.max = Some(secs(rest)?),
                "Fastest" => self.latency.min = Some(secs(rest)?),
                "Average" => self.latency.mean = Some(secs(rest)?),
                "Requests/sec" => {
                    let rate = rest.trim();
                    let digits = rate.split_once('.')?.1.len();
                    self.rate = Some(rate.parse().ok()?).filter(|_| digits == 4);
                }
                _ => {}
            }
        } else if let Some((percent, rest)) = line.split_once("% in ") {
            let at = Some(secs(rest)?);
            match percent.trim() {
                "50" => self.latency.p50 = at,
                "75" => self.latency.p75 = at,
                "90" => self.latency.p90 = at,
                "95" => self.latency.p95 = at,
                "99" => self.latency.p99 = at,
                _ => {}
            }
        }
        Some(())
    }
}

/// `[200]` and what follows it.
fn numbered(line: &str) -> Option<(u64, &str)> {
    let (number, rest) = line.strip_prefix('[')?.split_once(']')?;
    Some((number.parse().ok()?, rest.trim()))
}
