//! The rules of others, as they count: Flagger's and Argo Rollouts'. Read in their sources; only the benchmark knows them.

use crate::world::{Arm, BOUNDS, Seen};

pub const STEPS: [f64; 4] = [0.05, 0.10, 0.25, 0.50];

/// How a rollout ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    RolledBack,
    Promoted,
    Inconclusive,
}

/// What judges one rollout.
pub trait Judges {
    /// Share of traffic that the canary gets now.
    fn weight(&self) -> f64;
    /// Takes a tick; the end, where it comes to one.
    fn tick(&mut self, tick: usize, seen: &Seen) -> Option<End>;
}

/// The last few ticks of the canary.
struct Late {
    ticks: Vec<Arm>,
    most: usize,
}

impl Late {
    fn new(most: usize) -> Self {
        Self {
            ticks: Vec::new(),
            most,
        }
    }

    fn push(&mut self, arm: &Arm) {
        if self.ticks.len() == self.most {
            self.ticks.remove(0);
        }
        self.ticks.push(arm.clone());
    }

    /// Share of requests that did not fail; none without requests.
    fn success(&self) -> Option<f64> {
        let sum = |of: fn(&Arm) -> u64| self.ticks.iter().map(of).sum::<u64>();
        let (requests, errors) = (sum(|arm| arm.requests), sum(|arm| arm.errors));
        (requests > 0).then(|| 1.0 - errors as f64 / requests as f64)
    }

    /// The 99th of a hundred in milliseconds, between bounds as Prometheus has it.
    fn p99(&self, ticks: usize) -> Option<f64> {
        let late = &self.ticks[self.ticks.len().saturating_sub(ticks)..];
        quantile(
            &std::array::from_fn(|bucket| late.iter().map(|arm| arm.latency[bucket]).sum()),
            0.99,
        )
    }
}

/// A quantile of a histogram, as `histogram_quantile` interpolates it.
pub fn quantile(buckets: &[u64; 18], share: f64) -> Option<f64> {
    let all: u64 = buckets.iter().sum();
    if all == 0 {
        return None;
    }
    let rank = share * all as f64;
    let mut passed = 0.0;
    for (bucket, count) in buckets.iter().enumerate() {
        let up_to = passed + *count as f64;
        if up_to >= rank {
            let Some(high) = BOUNDS.get(bucket) else { break };
            let low = if bucket == 0 { 0.0 } else { BOUNDS[bucket - 1] };
            return Some(low + (high - low) * (rank - passed) / (*count as f64).max(1.0));
        }
        passed = up_to;
    }
    BOUNDS.last().copied()
}

/// Flagger: each minute one check of the last one; failures are counted for ever, never taken back.
pub struct Flagger {
    step: usize,
    failed: u32,
    late: Late,
}

impl Flagger {
    const THRESHOLD: u32 = 5;

    pub fn new() -> Self {
        Self {
            step: 0,
            failed: 0,
            late: Late::new(4),
        }
    }
}

impl Judges for Flagger {
    fn weight(&self) -> f64 {
        STEPS[self.step]
    }

    fn tick(&mut self, tick: usize, seen: &Seen) -> Option<End> {
        self.late.push(&seen.canary);
        if !(tick + 1).is_multiple_of(4) {
            return None;
        }
        // Asked before this minute's checks: a rollback comes one minute after the failure that was one too many.
        if self.failed >= Self::THRESHOLD {
            return Some(End::RolledBack);
        }
        let passes = self.late.success().is_some_and(|share| share >= 0.99)
            && self.late.p99(2).is_some_and(|ms| ms <= 500.0);
        if !passes {
            self.failed += 1;
        } else if self.step + 1 == STEPS.len() {
            return Some(End::Promoted);
        } else {
            self.step += 1;
        }
        None
    }
}

/// Argo Rollouts: an analysis beside fixed steps of five minutes; failures beyond a limit end it.
pub struct Argo {
    step: usize,
    every: usize,
    success: f64,
    p99: Option<f64>,
    failed: [u32; 2],
    late: Late,
}

impl Argo {
    const LIMIT: u32 = 3;
    const STEP: usize = 20;

    /// As its documentation shows it: five minutes, 95 %.
    pub fn documented() -> Self {
        Self {
            step: 0,
            every: 20,
            success: 0.95,
            p99: None,
            failed: [0; 2],
            late: Late::new(20),
        }
    }

    /// As tight as Flagger's: one minute, 99 %, 500 ms.
    pub fn tight() -> Self {
        Self {
            step: 0,
            every: 4,
            success: 0.99,
            p99: Some(500.0),
            failed: [0; 2],
            late: Late::new(4),
        }
    }
}

impl Judges for Argo {
    fn weight(&self) -> f64 {
        STEPS[self.step.min(STEPS.len() - 1)]
    }

    fn tick(&mut self, tick: usize, seen: &Seen) -> Option<End> {
        self.late.push(&seen.canary);
        let seen = tick + 1;
        if seen >= 4 && (seen - 4).is_multiple_of(self.every) {
            // Without requests the comparison is with NaN, which fails.
            self.failed[0] += u32::from(!self.late.success().is_some_and(|share| share >= self.success));
            let slow = self
                .p99
                .is_some_and(|most| !self.late.p99(4).is_some_and(|ms| ms <= most));
            self.failed[1] += u32::from(slow);
            if self.failed.iter().any(|failed| *failed > Self::LIMIT) {
                return Some(End::RolledBack);
            }
        }
        self.step = seen / Self::STEP;
        (self.step == STEPS.len()).then_some(End::Promoted)
    }
}
