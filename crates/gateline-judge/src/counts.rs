//! Counts: what one arm served between two moments, from cumulative ticks that may begin again.

use gateline_model::{Arm, Tick};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What one arm served in a stretch of time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Requests.
    pub requests: u64,
    /// Failed ones.
    pub errors: u64,
    /// Requests by upper bound of their latency in seconds, cumulative.
    pub buckets: Vec<(f64, u64)>,
}

impl Counts {
    /// The share of requests that failed, in per cent; none without requests.
    pub fn errors_percent(&self) -> Option<f64> {
        (self.requests > 0).then(|| self.errors as f64 * 100.0 / self.requests as f64)
    }

    /// Upper bound in seconds of the bucket that the quantile falls into; none when no bucket holds it.
    /// The bound, not an interpolation: a limit is never passed because of a guess within a bucket.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let all = self.buckets.last()?.1;
        if all == 0 {
            return None;
        }
        let wanted = share * all as f64;
        self.buckets
            .iter()
            .find(|(_, count)| *count as f64 >= wanted)
            .map(|(bound, _)| *bound)
    }

    /// Adds what another pod served in the same time. Only bounds that both have stay.
    pub fn merge(&mut self, other: &Self) {
        if self.requests == 0 && self.buckets.is_empty() {
            self.buckets.clone_from(&other.buckets);
        } else {
            self.buckets.retain_mut(|(bound, count)| {
                let same = other.buckets.iter().find(|(theirs, _)| theirs == bound);
                same.map(|(_, more)| *count += more).is_some()
            });
        }
        self.requests += other.requests;
        self.errors += other.errors;
    }

    /// What was added since `earlier`; all of it where the counts began again in between.
    pub fn since(&self, earlier: &Self) -> Self {
        let began_again = self.requests < earlier.requests || self.errors < earlier.errors;
        if began_again {
            return self.clone();
        }
        let bucket = |(bound, count): &(f64, u64)| {
            let before = earlier.buckets.iter().find(|(same, _)| same == bound);
            (
                *bound,
                count.saturating_sub(before.map_or(0, |(_, count)| *count)),
            )
        };
        Self {
            requests: self.requests - earlier.requests,
            errors: self.errors - earlier.errors,
            buckets: self.buckets.iter().map(bucket).collect(),
        }
    }

    fn add(&mut self, earlier: Option<&Tick>, later: &Tick) {
        // A count that fell began again at zero: all of it is new.
        let began_again = earlier.is_some_and(|earlier| later.requests < earlier.requests);
        let base = earlier.filter(|_| !began_again);
        self.requests += later.requests - base.map_or(0, |tick| tick.requests);
        self.errors += later.errors.saturating_sub(base.map_or(0, |tick| tick.errors));
        for (index, (bound, count)) in later.buckets.iter().enumerate() {
            let before = base
                .and_then(|tick| tick.buckets.get(index))
                .filter(|(same, _)| same == bound)
                .map_or(0, |(_, count)| *count);
            let new = count.saturating_sub(before);
            match self.buckets.get_mut(index) {
                Some((same, sum)) if same == bound => *sum += new,
                Some(_) => {}
                None => self.buckets.push((*bound, new)),
            }
        }
    }
}

/// What an arm served after `since`, from ticks in the order of their time.
/// The last tick at or before `since` is the base line; without one, counting begins at the arm's first tick of all.
pub fn count(ticks: &[Tick], arm: Arm, since: Option<Timestamp>) -> Counts {
    let mut counts = Counts::default();
    let mut base: Option<&Tick> = None;
    for tick in ticks.iter().filter(|tick| tick.arm == arm) {
        match since {
            Some(since) if tick.at <= since => {}
            Some(_) | None => counts.add(base, tick),
        }
        base = Some(tick);
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick(second: i64, requests: u64, errors: u64) -> Tick {
        Tick {
            requests,
            errors,
            buckets: vec![(0.1, requests / 2), (1.0, requests)],
            ..Tick::none(Timestamp::from_second(second).unwrap(), Arm::Canary)
        }
    }

    #[test]
    fn counts_are_the_growth_since_the_base_line() {
        let ticks = [tick(1, 10, 1), tick(2, 30, 2), tick(3, 60, 4)];
        let counts = count(&ticks, Arm::Canary, Timestamp::from_second(1).ok());
        assert_eq!((counts.requests, counts.errors), (50, 3));
        assert_eq!(counts.buckets, vec![(0.1, 25), (1.0, 50)]);
    }

    #[test]
    fn a_counter_that_begins_again_loses_nothing_that_was_seen() {
        let ticks = [tick(1, 10, 1), tick(2, 4, 3), tick(3, 6, 3)];
        assert_eq!(count(&ticks, Arm::Canary, None).requests, 16);
        assert_eq!(count(&ticks, Arm::Canary, None).errors, 4);
    }

    #[test]
    fn the_other_arm_is_not_counted() {
        assert_eq!(count(&[tick(1, 10, 1)], Arm::Stable, None), Counts::default());
    }

    #[test]
    fn a_quantile_is_the_bound_of_its_bucket() {
        let counts = Counts {
            requests: 100,
            errors: 0,
            buckets: vec![(0.1, 90), (0.5, 99), (1.0, 100)],
        };
        assert_eq!(counts.quantile(0.9), Some(0.1));
        assert_eq!(counts.quantile(0.95), Some(0.5));
        assert_eq!(counts.quantile(1.0), Some(1.0));
        assert_eq!(Counts::default().quantile(0.5), None);
    }
}
