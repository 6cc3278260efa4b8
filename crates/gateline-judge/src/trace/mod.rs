//! Files of ticks: one JSON object per line, for replaying a rollout that somebody else recorded.
//!
//! Knows no file system: text in, looks out. `docs/reference/judge-ticks.md` tells the form.

mod line;
mod once;

use std::collections::{BTreeMap, BTreeSet};

use gateline_model::{Arm, FullRuling};
pub use line::{BUCKETS_MAX, COUNT_MAX, LINE_BYTES_MAX, POD_BYTES_MAX};
use line::{ByPod, Line};

use crate::counts::Counts;
use crate::judge::{Baseline, Settings};
use crate::look::{ArmLook, Look};
use crate::pods::PODS_MAX;
use crate::recipe::TICK_SECS;
use crate::ruling::Record;

/// Most lines.
pub const LINES_MAX: usize = 1_000_000;
/// Longest recording, in ticks: a week.
pub const TRACE_TICKS_MAX: f64 = 40_320.0;
/// Fewest ticks of a series from which it is told whether its counts are running totals.
const TOTALS_TICKS_MIN: usize = 8;
/// How far the canary's running totals grow beyond the first of them, at the least.
const TOTALS_GROW: f64 = 3.0;
/// A process begins again at most once in so many ticks, and with at most this share of what it had counted.
const ANEW_TICKS: usize = 8;
const ANEW_SHARE: f64 = 0.5;

/// Why a file of ticks is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TraceError {
    /// A line is not what it must be.
    #[error("line {number} {why}")]
    WholeLine {
        /// Its number, from 1.
        number: usize,
        /// What is wrong with it.
        why: String,
    },
    /// A line with a field that does not say what it should.
    #[error("line {number}: `{field}` {why}")]
    Line {
        /// Its number, from 1.
        number: usize,
        /// The field.
        field: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is nothing to judge.
    #[error("{0}")]
    Empty(&'static str),
    /// There is too much.
    #[error("there are more than {most} {what}: cut the file")]
    TooMuch {
        /// The limit.
        most: usize,
        /// Of what.
        what: &'static str,
    },
}

/// A recording of a rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// The file's time at which the canary began to serve.
    pub began: f64,
    /// The stable arm before that.
    pub before: Vec<ArmLook>,
    /// Everything from then on.
    pub looks: Vec<Look>,
    /// What is to be known of it.
    pub notes: Vec<String>,
}

impl Trace {
    /// Reads the lines of a file. Empty lines are left out; the order does not matter.
    ///
    /// # Errors
    /// [`TraceError`] with the line and the field.
    pub fn read(text: &str) -> Result<Self, TraceError> {
        // Some editors begin a file with a mark of its encoding.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut notes = Vec::new();
        let mut unread = BTreeSet::new();
        let mut series: BTreeMap<Arm, ByPod> = BTreeMap::new();
        let mut weights: BTreeMap<u64, f64> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for (index, text) in text
            .lines()
            .enumerate()
            .filter(|(_, text)| !text.trim().is_empty())
        {
            let number = index + 1;
            if seen.len() == LINES_MAX {
                return Err(TraceError::TooMuch {
                    most: LINES_MAX,
                    what: "lines",
                });
            }
            let Line {
                secs,
                arm,
                pod,
                counts,
                weight,
                unread: more,
            } = line::read(number, text)?;
            if !seen.insert((secs.to_bits(), arm, pod.clone())) {
                let why = format!("{secs} was told of this arm and pod before");
                return Err(TraceError::Line {
                    number,
                    field: "t".to_owned(),
                    why,
                });
            }
            unread.extend(more.into_iter().take(10));
            if let (Some(weight), Arm::Canary) = (weight, arm) {
                weights.insert(secs.to_bits(), weight);
            }
            let pods = series.entry(arm).or_default();
            pods.entry(pod).or_default().push((secs, counts));
            if pods.len() > PODS_MAX {
                return Err(TraceError::TooMuch {
                    most: PODS_MAX,
                    what: "pods",
                });
            }
        }
        if !unread.is_empty() {
            let names: Vec<String> = unread.into_iter().take(10).collect();
            notes.push(format!("fields that are not read: {}", names.join(", ")));
        }
        for pods in series.values_mut().flat_map(BTreeMap::values_mut) {
            pods.sort_by(|one, other| one.0.total_cmp(&other.0));
        }
        if are_totals(&series) {
            series
                .values_mut()
                .flat_map(BTreeMap::values_mut)
                .for_each(subtract);
            notes.push(
                "counts fall only where a process began again: they are read as running totals".to_owned(),
            );
        }
        Self::assemble(&series, &weights, notes)
    }

    fn assemble(
        series: &BTreeMap<Arm, ByPod>,
        weights: &BTreeMap<u64, f64>,
        mut notes: Vec<String>,
    ) -> Result<Self, TraceError> {
        let served = |arm: Arm| series.get(&arm).into_iter().flat_map(BTreeMap::values).flatten();
        let canary = served(Arm::Canary)
            .filter(|(_, counts)| counts.requests > 0)
            .map(|(secs, _)| *secs);
        let began = canary.fold(f64::INFINITY, f64::min);
        if !began.is_finite() {
            return Err(TraceError::Empty(
                "the canary serves no request in it: there is nothing to judge",
            ));
        }
        let all = || {
            served(Arm::Canary)
                .chain(served(Arm::Stable))
                .map(|(secs, _)| *secs)
        };
        if all().any(|secs| (secs - began).abs() / TICK_SECS as f64 > TRACE_TICKS_MAX) {
            return Err(TraceError::TooMuch {
                most: TRACE_TICKS_MAX as usize,
                what: "ticks of 15 s between its ends",
            });
        }
        let mut ticks: BTreeMap<i64, BTreeMap<Arm, ArmLook>> = BTreeMap::new();
        for (arm, pods) in series {
            for (pod, counts) in pods {
                for (secs, counts) in counts {
                    let look = ticks
                        .entry(tick(*secs, began))
                        .or_default()
                        .entry(*arm)
                        .or_default();
                    look.all.merge(counts);
                    if let Some(pod) = pod {
                        look.pods.entry(pod.clone()).or_default().merge(counts);
                    }
                }
            }
        }
        ticks
            .values_mut()
            .flat_map(BTreeMap::values_mut)
            .for_each(|look| look.serving = look.pods.len());
        let mut weight_at: BTreeMap<i64, f64> = BTreeMap::new();
        for (bits, weight) in weights {
            weight_at.insert(tick(f64::from_bits(*bits), began), *weight);
        }
        if weight_at.is_empty() {
            let share = share(&ticks);
            notes.push(format!(
                "no weight is told: it is taken from the share of requests, {share:.1}%"
            ));
            weight_at.insert(0, share);
        }
        let mut trace = Self {
            began,
            before: Vec::new(),
            looks: Vec::new(),
            notes,
        };
        for (tick, mut arms) in ticks {
            let (canary, stable) = (arms.remove(&Arm::Canary), arms.remove(&Arm::Stable));
            if tick < 0 {
                trace.before.extend(stable);
                continue;
            }
            let weight = weight_at.range(..=tick).next_back().map(|(_, weight)| *weight);
            trace.looks.push(Look {
                tick: tick as u32,
                weight,
                canary,
                stable,
                ..Look::default()
            });
        }
        Ok(trace)
    }
}

/// What the judge by evidence says at the end of a recording, in the recording's own time.
pub fn replay(settings: Settings, trace: &Trace) -> FullRuling {
    let baseline = Baseline::measure(&settings, &trace.before);
    let mut record = Record::new(settings, baseline.as_ref());
    for look in &trace.looks {
        record.observe(look);
    }
    let mut ruling = record.ruling();
    ruling.at += trace.began;
    ruling.band.iter_mut().for_each(|point| point.at += trace.began);
    for dropped in &mut ruling.dropped {
        dropped.from += trace.began;
        dropped.to += trace.began;
    }
    ruling.notes.extend(trace.notes.iter().cloned());
    ruling
}

/// The tick of a moment; below 0 before the canary began.
fn tick(secs: f64, began: f64) -> i64 {
    ((secs - began) / TICK_SECS as f64).floor() as i64
}

/// Per cent of all requests that the canary served, since it began.
fn share(ticks: &BTreeMap<i64, BTreeMap<Arm, ArmLook>>) -> f64 {
    let of = |arm: Arm| {
        let looks = ticks.range(0..).filter_map(|(_, arms)| arms.get(&arm));
        looks.map(|look| look.all.requests).sum::<u64>() as f64
    };
    100.0 * of(Arm::Canary) / (of(Arm::Canary) + of(Arm::Stable)).max(1.0)
}

/// Counts of a tick go up and down; running totals fall only where a process began again, near nothing, and the canary's, which
/// began with it, grow far beyond the first of them.
fn are_totals(series: &BTreeMap<Arm, ByPod>) -> bool {
    let all = || series.values().flat_map(BTreeMap::values);
    let mostly_grows = |one: &Vec<(f64, Counts)>| {
        let grows = one
            .windows(2)
            .filter(|pair| pair[0].1.requests < pair[1].1.requests)
            .count();
        one.len() >= TOTALS_TICKS_MIN && 2 * grows > one.len()
    };
    let of_canary = series.get(&Arm::Canary).into_iter().flat_map(BTreeMap::values);
    let mut long = of_canary.filter(|one| one.len() >= TOTALS_TICKS_MIN).peekable();
    let has_grown = long.peek().is_none() || long.any(|one| has_grown(one));
    all().all(|one| falls_only_anew(one)) && all().any(mostly_grows) && has_grown
}

/// Its counts never fall, but for a few times to a part of what they were.
fn falls_only_anew(one: &[(f64, Counts)]) -> bool {
    let falls = |pair: &&[(f64, Counts)]| {
        pair[1].1.requests < pair[0].1.requests || pair[1].1.errors < pair[0].1.errors
    };
    let anew = |pair: &[(f64, Counts)]| {
        let part = |now: u64, before: u64| now as f64 <= ANEW_SHARE * before as f64;
        part(pair[1].1.requests, pair[0].1.requests)
            && (pair[1].1.errors == 0 || part(pair[1].1.errors, pair[0].1.errors))
    };
    let fallen: Vec<_> = one.windows(2).filter(falls).collect();
    fallen.len() <= one.len() / ANEW_TICKS && fallen.into_iter().all(anew)
}

/// The greatest of it is far beyond the first that counted anything.
fn has_grown(one: &[(f64, Counts)]) -> bool {
    let requests = || one.iter().map(|(_, counts)| counts.requests);
    let first = requests().find(|count| *count > 0).unwrap_or(0);
    requests().max().unwrap_or(0) as f64 >= TOTALS_GROW * first as f64
}

/// Running totals to counts of a tick. The first of a series is only where it began.
fn subtract(series: &mut Vec<(f64, Counts)>) {
    let grown: Vec<(f64, Counts)> = series
        .windows(2)
        .map(|pair| (pair[1].0, pair[1].1.since(&pair[0].1)))
        .collect();
    *series = grown;
}
