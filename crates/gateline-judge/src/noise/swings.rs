//! Swings of the stable arm over time: what is left to learn noise from where no pods are told apart.
//!
//! They hold what both arms share as well, which the comparison does not suffer from: an upper bound, for the careful.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Calibration, DesignEffect, WINDOWS};
use crate::pods::careful;

/// Ticks that are looked back over: half an hour.
const SWING_TICKS_MAX: usize = 120;
/// Fewer ticks say nothing: five minutes.
const SWING_TICKS_MIN: usize = 20;
/// Fewer bad requests say nothing of their variance.
const BAD_MIN: f64 = 20.0;
/// Fewer windows than this say nothing of their variance.
const WINDOWS_MIN: usize = 8;
/// The least that is believed of a few minutes.
const WHOLE_MIN: f64 = 1.5;

/// What the stable arm counted of late.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Swings {
    /// Requests and bad ones, the latest last.
    ticks: VecDeque<(u64, u64)>,
}

impl Swings {
    pub(crate) fn add(&mut self, requests: u64, bad: u64) {
        if self.ticks.len() == SWING_TICKS_MAX {
            self.ticks.pop_front();
        }
        self.ticks.push_back((requests, bad));
    }

    /// The design effect; none where too little was seen.
    pub(crate) fn design_effect(&self) -> Option<DesignEffect> {
        let (requests, bad) = self.ticks.iter().fold((0.0, 0.0), |(requests, bad), tick| {
            (requests + tick.0 as f64, bad + tick.1 as f64)
        });
        if self.ticks.len() < SWING_TICKS_MIN || bad < BAD_MIN {
            return None;
        }
        let rate: f64 = bad / requests;
        let off = |tick: &(u64, u64)| tick.1 as f64 - rate * tick.0 as f64;
        let offs: Vec<f64> = self.ticks.iter().map(off).collect();
        let chance = bad * (1.0 - rate) / offs.len() as f64;
        let of = |window: usize| {
            let windows = offs.len() / window;
            let sums = offs.chunks_exact(window).map(|window| window.iter().sum::<f64>());
            let found = sums.map(|sum| sum * sum).sum::<f64>() / windows as f64;
            (windows >= WINDOWS_MIN).then(|| found / (chance * window as f64))
        };
        let windows = WINDOWS.iter().map(|window| of(*window)).collect();
        let from = Calibration::Swings {
            ticks: offs.len() as u32,
        };
        let found = DesignEffect::from_windows(&careful(windows, offs.len(), 1), from)?;
        Some(DesignEffect {
            whole: found.whole.max(WHOLE_MIN),
            ..found
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn swings(ticks: usize, bad: fn(usize) -> u64) -> Option<DesignEffect> {
        let mut swings = Swings::default();
        (0..ticks).for_each(|tick| swings.add(1_000, bad(tick)));
        swings.design_effect()
    }

    #[test]
    fn a_steady_arm_is_nearly_as_quiet_as_chance() {
        let found = swings(120, |tick| [3, 5, 7, 5, 8, 2][tick % 6]).unwrap();
        assert!((1.5..2.5).contains(&found.whole), "{found:?}");
        assert!(found.is_calibrated());
    }

    #[test]
    fn an_arm_that_swings_for_minutes_is_loud() {
        let found = swings(120, |tick| if tick % 32 < 16 { 1 } else { 20 }).unwrap();
        assert!(found.whole > 20.0, "{found:?}");
    }

    #[test]
    fn too_little_says_nothing() {
        assert_eq!(swings(19, |_| 5), None);
        assert_eq!(swings(100, |tick| u64::from(tick < 19)), None);
    }
}
