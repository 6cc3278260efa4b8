//! Counters of one arm or backend: requests, errors, and how long answers took.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use gateline_model::PodCounts;

/// Upper bounds of the latency histogram, in seconds: Prometheus' usual ones, known to every dashboard.
pub const BUCKET_BOUNDS_SECS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// What one arm, or one backend of it, has served. Only grows.
#[derive(Debug, Default)]
pub(super) struct Counters(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    requests: u64,
    errors: u64,
    /// Not cumulative; what took longer than the last bound is in `requests` only.
    buckets: [u64; BUCKET_BOUNDS_SECS.len()],
}

/// Whether an answer was one that its sender can be content with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// An answer that is no server error.
    Answered,
    /// A server error, or no answer.
    Error,
}

impl Counters {
    fn count(&self, outcome: Outcome, took: Duration) {
        let mut inner = self.lock();
        inner.requests += 1;
        inner.errors += u64::from(outcome == Outcome::Error);
        let secs = took.as_secs_f64();
        if let Some(bucket) = BUCKET_BOUNDS_SECS.iter().position(|bound| secs <= *bound) {
            inner.buckets[bucket] += 1;
        }
    }

    fn broke_off(&self) {
        self.lock().errors += 1;
    }

    /// What was counted so far.
    pub(super) fn counts(&self) -> PodCounts {
        let inner = self.lock();
        let mut sum = 0;
        let cumulative = |(bound, count): (&f64, &u64)| {
            sum += count;
            (*bound, sum)
        };
        let buckets = BUCKET_BOUNDS_SECS
            .iter()
            .zip(&inner.buckets)
            .map(cumulative)
            .collect();
        PodCounts {
            requests: inner.requests,
            errors: inner.errors,
            buckets,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().expect("nothing panics while it counts")
    }
}

/// Where one request is counted: at its arm and at its backend.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    pub(super) arm: Arc<Counters>,
    pub(super) backend: Arc<Counters>,
}

impl Tally {
    /// Counts one request.
    pub(super) fn count(&self, outcome: Outcome, took: Duration) {
        self.arm.count(outcome, took);
        self.backend.count(outcome, took);
    }

    /// Counts an answer, counted as good by its head, whose body broke off.
    pub(super) fn broke_off(&self) {
        self.arm.broke_off();
        self.backend.broke_off();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative_and_the_slowest_is_in_none() {
        let counters = Counters::default();
        counters.count(Outcome::Answered, Duration::from_millis(5));
        counters.count(Outcome::Error, Duration::from_millis(60));
        counters.count(Outcome::Answered, Duration::from_secs(11));
        let PodCounts {
            requests,
            errors,
            buckets,
        } = counters.counts();
        assert_eq!((requests, errors), (3, 1));
        assert_eq!(buckets.first(), Some(&(0.005, 1)));
        assert_eq!(buckets[4], (0.1, 2));
        assert_eq!(buckets.last(), Some(&(10.0, 2)));
    }
}
