//! The constants of the judge, in one place, each with its argument; two published sets of them, and the default.
//!
//! Knows no service and no rollout: what differs from one to the next stands in the settings.

use serde::{Deserialize, Serialize};

/// One tick, in seconds: the usual scrape interval. All other times of the judge are counted in ticks.
pub const TICK_SECS: u64 = 15;
/// Points of the grid of harmful ratios. Sixteen span 1.25x to 100x in steps of a third: between two of them no
/// ratio loses more than 3 % of its growth.
pub const HARM_POINTS: usize = 16;
/// The worst ratio on the grid: beyond it the fuses are faster anyway.
pub const HARM_RATIO_MAX: f64 = 100.0;
/// Points of the grid of ratios that the band stands on: 1/8 to 64 in steps of 11 %.
pub const BAND_POINTS: usize = 61;
/// The lowest ratio of the band's grid.
pub const BAND_RATIO_MIN: f64 = 0.125;
/// The highest ratio of the band's grid.
pub const BAND_RATIO_MAX: f64 = 64.0;
/// Spread of ln ratio that the promotion side bets on: good releases are within 20 % of the old one.
pub const GOOD_SPREAD: f64 = 0.2;
/// Share of the capital for the metrics; the rest is the catastrophe fuse's.
pub const METRICS_CAPITAL: f64 = 0.9;
/// Above this E nothing advances: odds of 5 to 1 are not evidence enough to go back, and too much to go on.
pub const QUIET_E: f64 = 5.0;
/// Fewest canary requests before anything is called safe.
pub const PROMOTE_REQUESTS_MIN: u64 = 100;
/// Fewest ticks before anything is called safe.
pub const PROMOTE_TICKS_MIN: u32 = 3;
/// Ticks without the canary, while the stable arm serves, after which its silence is told: three scrapes are no accident.
pub const MISSING_TICKS: u32 = 3;
/// An arm that lacks more than this share of the pods that it had makes the tick unusable for both.
pub const PODS_MISSING_MAX: f64 = 0.2;
/// Longest rollout that is judged before a person is asked: an hour, the horizon of the published simulation.
pub const HORIZON_TICKS: u32 = 240;

/// Ticks at 95 % with the old version still there, by default: 15 minutes, in which a late fault costs a tenth of what it
/// costs without.
pub const HOLD_BACK_TICKS: u32 = 60;

/// When a part of the capital begins to bet.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Restart {
    /// Tick since the rollout began.
    pub at: u32,
    /// Share of the capital; all shares sum to 1.
    pub capital: f64,
}

/// What the interval fuse takes for a bad tick, unless stable fails as well.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BadTick {
    /// Share of the canary's requests that failed, at least.
    pub share: f64,
    /// Requests that failed, at least: one of two is half of them, and says little.
    pub least: u64,
    /// How many times likelier it is of a broken release than of a good one.
    pub odds: f64,
}

/// How likely the ratios are, for promotion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Likelihood {
    /// Conditional binomial, divided by the whole design effect.
    Tempered,
    /// Beta-binomial, which knows of clumps within a tick, divided by what remains of the design effect.
    Clumped,
}

/// How exposure is paced: what must hold for the next weight, and what takes a weight back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pace {
    /// Weights in per cent, ascending.
    pub weights: Vec<f64>,
    /// First tick at which a weight may change.
    pub from: u32,
    /// Ticks between two looks at the pace.
    pub every: u32,
    /// E must be below this to go up.
    pub quiet: f64,
    /// Upper bound of the ratio that each step but the last must show, or the tolerance where that is higher.
    pub gates: Vec<f64>,
    /// Expected excess ratio that each step but the last may have; none asks nothing.
    pub excess_max: Vec<f64>,
    /// Fewest ticks at a weight.
    pub dwell: u32,
    /// Ticks after which the next weight comes without its gate: exposure is what evidence grows from.
    pub forced_after: u32,
    /// E from which one step is taken back, where the recipe does that.
    pub down_at: Option<f64>,
    /// The step above 25 %, which only good evidence opens; none treats it as any other.
    pub ceiling: Option<Ceiling>,
    /// Index of the first weight from which a release may be promoted.
    pub promote_from: usize,
}

/// What opens and closes the last weight. At 50 % a bad request buys half the information that it buys at 10 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ceiling {
    /// E must be below this to open it.
    pub open_below: f64,
    /// Expected excess ratio must be at most this to open it.
    pub excess_max: f64,
    /// E from which it closes again.
    pub close_at: f64,
}

/// Promotion although the tolerance is not ruled out, because little can be lost. Always said as such.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BoundedLoss {
    /// Expected extra bad requests in an hour that may be risked.
    pub bad_per_hour: f64,
    /// First tick at which it may be used.
    pub from: u32,
    /// Highest probability of a ratio at the tolerance or worse.
    pub worse_max: f64,
    /// Bounds of the expected excess ratio, whatever the traffic.
    pub excess: (f64, f64),
}

/// One complete set of constants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// Its name, as people choose it.
    pub name: String,
    /// Probability of rolling back a release that is no worse; evidence decides at 1/alpha.
    pub alpha: f64,
    /// Probability of promoting a release at the tolerance.
    pub beta: f64,
    /// Share of the metrics' capital for errors, where latency is watched as well.
    pub error_capital: f64,
    /// Ticks of canary traffic that only the fuses see: caches are cold and pools are empty.
    pub warm_up: u32,
    /// Ticks after a change of weight that only the fuses see.
    pub settle: u32,
    /// The capital, split over beginnings, so that a late fault does not first have to win back what quiet time lost.
    pub restarts: Vec<Restart>,
    /// What the interval fuse counts; the highest odds of those that hold.
    pub bad_ticks: Vec<BadTick>,
    /// Most that one tick may add to ln E: one scrape can never decide.
    pub cap: f64,
    /// Harm begins at the tolerance to this power: what is a little worse must not accumulate into a rollback.
    pub margin_power: f64,
    /// Smallest margin, as ln ratio: persistent differences between pods.
    pub margin_floor: f64,
    /// Smallest harmful ratio on the grid, above the margin.
    pub harm_ratio_min: f64,
    /// How the promotion side weighs counts.
    pub likelihood: Likelihood,
    /// How exposure grows.
    pub pace: Pace,
    /// Promotion by bounded loss, where it is chosen.
    pub bounded_loss: Option<BoundedLoss>,
    /// Ticks after which a person is asked.
    pub horizon: u32,
    /// Ticks over which the interval fuse spreads its share of alpha.
    pub spread: u32,
    /// Ticks at 95 % with the old version still there, after which the rollout is over; 0 for none.
    pub hold_back: u32,
}

impl Recipe {
    /// The first published set (`judge.md`, section 3): every likelihood tempered by the whole design effect.
    pub fn tempered() -> Self {
        let ticks = [0, 10, 20, 40, 60, 80, 120, 160];
        // Those of the published simulation.
        let weights = gateline_model::Pace::WEIGHTS.map(|weight| f64::from(weight.as_percent()));
        let restarts = ticks.map(|at| Restart {
            at,
            capital: if at == 0 { 0.5 } else { 0.5 / 7.0 },
        });
        Self {
            name: "tempered".to_owned(),
            alpha: 0.05,
            beta: 0.05,
            error_capital: 0.5,
            warm_up: 4,
            settle: 0,
            restarts: restarts.to_vec(),
            // A good release has one at most once in ten, a broken one misses at most one in ten.
            bad_ticks: vec![BadTick {
                share: 0.2,
                least: 1,
                odds: 9.0,
            }],
            // ln(1/alpha)/2: three extreme ticks at least.
            cap: libm::log(1.0 / 0.05) / 2.0,
            margin_power: 0.15,
            margin_floor: 0.0,
            harm_ratio_min: 1.25,
            likelihood: Likelihood::Tempered,
            pace: Pace {
                weights: weights.to_vec(),
                from: 6,
                every: 2,
                quiet: QUIET_E,
                gates: vec![6.0, 4.0, 2.5],
                excess_max: Vec::new(),
                dwell: 4,
                forced_after: 20,
                down_at: None,
                ceiling: None,
                promote_from: 3,
            },
            bounded_loss: None,
            horizon: HORIZON_TICKS,
            spread: HORIZON_TICKS,
            hold_back: 0,
        }
    }

    /// The second published set (`judge/improvements.md`): knows of clumps, paces both ways, may bound the loss.
    pub fn clumped() -> Self {
        let restarts = [
            (6, 0.40),
            (10, 0.30),
            (20, 0.10),
            (40, 0.08),
            (80, 0.07),
            (140, 0.05),
        ];
        Self {
            name: "clumped".to_owned(),
            alpha: 0.10,
            warm_up: 6,
            restarts: restarts.map(|(at, capital)| Restart { at, capital }).to_vec(),
            cap: libm::log(1.0 / 0.10) / 2.0,
            margin_floor: 0.12,
            harm_ratio_min: 1.4,
            likelihood: Likelihood::Clumped,
            pace: Pace {
                quiet: 2.0,
                gates: vec![6.0, 4.0],
                excess_max: vec![0.5, 0.35],
                forced_after: 12,
                down_at: Some(4.0),
                ceiling: Some(Ceiling {
                    open_below: 1.0,
                    excess_max: 0.2,
                    close_at: 2.0,
                }),
                promote_from: 2,
                ..Self::tempered().pace
            },
            bounded_loss: Some(BoundedLoss {
                bad_per_hour: 12.0,
                from: 60,
                worse_max: 0.06,
                excess: (0.05, 0.2),
            }),
            ..Self::tempered()
        }
    }

    /// A set by its name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::default(), Self::tempered(), Self::clumped()]
            .into_iter()
            .find(|recipe| recipe.name == name)
    }

    /// The same for a canary that is cold for so many ticks: whatever begins to bet does so later, or earlier, by as much.
    pub fn cold_for(self, ticks: u32) -> Self {
        let moved = |at: u32| {
            if at < self.warm_up {
                at
            } else {
                at - self.warm_up + ticks
            }
        };
        let restarts = self.restarts.iter().map(|restart| Restart {
            at: moved(restart.at),
            ..*restart
        });
        Self {
            restarts: restarts.collect(),
            pace: Pace {
                from: moved(self.pace.from),
                ..self.pace.clone()
            },
            warm_up: ticks,
            ..self
        }
    }

    /// The odds that decide against a release.
    pub fn bar(&self) -> f64 {
        1.0 / self.alpha
    }
}

impl Default for Recipe {
    /// The first set, with what the benchmark bore out of the second: decision 0009 argues each change on fresh seeds.
    fn default() -> Self {
        let (tempered, clumped) = (Self::tempered(), Self::clumped());
        // A twentieth of the capital bets as soon as warm-up is over, so that what is plainly broken is found; most of it
        // waits until 150 s, for caches warm slowly and a cold canary looks like a bad one. What is left for late faults is
        // little: they are large where they are found at all.
        let restarts = [
            (4, 0.05),
            (10, 0.70),
            (20, 0.12),
            (40, 0.07),
            (80, 0.04),
            (140, 0.02),
        ];
        // Two failed requests of five are seen of a good release at most once in forty ticks.
        let dire = BadTick {
            share: 0.4,
            least: 3,
            odds: 36.0,
        };
        Self {
            name: "evidence".to_owned(),
            // 12.5 to 1. The margin and the late capital keep false rollbacks below a fifth of it.
            alpha: 0.08,
            // A shift of latency shows in twenty times as many requests as errors do: it needs less of the capital.
            error_capital: 0.9,
            bad_ticks: tempered.bad_ticks.iter().copied().chain([dire]).collect(),
            // Three extreme ticks at least, as with the first set's bar.
            cap: 1.5,
            margin_floor: clumped.margin_floor,
            restarts: restarts.map(|(at, capital)| Restart { at, capital }).to_vec(),
            pace: Pace {
                quiet: 3.0,
                gates: vec![6.0, 4.0],
                ceiling: clumped.pace.ceiling,
                promote_from: 2,
                ..tempered.pace
            },
            hold_back: HOLD_BACK_TICKS,
            ..Self::tempered()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canary_that_is_cold_for_longer_is_judged_later_by_as_much() {
        let (usual, cold) = (Recipe::default(), Recipe::default().cold_for(12));
        assert_eq!((cold.warm_up, cold.pace.from), (12, usual.pace.from + 8));
        for (before, after) in usual.restarts.iter().zip(&cold.restarts) {
            assert_eq!((after.at, after.capital), (before.at + 8, before.capital));
        }
        assert_eq!(Recipe::default().cold_for(usual.warm_up), usual);
        // The first set bets from the first tick: nothing begins before that.
        assert_eq!(Recipe::tempered().cold_for(12).restarts[0].at, 0);
    }
}
