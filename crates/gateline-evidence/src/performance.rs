//! Load tests: what the tools' formats share. Every latency becomes milliseconds.
//!
//! Knows no budget. A percentile that a tool does not tell stays absent, unless its single requests are there to count.

pub(crate) mod autocannon;
pub(crate) mod hey;
pub(crate) mod k6;
pub(crate) mod locust;
pub(crate) mod oha;
pub(crate) mod wrk;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use gateline_model::{Facts, Latency, PerformanceFacts};

use crate::read::{Body, Complete, Warnings};

/// Different latencies of one report that are counted; more than any tool's rounding leaves.
pub const LATENCIES_MAX: usize = 200_000;

/// The largest count that a number of JSON tells exactly: 2^53.
const COUNT_MAX: f64 = 9_007_199_254_740_992.0;

/// How often each latency was seen, in the tool's own unit. Exact, and as large as there are different ones.
#[derive(Debug, Default)]
struct Spread {
    counts: BTreeMap<u64, u64>,
    total: u64,
}

impl Spread {
    fn add(&mut self, latency: u64, count: u64) -> Result<(), String> {
        *self.counts.entry(latency).or_default() += count;
        self.total = self.total.saturating_add(count);
        match self.counts.len() > LATENCIES_MAX {
            true => Err(format!("more than {LATENCIES_MAX} different latencies")),
            false => Ok(()),
        }
    }

    /// The least latency that at least `permille` of all requests did not pass.
    fn percentile(&self, permille: u64) -> Option<f64> {
        let rank = (u128::from(self.total) * u128::from(permille))
            .div_ceil(1000)
            .max(1);
        let mut seen = 0_u128;
        let found = self.counts.iter().find(|(_, count)| {
            seen += u128::from(**count);
            seen >= rank
        });
        found.map(|(latency, _)| *latency as f64)
    }

    fn mean(&self) -> Option<f64> {
        let sum: f64 = self
            .counts
            .iter()
            .map(|(latency, count)| *latency as f64 * *count as f64)
            .sum();
        (self.total > 0).then(|| sum / self.total as f64)
    }

    /// All of it, each latency divided by `per_ms`.
    fn latency(&self, per_ms: f64) -> Latency {
        let ms = |latency: f64| latency / per_ms;
        let at = |permille: u64| self.percentile(permille).map(ms);
        Latency {
            min: at(0),
            mean: self.mean().map(ms),
            p50: at(500),
            p75: at(750),
            p90: at(900),
            p95: at(950),
            p99: at(990),
            p999: at(999),
            max: at(1000),
        }
    }
}

/// A number as tools write it, if it is one that a latency, a rate or a duration can be.
fn finite(number: Option<f64>) -> Option<f64> {
    number.filter(|number| number.is_finite() && *number >= 0.0)
}

/// Every latency turned into milliseconds, to the nanosecond; numbers that cannot be latencies are left out.
fn in_ms(latency: Latency, ms_per_unit: f64) -> Latency {
    let ms = |number: Option<f64>| finite(number.map(|number| (number * ms_per_unit * 1e6).round() / 1e6));
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
    } = latency;
    Latency {
        min: ms(min),
        mean: ms(mean),
        p50: ms(p50),
        p75: ms(p75),
        p90: ms(p90),
        p95: ms(p95),
        p99: ms(p99),
        p999: ms(p999),
        max: ms(max),
    }
}

/// How far apart two latencies of one report may be by what their tool rounds away.
#[derive(Debug, Clone, Copy)]
struct Rounding {
    /// In milliseconds.
    ms: f64,
    /// As a part of the larger.
    share: f64,
}

impl Rounding {
    /// What the computation of them leaves, where a tool rounds all of them alike or not at all.
    const OF_COMPUTATION: Rounding = Rounding { ms: 0.0, share: 1e-6 };
}

/// Whether no latency is less than one that it cannot be less than; an error says which is. `of` names them.
fn in_order(of: &str, latency: &Latency, rounding: Rounding) -> Result<(), String> {
    let names = ["min", "p50", "p75", "p90", "p95", "p99", "p99.9", "max"];
    let Latency {
        min,
        mean: _,
        p50,
        p75,
        p90,
        p95,
        p99,
        p999,
        max,
    } = *latency;
    let told = names.into_iter().zip([min, p50, p75, p90, p95, p99, p999, max]);
    let mut highest: Option<(&str, f64)> = None;
    for (name, ms) in told.filter_map(|(name, ms)| Some((name, ms?))) {
        match highest {
            Some((less, above)) if ms < above - rounding.ms.max(above.abs() * rounding.share) => {
                return Err(contradicts(&format!(
                    "the {name} of {of} is {ms}, and its {less} is {above}"
                )));
            }
            Some((_, above)) if ms <= above => {}
            Some(_) | None => highest = Some((name, ms)),
        }
    }
    Ok(())
}

/// Why the latencies cannot be those of one run.
fn order_doubt(latency: &Latency, rounding: Rounding) -> Option<String> {
    in_order("the latency", latency, rounding).err()
}

/// Why the rate cannot be that of so many requests in so many seconds; `off` is the part that rounding may hide.
fn rate_doubt(
    rate: Option<f64>,
    secs: Option<f64>,
    requests: RangeInclusive<u64>,
    off: f64,
) -> Option<String> {
    let (rate, secs) = (finite(rate)?, finite(secs)?);
    let least = *requests.start() as f64 * (1.0 - off) - 1.0;
    let most = *requests.end() as f64 * (1.0 + off) + 1.0;
    (!(least..=most).contains(&(rate * secs))).then(|| {
        let counted = requests.end();
        contradicts(&format!(
            "it tells of {rate} requests a second for {secs} seconds, and counts {counted}"
        ))
    })
}

/// What was measured; incomplete where no request was sent, or none of them was answered.
fn body(facts: PerformanceFacts, answered: u64, warnings: Warnings) -> Body {
    let reason = match (facts.requests, answered) {
        (0, _) => Some("no request was sent: nothing was measured".to_owned()),
        (sent, 0) => Some(format!(
            "none of the {sent} requests was answered: nothing was measured"
        )),
        _ => None,
    };
    let facts = PerformanceFacts {
        failed: facts.failed.map(|failed| failed.min(facts.requests)),
        duration_secs: finite(facts.duration_secs),
        rate: finite(facts.rate),
        ..facts
    };
    Body {
        facts: Facts::Performance(facts),
        complete: Complete::unless(reason),
        warnings,
    }
}

/// What was measured, incomplete where there is a doubt of how much of it failed.
fn body_unless(doubt: Option<String>, facts: PerformanceFacts, answered: u64, warnings: Warnings) -> Body {
    let body = body(facts, answered, warnings);
    let complete = match body.complete {
        Complete::Yes => Complete::unless(doubt),
        no @ Complete::No { .. } => no,
    };
    Body { complete, ..body }
}

/// A count in JSON, which some tools write with a decimal point; an error says why it is none. One that is not there is
/// not nought.
fn count(tool: &str, name: &str, number: Option<f64>) -> Result<u64, String> {
    match number {
        None => Err(format!(
            "{tool} does not say how many failed: it has no count `{name}`"
        )),
        Some(number) if !(0.0..=COUNT_MAX).contains(&number) || number.fract() != 0.0 => Err(format!(
            "{tool} does not say how many failed: `{name}` is {number}, which is no count"
        )),
        Some(number) => Ok(number as u64),
    }
}

/// That the report speaks against itself, and where.
fn contradicts(what: &str) -> String {
    format!("the report contradicts itself: {what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_single_requests() {
        let mut spread = Spread::default();
        (1..=1000)
            .rev()
            .for_each(|latency| spread.add(latency, 1).expect("few"));
        let latency = spread.latency(10.0);
        assert_eq!(
            (latency.min, latency.p50, latency.p95),
            (Some(0.1), Some(50.0), Some(95.0))
        );
        assert_eq!(
            (latency.p999, latency.max, latency.mean),
            (Some(99.9), Some(100.0), Some(50.05))
        );
        assert_eq!(Spread::default().latency(1.0), Latency::default());
    }

    #[test]
    fn no_latency_falls_by_more_than_is_rounded_away() {
        let told = |p90, p99| Latency {
            p50: Some(10.0),
            p90: Some(p90),
            p99,
            max: Some(100.0),
            ..Latency::default()
        };
        let off = Rounding { ms: 0.5, share: 0.01 };
        assert_eq!(in_order("it", &told(100.9, None), off), Ok(()));
        assert_eq!(in_order("it", &told(9.5, Some(10.0)), off), Ok(()));
        assert_eq!(
            in_order("it", &told(50.0, Some(0.0)), off),
            Err("the report contradicts itself: the p99 of it is 0, and its p90 is 50".to_owned())
        );
        // Each against the highest before it, so that they do not creep down.
        assert!(in_order("it", &told(9.6, Some(9.3)), off).is_err());
    }

    #[test]
    fn different_latencies_are_limited() {
        let mut spread = Spread::default();
        let most = LATENCIES_MAX as u64;
        assert!((0..most).all(|latency| spread.add(latency, 1).is_ok()));
        assert!(spread.add(0, 1).is_ok());
        assert!(spread.add(most, 1).is_err());
    }
}
