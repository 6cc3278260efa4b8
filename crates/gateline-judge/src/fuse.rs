//! Fuses: what ends a rollout from the first tick, warm-up or not. Errors only.
//!
//! The catastrophe fuse asks for ten times the errors; the interval fuse counts ticks in which a fifth of all requests fail,
//! or more of them, and so neither a clump nor a cold cache blows it.

use serde::{Deserialize, Serialize};

use crate::numeric::{ln, log_sum_exp, spaced};
use crate::ratio::{Pair, ln_weights};
use crate::recipe::{BadTick, HARM_POINTS, HARM_RATIO_MAX, METRICS_CAPITAL, Recipe};

/// The ratio beyond which it is a catastrophe.
const CATASTROPHE_RATIO: f64 = 10.0;
/// Its grid begins where that of the first recipe does, whatever the recipe.
const CATASTROPHE_GRID_MIN: f64 = 1.25;
/// Share of failed stable requests from which the tick is nobody's fault.
const BAD_TICK_STABLE: f64 = 0.05;
/// What a tick that is not bad takes back: a broken release misses at most one in ten.
const GOOD_TICK_ODDS: f64 = 9.0;

/// Both fuses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fuses {
    grid: Vec<f64>,
    ln_weights: Vec<f64>,
    sums: Vec<f64>,
    cap: f64,
    bad_ticks: Vec<BadTick>,
    /// ln odds of the interval fuse, never below 0.
    intervals: f64,
    intervals_bar: f64,
}

impl Fuses {
    /// Nothing seen yet.
    pub fn new(recipe: &Recipe) -> Self {
        let grid = spaced(ln(CATASTROPHE_GRID_MIN), ln(HARM_RATIO_MAX), HARM_POINTS);
        let share = 1.0 - METRICS_CAPITAL;
        Self {
            ln_weights: ln_weights(&grid),
            sums: vec![0.0; grid.len()],
            grid,
            bad_ticks: recipe.bad_ticks.clone(),
            // Its share of alpha, halved: two ticks at least.
            cap: ln(1.0 / share / recipe.alpha) / 2.0,
            intervals: 0.0,
            intervals_bar: ln(f64::from(recipe.spread) / (share * recipe.alpha)),
        }
    }

    /// Takes the errors of a tick. Where stable serves nothing, an outage of the canary is one all the same.
    pub fn add(&mut self, pair: Pair, design_effect: f64) {
        if pair.canary == 0 {
            return;
        }
        if pair.stable > 0 {
            self.compare(pair, design_effect);
        }
        let alone = (pair.stable_bad as f64) < BAD_TICK_STABLE * (pair.stable as f64).max(1.0);
        let grades = self.bad_ticks.iter().filter(|grade| {
            pair.canary_bad >= grade.least && pair.canary_bad as f64 >= grade.share * pair.canary as f64
        });
        let worst = grades.map(|grade| grade.odds).reduce(f64::max);
        let step = worst.filter(|_| alone).map_or(-ln(GOOD_TICK_ODDS), ln);
        self.intervals = (self.intervals + step).max(0.0);
    }

    fn compare(&mut self, pair: Pair, design_effect: f64) {
        let (offset, from) = (pair.offset(), ln(CATASTROPHE_RATIO));
        let at_ten = pair.ln_likelihood(from, offset);
        for (sum, above) in self.sums.iter_mut().zip(&self.grid) {
            let gain = pair.ln_likelihood(from + above, offset) - at_ten;
            *sum += (gain / design_effect).min(self.cap);
        }
    }

    /// ln of the catastrophe's odds, its share of the capital in it.
    pub fn ln_catastrophe(&self) -> f64 {
        let odds = self
            .ln_weights
            .iter()
            .zip(&self.sums)
            .map(|(weight, sum)| weight + sum);
        ln(1.0 - METRICS_CAPITAL) + log_sum_exp(odds)
    }

    /// So many bad ticks, beyond the good ones, that no good release has them.
    pub fn interval_is_blown(&self) -> bool {
        self.intervals >= self.intervals_bar
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick(bad: u64) -> Pair {
        Pair {
            canary: 100,
            canary_bad: bad,
            stable: 1_900,
            stable_bad: 10,
        }
    }

    #[test]
    fn an_outage_blows_a_fuse_within_two_minutes() {
        let recipe = Recipe::tempered();
        let mut fuses = Fuses::new(&recipe);
        let ticks = (1..=8).find(|_| {
            fuses.add(tick(50), 3.0);
            fuses.ln_catastrophe() >= ln(recipe.bar()) || fuses.interval_is_blown()
        });
        assert!(ticks.is_some_and(|ticks| ticks <= 4), "{ticks:?}");
    }

    #[test]
    fn the_worse_a_tick_the_sooner_a_fuse_blows() {
        let ticks = |bad: u64, recipe: &Recipe| {
            let mut fuses = Fuses::new(recipe);
            (1..=12).find(|_| {
                fuses.add(tick(bad), 1e6);
                fuses.interval_is_blown()
            })
        };
        let (published, ours) = (Recipe::tempered(), Recipe::default());
        assert_eq!((ticks(25, &ours), ticks(50, &ours)), (Some(5), Some(3)));
        assert_eq!(ticks(25, &published), ticks(50, &published));
        assert_eq!(ticks(19, &ours), None);
    }

    #[test]
    fn one_failed_request_of_two_is_a_bad_tick_and_no_dire_one() {
        let mut fuses = Fuses::new(&Recipe::default());
        let few = Pair { canary: 2, ..tick(1) };
        (0..4).for_each(|_| fuses.add(few, 1e6));
        assert!(!fuses.interval_is_blown());
    }

    #[test]
    fn a_cold_canary_with_three_times_the_errors_blows_none() {
        let recipe = Recipe::tempered();
        let mut fuses = Fuses::new(&recipe);
        (0..40).for_each(|_| fuses.add(tick(2), 3.0));
        assert!(fuses.ln_catastrophe() < 0.0 && !fuses.interval_is_blown());
    }

    #[test]
    fn an_outage_blows_a_fuse_where_stable_serves_nothing() {
        let mut fuses = Fuses::new(&Recipe::tempered());
        let alone = Pair {
            stable: 0,
            stable_bad: 0,
            ..tick(90)
        };
        (0..8).for_each(|_| fuses.add(alone, 3.0));
        assert!(fuses.interval_is_blown());
        assert!(fuses.ln_catastrophe() < 0.0, "there is nothing to compare with");
    }

    #[test]
    fn when_both_arms_fail_no_interval_counts() {
        let mut fuses = Fuses::new(&Recipe::tempered());
        let both = Pair {
            canary: 100,
            canary_bad: 50,
            stable: 1_900,
            stable_bad: 900,
        };
        (0..40).for_each(|_| fuses.add(both, 3.0));
        assert!(!fuses.interval_is_blown());
    }
}
