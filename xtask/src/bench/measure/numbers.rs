//! Numbers: percentiles, and how they are printed.

use std::time::Duration;

/// Times of single operations.
#[derive(Default)]
pub(super) struct Times(Vec<Duration>);

impl Times {
    pub(super) fn push(&mut self, time: Duration) {
        self.0.push(time);
    }

    pub(super) fn extend(&mut self, more: Times) {
        self.0.extend(more.0);
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// The time that this share of operations did not exceed.
    pub(super) fn percentile(&mut self, share: f64) -> Duration {
        self.0.sort_unstable();
        let last = self.0.len().saturating_sub(1);
        let index = (share * last as f64).round() as usize;
        self.0.get(index).copied().unwrap_or_default()
    }
}

/// Milliseconds with two digits.
pub(super) fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1_000.0)
}

/// What is said of an aim.
pub(super) fn met(is_met: bool) -> &'static str {
    if is_met { "met" } else { "not met" }
}

/// A ratio in per cent.
pub(super) fn percent(part: f64, whole: f64) -> String {
    format!("{:.0} %", part * 100.0 / whole)
}

/// The middle one.
pub(super) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}
