//! The group-sequential judge for fixed schedules: O'Brien and Fleming's boundary on the score of each metric.
//!
//! Stronger than the judge by evidence where the schedule is fixed and traffic comes as planned, and no more: where more comes
//! than planned, it cries wolf (the benchmark shows how often).

use serde::{Deserialize, Serialize};

use crate::numeric::{exp, normal_quantile, sqrt};
use crate::ratio::Pair;

/// What is known of a metric before the schedule begins.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planned {
    /// The ratio that is tolerated.
    pub tolerance: f64,
    /// How noisy it is.
    pub design_effect: f64,
    /// Bad requests in a tick of the whole service, when all is well.
    pub bad_per_tick: f64,
}

/// The judge of one schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupSequential {
    metrics: Vec<Sum>,
    bar: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Sum {
    margin: f64,
    score: f64,
    /// Standard deviation that the score will have at the schedule's end.
    planned: f64,
}

impl GroupSequential {
    /// A schedule of weights, 0 to 1, one for each tick. `alpha` is shared by the metrics. None without a metric, or
    /// where nothing bad is planned for: then there is no information to plan with.
    pub fn new(schedule: &[f64], metrics: &[Planned], alpha: f64, margin_power: f64) -> Option<Self> {
        let information: f64 = schedule.iter().map(|weight| weight * (1.0 - weight)).sum();
        let sum = |metric: &Planned| {
            let planned = metric.design_effect * information * metric.bad_per_tick;
            (planned > 0.0).then(|| Sum {
                margin: exp(margin_power * libm::log(metric.tolerance)),
                score: 0.0,
                planned: sqrt(planned),
            })
        };
        let metrics: Vec<Sum> = metrics.iter().map(sum).collect::<Option<_>>()?;
        // A walk that ends beyond the bar with half of the probability of ever having been beyond it: reflection.
        let each = alpha / metrics.len() as f64 / 2.0;
        (!metrics.is_empty()).then(|| Self {
            bar: normal_quantile(1.0 - each),
            metrics,
        })
    }

    /// Takes a tick, one pair for each metric, and says whether it is enough to go back.
    pub fn observe(&mut self, pairs: &[Pair]) -> bool {
        for (sum, pair) in self
            .metrics
            .iter_mut()
            .zip(pairs)
            .filter(|(_, pair)| pair.compares())
        {
            let canary = sum.margin * pair.canary as f64;
            let share = canary / (canary + pair.stable as f64);
            sum.score += pair.canary_bad as f64 - pair.bad() as f64 * share;
        }
        self.furthest() >= 1.0
    }

    /// How far the furthest metric is on the way to the bar; 1 is beyond it.
    pub fn furthest(&self) -> f64 {
        let share = |sum: &Sum| sum.score / sum.planned / self.bar;
        self.metrics.iter().map(share).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(ticks: usize, canary_bad: u64) -> bool {
        let plan = Planned {
            tolerance: 2.0,
            design_effect: 3.0,
            bad_per_tick: 3.75,
        };
        let mut judge = GroupSequential::new(&[0.25; 80], &[plan], 0.05, 0.15).unwrap();
        let pair = Pair {
            canary: 188,
            canary_bad,
            stable: 562,
            stable_bad: 3,
        };
        (0..ticks).any(|_| judge.observe(&[pair]))
    }

    #[test]
    fn what_is_no_worse_passes_the_schedule_and_what_is_three_times_worse_does_not() {
        assert!(!after(80, 1));
        assert!(after(80, 3));
        assert!(!after(3, 3), "a few ticks are a small part of the plan");
    }

    #[test]
    fn nothing_to_plan_with_is_no_judge() {
        let plan = |bad_per_tick| Planned {
            tolerance: 2.0,
            design_effect: 1.0,
            bad_per_tick,
        };
        assert_eq!(GroupSequential::new(&[0.5; 10], &[], 0.05, 0.15), None);
        assert_eq!(GroupSequential::new(&[0.5; 10], &[plan(0.0)], 0.05, 0.15), None);
        assert_eq!(GroupSequential::new(&[], &[plan(1.0)], 0.05, 0.15), None);
    }
}
