//! Shrinking: the least of a failing run that still fails, so that whoever reads it has less to read.

use std::fmt;

use crate::faults::Fault;
use crate::random::{self, Part};

/// Lines of a failing run's transcript that are shown.
const TAIL_LINES: usize = 60;

/// The least of a failing run that still fails: not always for the same reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shrunk {
    /// How many requests were made.
    pub requests: u64,
    /// What went wrong in it, by its kinds.
    pub faults: Vec<&'static str>,
    /// What was violated.
    pub violations: Vec<String>,
    /// What happened, line by line.
    pub transcript: Vec<String>,
}

/// Leaves out kinds of faults, then requests, as long as something is violated. None where all is well.
pub(crate) fn shrink(seed: u64) -> Option<Shrunk> {
    let fails = |part: &Part| !random::run(seed, part, false).violations.is_empty();
    let mut part = Part::whole();
    if !fails(&part) {
        return None;
    }
    for fault in Fault::ALL {
        let mut less = part.clone();
        less.without.push(fault);
        if fails(&less) {
            part = less;
        }
    }
    let mut fewer_by = part.requests / 2;
    while fewer_by > 0 {
        let less = Part {
            requests: part.requests.saturating_sub(fewer_by),
            without: part.without.clone(),
        };
        if less.requests < part.requests && fails(&less) {
            part = less;
        } else {
            fewer_by /= 2;
        }
    }
    let left = Fault::ALL
        .into_iter()
        .filter(|fault| !part.without.contains(fault));
    let run = random::run(seed, &part, true);
    Some(Shrunk {
        requests: part.requests,
        faults: left.map(Fault::name).collect(),
        violations: run.violations,
        transcript: run.transcript,
    })
}

impl fmt::Display for Shrunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tail = self.transcript.len().saturating_sub(TAIL_LINES);
        for line in &self.transcript[tail..] {
            writeln!(f, "{line}")?;
        }
        for violation in &self.violations {
            writeln!(f, "violated {violation}")?;
        }
        let faults = match &self.faults[..] {
            [] => "no faults".to_owned(),
            faults => faults.join(", "),
        };
        write!(f, "shrunk to {} requests and {faults}", self.requests)
    }
}
