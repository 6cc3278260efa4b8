//! wrk: the text that it prints, with `--latency` for the percentiles.
//!
//! Layout: `print_stats` and `units.c` of wrk 4. Times carry their unit, from `us` to `h`; the last line is
//! `Transfer/sec:`, without which the text was cut off. wrk2 prints the same and more; its extra tables are passed over.
//! A line that is there twice is of a second run, which another file is for.

use gateline_model::{Latency, PerformanceFacts};

use super::{Rounding, body_unless, in_ms, order_doubt, rate_doubt};
use crate::error::Fault;
use crate::format::FormatRow;
use crate::read::{Body, Warnings};
use crate::text;

/// The table that wrk2 counts latencies in keeps three digits of each.
const ROUNDING: Rounding = Rounding {
    ms: 0.0,
    share: 0.002,
};
/// How far the rate may be from the requests in the time, of which wrk prints two digits after the point.
const RATE_OFF_MAX: f64 = 0.01;

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "wrk",
    kind: "performance",
    title: "wrk and wrk2: the text that they print, best with `--latency`",
    knows: |head| {
        let first = head.text.lines().next().unwrap_or_default();
        first.starts_with("Running ") && first.contains(" test @ ")
    },
    read: |input| read(&input.whole()?),
};

fn read(text: &str) -> Result<Body, Fault> {
    let mut run = Run::default();
    let mut byte = 0;
    for line in text.split_inclusive('\n') {
        run.line(line.trim()).map_err(|wrong| {
            let line_is = text::one_line(line, 60);
            let reason = match wrong {
                Wrong::IsNot(part) => format!("`{line_is}` is not {part}"),
                Wrong::Again => format!("`{line_is}` is of a second run: report each run in its own file"),
            };
            match line.ends_with('\n') {
                true => Fault::malformed(byte, reason),
                false => Fault::truncated(byte, reason),
            }
        })?;
        byte += line.len();
    }
    if !run.is_ended {
        return Err(Fault::truncated(
            text.len(),
            "there is no line `Transfer/sec:`, which is the last",
        ));
    }
    let Some((requests, secs)) = run.requests else {
        return Err(Fault::malformed(
            0,
            "there is no line that tells the number of requests",
        ));
    };
    // Requests that broke are not among those that wrk counts, which were answered.
    let sent = requests.saturating_add(run.broken);
    let facts = PerformanceFacts {
        tool: "wrk".to_owned(),
        requests: sent,
        failed: Some(run.refused.unwrap_or(0).saturating_add(run.broken)),
        duration_secs: Some(secs),
        rate: run.rate,
        latency: in_ms(run.latency, 1.0),
        ..PerformanceFacts::default()
    };
    let doubt = order_doubt(&facts.latency, ROUNDING)
        .or_else(|| rate_doubt(facts.rate, facts.duration_secs, requests..=sent, RATE_OFF_MAX));
    Ok(body_unless(doubt, facts, requests, Warnings::default()))
}

#[derive(Default)]
struct Run {
    latency: Latency,
    /// How many were answered, in how many seconds.
    requests: Option<(u64, f64)>,
    rate: Option<f64>,
    /// Answers that failed; no line tells that there are none.
    refused: Option<u64>,
    /// Requests that broke at the socket.
    broken: u64,
    is_ended: bool,
    /// What follows are the latencies of wrk2 that leave out how long requests had to wait.
    is_uncorrected: bool,
}

/// What is wrong with a line.
enum Wrong {
    /// It ought to be this.
    IsNot(&'static str),
    /// There was one already.
    Again,
}

impl From<&'static str> for Wrong {
    fn from(part: &'static str) -> Wrong {
        Wrong::IsNot(part)
    }
}

/// Keeps what a line tells; only one line of a run tells it.
fn once<T>(kept: &mut Option<T>, told: T) -> Result<(), Wrong> {
    match kept.replace(told) {
        None => Ok(()),
        Some(_) => Err(Wrong::Again),
    }
}

impl Run {
    /// Reads one line; an error says what is wrong with it.
    fn line(&mut self, line: &str) -> Result<(), Wrong> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["Latency", mean, _, max, _] => {
                once(&mut self.latency.mean, ms(mean).ok_or("a line of latencies")?)?;
                self.latency.max = Some(ms(max).ok_or("a line of latencies")?);
            }
            ["Latency", "Distribution", rest @ ..] => self.is_uncorrected = rest.contains(&"Uncorrected"),
            [percent, _] if percent.ends_with('%') && self.is_uncorrected => {}
            [percent, latency] if percent.ends_with('%') => {
                let wrong = "a percentile";
                let latency = ms(latency).ok_or(wrong)?;
                let percent: f64 = percent.trim_end_matches('%').parse().map_err(|_| wrong)?;
                let of = &mut self.latency;
                let kept = match percent {
                    50.0 => &mut of.p50,
                    75.0 => &mut of.p75,
                    90.0 => &mut of.p90,
                    95.0 => &mut of.p95,
                    99.0 => &mut of.p99,
                    99.9 => &mut of.p999,
                    _ => return Ok(()),
                };
                once(kept, latency)?;
            }
            [count, "requests", "in", secs, ..] => {
                let wrong = "a number of requests in a time";
                let count = count.parse().map_err(|_| wrong)?;
                let secs = ms(secs.trim_end_matches(',')).ok_or(wrong)? / 1000.0;
                once(&mut self.requests, (count, secs))?;
            }
            ["Socket", "errors:", rest @ ..] => {
                let wrong = "four numbers of socket errors";
                for count in rest.iter().skip(1).step_by(2) {
                    let count: u64 = count.trim_end_matches(',').parse().map_err(|_| wrong)?;
                    self.broken = self.broken.saturating_add(count);
                }
                if rest.len() != 8 {
                    return Err(wrong.into());
                }
            }
            ["Non-2xx", "or", "3xx", "responses:", count] => {
                let count = count.parse().map_err(|_| "a number of answers")?;
                once(&mut self.refused, count)?;
            }
            ["Non-2xx", ..] => return Err("a number of answers".into()),
            ["Requests/sec:", rate] => once(&mut self.rate, rate.parse().map_err(|_| "a rate")?)?,
            ["Transfer/sec:", rate] => {
                if !rate.ends_with('B') {
                    return Err("a rate in bytes".into());
                }
                if std::mem::replace(&mut self.is_ended, true) {
                    return Err(Wrong::Again);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// `99.00us`, `1.65ms`, `2.03s`, `5.00m` or `1.00h` in milliseconds.
fn ms(text: &str) -> Option<f64> {
    let units = [
        ("us", 0.001),
        ("ms", 1.0),
        ("s", 1_000.0),
        ("m", 60_000.0),
        ("h", 3_600_000.0),
    ];
    let (number, per_unit) = units
        .iter()
        .find_map(|(unit, per_unit)| Some((text.strip_suffix(unit)?, per_unit)))?;
    let number: f64 = number.parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number * per_unit)
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case("99.00us", Some(0.099))]
    #[test_case("1.65ms", Some(1.65))]
    #[test_case("2.00s", Some(2000.0))]
    #[test_case("1.50m", Some(90_000.0))]
    #[test_case("1.00h", Some(3_600_000.0))]
    #[test_case("21.72k", None; "a rate is no time")]
    #[test_case("-nanus", None; "no number")]
    #[test_case("12", None; "without a unit")]
    fn times_carry_their_unit(text: &str, expected: Option<f64>) {
        assert_eq!(ms(text), expected);
    }
}
