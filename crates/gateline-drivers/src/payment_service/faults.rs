//! What goes wrong with `/pay`: how many payments fail, and how long they take. By counting, never by chance, so that
//! the same requests fare the same.

use std::time::{Duration, Instant};

use super::{LATENCY_MS_MAX, Settings};

/// One second of so many is a burst.
const BURST_OF: u64 = 6;
/// The fractional part of the golden ratio: its multiples fill the unit evenly, in no order that anybody meets.
const GOLDEN: f64 = 0.618_033_988_749_895;
/// Longest of what a payment takes besides, in means.
const TAIL_MAX: f64 = 8.0;

/// What goes wrong with `/pay`.
#[derive(Debug)]
pub(super) struct Faults {
    error_percent: f64,
    latency_ms: u64,
    tail_ms: u64,
    bursts: f64,
    /// Hundredths of an error that are due; the remainder is carried from request to request.
    owed: f64,
    /// Payments so far.
    count: u64,
    /// Tells one instance's bursts from another's.
    seed: u64,
    began: Instant,
}

impl Faults {
    pub(super) fn of(settings: &Settings) -> Self {
        Self {
            error_percent: settings.error_percent,
            latency_ms: settings.latency_ms,
            tail_ms: settings.tail_ms,
            bursts: settings.bursts,
            owed: 0.0,
            count: 0,
            seed: u64::from(settings.port),
            began: Instant::now(),
        }
    }

    pub(super) fn next_is_error(&mut self) -> bool {
        let burst = is_burst(self.seed, self.began.elapsed().as_secs());
        self.owed += (self.error_percent * if burst { self.bursts } else { 1.0 }).min(100.0);
        let error = self.owed >= 100.0;
        if error {
            self.owed -= 100.0;
        }
        error
    }

    /// How long the next payment takes: the latency, and a part that is exponential.
    pub(super) fn next_takes(&mut self) -> Duration {
        self.count += 1;
        let even = (self.count as f64 * GOLDEN).fract();
        let besides = (-(1.0 - even).ln()).min(TAIL_MAX) * self.tail_ms as f64;
        Duration::from_millis(self.latency_ms) + Duration::from_secs_f64(besides / 1_000.0)
    }

    /// Changes what the query names; nothing at all when any part of it is wrong.
    pub(super) fn set(&mut self, query: &str) -> Result<(), String> {
        let (mut error_percent, mut latency_ms) = (self.error_percent, self.latency_ms);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let wrong = || {
                format!(
                    "`{pair}` cannot be set: use `error_percent=0..100` or `latency_ms=0..{LATENCY_MS_MAX}`"
                )
            };
            match pair.split_once('=').ok_or_else(wrong)? {
                ("error_percent", value) => {
                    let percent = value
                        .parse()
                        .ok()
                        .filter(|percent| (0.0..=100.0).contains(percent));
                    error_percent = percent.ok_or_else(wrong)?;
                }
                ("latency_ms", value) => {
                    latency_ms = value
                        .parse()
                        .ok()
                        .filter(|ms| *ms <= LATENCY_MS_MAX)
                        .ok_or_else(wrong)?;
                }
                _ => return Err(wrong()),
            }
        }
        (self.error_percent, self.latency_ms) = (error_percent, latency_ms);
        Ok(())
    }
}

/// Whether a second is a burst, scattered by the seed.
fn is_burst(seed: u64, second: u64) -> bool {
    let mixed = (seed ^ second.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 32).is_multiple_of(BURST_OF)
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    fn faults(error_percent: f64) -> Faults {
        Faults::of(&Settings {
            error_percent,
            ..Settings::default()
        })
    }

    #[test_case(0.0, 0; "none")]
    #[test_case(2.5, 25; "a fraction")]
    #[test_case(100.0, 1_000; "all")]
    fn of_1000_payments_exactly_the_set_share_fails(percent: f64, expected: usize) {
        let mut faults = faults(percent);
        assert_eq!((0..1_000).filter(|_| faults.next_is_error()).count(), expected);
    }

    #[test_case("error_percent=101"; "more than all")]
    #[test_case("error_percent=NaN"; "not a number")]
    #[test_case("latency_ms=-1"; "a negative time")]
    #[test_case("latency_ms=60001"; "a latency over the limit")]
    #[test_case("latency_ms=5&colour=red"; "an unknown name beside a good one")]
    #[test_case("latency_ms"; "no value")]
    fn a_wrong_setting_changes_nothing(query: &str) {
        let mut faults = faults(1.0);
        assert!(faults.set(query).unwrap_err().contains("cannot be set"));
        assert_eq!((faults.error_percent, faults.latency_ms), (1.0, 0));
    }

    #[test]
    fn the_tail_has_the_mean_and_the_share_that_were_set() {
        let mut faults = Faults::of(&Settings {
            tail_ms: 30,
            ..Settings::default()
        });
        let all: Vec<f64> = (0..10_000).map(|_| faults.next_takes().as_secs_f64()).collect();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        let slow = all.iter().filter(|took| **took > 0.1).count();
        assert!((mean - 0.03).abs() < 0.001, "{mean}");
        assert!((340..375).contains(&slow), "{slow}");
    }

    #[test]
    fn a_sixth_of_the_seconds_are_bursts_and_each_instance_has_its_own() {
        let bursts = |seed| {
            (0..6_000)
                .filter(|second| is_burst(seed, *second))
                .collect::<Vec<u64>>()
        };
        let (one, other) = (bursts(40_001), bursts(40_002));
        assert!((800..1_200).contains(&one.len()), "{}", one.len());
        assert_ne!(one, other);
    }
}
