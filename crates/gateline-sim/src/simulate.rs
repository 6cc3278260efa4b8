//! Many seeds: run them on every processor, and tell which ones failed and how to play them again.

use std::fmt;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use gateline_core::planted::{plant, planted};

use crate::random::{self, Part};
use crate::shrink::{Shrunk, shrink};

/// What many runs came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// How many seeds were run.
    pub seeds: u64,
    /// Every seed that violated something, in order.
    pub failed: Vec<SeedReport>,
    /// How many events all runs recorded.
    pub events: u64,
    /// How many promotions began to change their targets.
    pub admitted: u64,
}

/// What one run came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeedReport {
    /// The seed.
    pub seed: u64,
    /// What was violated; nothing when all is well.
    pub violations: Vec<String>,
    /// What happened, line by line; kept where something was violated or where it was asked for.
    pub transcript: Vec<String>,
    /// The least of it that still violates something, of the first seed that does.
    pub shrunk: Option<Shrunk>,
    /// How many events were recorded.
    pub events: u64,
    /// How many promotions began to change their targets.
    pub admitted: u64,
    /// How many promotions ended.
    pub ended: u64,
}

/// Runs seeds on all processors.
pub fn simulate(seeds: Range<u64>) -> Report {
    let next = AtomicU64::new(seeds.start);
    let report = Mutex::new(Report {
        seeds: seeds.end.saturating_sub(seeds.start),
        ..Report::default()
    });
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let bug = planted();
    let work = || {
        plant(bug);
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            let run = play(seed, false);
            let mut report = report.lock().expect("no run panics while it holds the report");
            report.events += run.events;
            report.admitted += run.admitted;
            if !run.violations.is_empty() {
                report.failed.push(run);
            }
        }
    };
    std::thread::scope(|scope| {
        (0..workers).for_each(|_| drop(scope.spawn(work)));
    });
    let mut report = report
        .into_inner()
        .expect("no run panics while it holds the report");
    report.failed.sort_by_key(|run| run.seed);
    if let Some(first) = report.failed.first_mut() {
        first.shrunk = shrink(first.seed);
    }
    report
}

/// Runs one seed, and shrinks what fails; `verbose` keeps the whole transcript.
pub fn run_seed(seed: u64, verbose: bool) -> SeedReport {
    let mut run = play(seed, verbose);
    if !run.violations.is_empty() {
        run.shrunk = shrink(seed);
    }
    run
}

fn play(seed: u64, verbose: bool) -> SeedReport {
    let random::Outcome {
        violations,
        transcript,
        events,
        admitted,
        ended,
    } = random::run(seed, &Part::whole(), verbose);
    SeedReport {
        seed,
        violations,
        transcript,
        shrunk: None,
        events,
        admitted,
        ended,
    }
}

impl Report {
    /// How many seeds violated something.
    pub fn violations(&self) -> usize {
        self.failed.len()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(first) = self.failed.first() {
            writeln!(f, "{first}")?;
        }
        if self.failed.len() > 1 {
            let seeds: Vec<String> = self.failed.iter().map(|run| run.seed.to_string()).collect();
            writeln!(f, "failing seeds: {}", seeds.join(", "))?;
        }
        write!(f, "{} seeds, {} violations", self.seeds, self.violations())
    }
}

impl fmt::Display for SeedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(shrunk) = &self.shrunk {
            writeln!(f, "{shrunk}")?;
        }
        for violation in &self.violations {
            writeln!(f, "violated {violation}")?;
        }
        write!(
            f,
            "seed {}: {} violations; replay it with `gateline simulate --seed {}`",
            self.seed,
            self.violations.len(),
            self.seed
        )
    }
}
