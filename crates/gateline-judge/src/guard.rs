//! Guards: a service's own objectives, held against both arms so that a fault is laid at the right door; the error budget's burn.
//!
//! They never say that a release is good. One arm alone swings with the weather: only together do two tell whose fault it is.

use std::collections::VecDeque;

use gateline_model::ruling::Guard;
use serde::{Deserialize, Serialize};

use crate::ratio::Pair;
/// Seconds of a block; one tick at least.
const BLOCK_SECS: f64 = 60.0;
/// Requests that an arm must have in a block to break an objective.
const BLOCK_REQUESTS_MIN: u64 = 50;
/// Blocks that are looked back over, and how many of them must be broken.
const BLOCKS: usize = 5;
const BLOCKS_BROKEN: usize = 3;
/// Odds that must stand against the release as well, before broken blocks end it.
pub const SLO_E: f64 = 3.0;
/// Relative difference of the routed share from the weight that is no accident, and blocks of it.
const SHARE_OFF: f64 = 0.3;
const SHARE_BLOCKS: u32 = 3;
/// So many times the errors that stable had before are far beyond them, and this share at least.
const FAR_TIMES: f64 = 10.0;
const FAR_MIN: f64 = 0.05;
/// Long window, short window in seconds, and the burn rate over both: 2 % of a month's budget in an hour, 5 % in six.
const BURNS: [(f64, f64, f64); 2] = [(3_600.0, 300.0, 14.4), (21_600.0, 1_800.0, 6.0)];

/// An objective of the service.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slo {
    /// Share of requests that may fail.
    pub errors: f64,
}

/// Blocks of a minute, and what they broke.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Guards {
    /// Ticks of a block.
    block_ticks: u32,
    block: Pair,
    block_of: u32,
    weight: Option<f64>,
    broken: VecDeque<(bool, bool)>,
    share_off: u32,
    burn: Burn,
    /// Share of errors that is far beyond what was before.
    far: Option<f64>,
}

impl Guards {
    /// Guards that have seen nothing, over ticks of so many seconds.
    pub fn new(tick_secs: f64) -> Self {
        Self {
            block_ticks: ticks_of(BLOCK_SECS, tick_secs) as u32,
            block: Pair::default(),
            block_of: 0,
            weight: None,
            broken: VecDeque::new(),
            share_off: 0,
            burn: Burn::new(tick_secs),
            far: None,
        }
    }

    /// From now on an arm with more errors than this share is unwell, where the service has no objective: far more than
    /// stable had before.
    pub fn know(&mut self, errors_before: f64) {
        self.far = Some((FAR_TIMES * errors_before).max(FAR_MIN));
    }

    /// Takes the errors of a tick, with the share of traffic that the canary was meant to have.
    pub fn add(&mut self, tick: u32, pair: Pair, weight: Option<f64>, slo: Option<Slo>) {
        if tick / self.block_ticks != self.block_of {
            self.close(slo);
            self.block_of = tick / self.block_ticks;
        }
        if self.block == Pair::default() {
            self.weight = weight;
        }
        if self.weight != weight {
            // The weight changed within the block: its share means nothing.
            self.weight = None;
        }
        self.block.add(pair);
        if slo.is_some() {
            self.burn.add(pair.canary + pair.stable, pair.bad());
        }
    }

    /// What must be said now, the gravest first.
    pub fn says(&self, slo: Option<Slo>) -> Option<Guard> {
        let count =
            |which: fn(&(bool, bool)) -> bool| self.broken.iter().filter(|block| which(block)).count();
        if slo.is_some() && count(|(canary, stable)| *canary && !stable) >= BLOCKS_BROKEN {
            return Some(Guard::CanaryBreaks);
        }
        match self.broken.back() {
            Some((true, true)) => return Some(Guard::BothBreak),
            Some((false, true)) => return Some(Guard::StableBreaks),
            Some((_, false)) | None => {}
        }
        if slo.is_some_and(|slo| self.burn.is_too_fast(slo)) {
            return Some(Guard::BudgetBurns);
        }
        (self.share_off >= SHARE_BLOCKS).then_some(Guard::ShareIsOff)
    }

    fn close(&mut self, slo: Option<Slo>) {
        let Pair {
            canary,
            canary_bad,
            stable,
            stable_bad,
        } = std::mem::take(&mut self.block);
        if let Some(most) = slo.map(|slo| slo.errors).or(self.far) {
            let breaks = |bad: u64, all: u64| all >= BLOCK_REQUESTS_MIN && bad as f64 > most * all as f64;
            if self.broken.len() == BLOCKS {
                self.broken.pop_front();
            }
            self.broken
                .push_back((breaks(canary_bad, canary), breaks(stable_bad, stable)));
        }
        let meant = self.weight.filter(|weight| (1.0..=99.0).contains(weight));
        let enough = canary + stable >= BLOCK_REQUESTS_MIN;
        if let (Some(meant), true) = (meant, enough) {
            let (meant, all) = (meant / 100.0, (canary + stable) as f64);
            let share = canary as f64 / all;
            // Beyond 30 % and beyond what chance does to so few requests.
            let chance = 4.0 * crate::numeric::sqrt(meant * (1.0 - meant) / all);
            let off = (share - meant).abs() > (SHARE_OFF * meant).max(chance);
            self.share_off = if off { self.share_off + 1 } else { 0 };
        }
    }
}

/// How many ticks a time is; one at least.
fn ticks_of(secs: f64, tick_secs: f64) -> usize {
    ((secs / tick_secs) as usize).max(1)
}

/// How fast the error budget burns, over two pairs of windows. Six hours of ticks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Burn {
    /// Seconds of a tick.
    tick_secs: f64,
    /// Requests and bad ones, the latest last.
    ticks: VecDeque<(u64, u64)>,
}

impl Burn {
    /// One that has seen nothing, over ticks of so many seconds.
    pub fn new(tick_secs: f64) -> Self {
        Self {
            tick_secs,
            ticks: VecDeque::new(),
        }
    }

    /// Takes what the whole service served in a tick.
    pub fn add(&mut self, requests: u64, bad: u64) {
        if self.ticks.len() >= ticks_of(BURNS[1].0, self.tick_secs) {
            self.ticks.pop_front();
        }
        self.ticks.push_back((requests, bad));
    }

    /// Over the long *and* the short window of one of the pairs. A window that is not full yet is as long as it is.
    pub fn is_too_fast(&self, slo: Slo) -> bool {
        BURNS.iter().any(|(long, short, rate)| {
            [long, short].iter().all(|secs| {
                let ticks = ticks_of(**secs, self.tick_secs);
                let late = self.ticks.iter().skip(self.ticks.len().saturating_sub(ticks));
                let (all, bad) = late.fold((0, 0), |(all, bad), tick| (all + tick.0, bad + tick.1));
                all >= BLOCK_REQUESTS_MIN && bad as f64 >= rate * slo.errors * all as f64
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLO: Option<Slo> = Some(Slo { errors: 0.01 });

    fn pair(canary_bad: u64, stable_bad: u64) -> Pair {
        Pair {
            canary: 100,
            canary_bad,
            stable: 900,
            stable_bad,
        }
    }

    fn after(ticks: u32, pair: Pair, weight: f64, slo: Option<Slo>) -> Option<Guard> {
        let mut guards = Guards::new(15.0);
        (0..ticks).for_each(|tick| guards.add(tick, pair, Some(weight), slo));
        guards.says(slo)
    }

    #[test]
    fn three_broken_minutes_are_laid_at_the_canarys_door() {
        assert_eq!(after(9, pair(3, 2), 10.0, SLO), None);
        assert_eq!(after(13, pair(3, 2), 10.0, SLO), Some(Guard::CanaryBreaks));
    }

    #[test]
    fn windows_are_as_long_whatever_a_tick_is() {
        // Ticks of five minutes: a block is one of them, and a budget that burnt an hour ago burns no more.
        let mut guards = Guards::new(300.0);
        (0..4).for_each(|tick| guards.add(tick, pair(3, 2), Some(10.0), SLO));
        assert_eq!(guards.says(SLO), Some(Guard::CanaryBreaks));
        let mut burn = Burn::new(300.0);
        (0..12).for_each(|_| burn.add(20_000, 3_000));
        let slo = Slo { errors: 0.01 };
        assert!(burn.is_too_fast(slo));
        (0..6).for_each(|_| burn.add(20_000, 0));
        assert!(!burn.is_too_fast(slo));
        (0..100).for_each(|_| burn.add(20_000, 0));
        assert_eq!(burn.ticks.len(), 72, "six hours");
    }

    #[test]
    fn when_both_break_nobody_is_blamed() {
        assert_eq!(after(13, pair(3, 20), 10.0, SLO), Some(Guard::BothBreak));
        assert_eq!(after(13, pair(0, 20), 10.0, SLO), Some(Guard::StableBreaks));
        assert_eq!(after(13, pair(0, 0), 10.0, SLO), None);
    }

    #[test]
    fn without_an_objective_ten_times_what_was_before_is_nobodys_success() {
        let after = |pair: Pair, before: f64| {
            let mut guards = Guards::new(15.0);
            guards.know(before);
            (0..13).for_each(|tick| guards.add(tick, pair, Some(10.0), None));
            guards.says(None)
        };
        assert_eq!(after(pair(40, 360), 0.005), Some(Guard::BothBreak));
        assert_eq!(after(pair(0, 360), 0.005), Some(Guard::StableBreaks));
        assert_eq!(after(pair(40, 2), 0.005), None, "evidence and fuses end it");
        assert_eq!(after(pair(40, 360), 0.3), None, "it was so before");
    }

    #[test]
    fn a_share_that_is_not_the_weight_is_told() {
        assert_eq!(after(13, pair(0, 0), 20.0, None), Some(Guard::ShareIsOff));
        assert_eq!(after(13, pair(0, 0), 11.0, None), None);
        // Too few requests to tell a share from chance.
        let few = Pair {
            canary: 0,
            stable: 13,
            ..Pair::default()
        };
        assert_eq!(after(13, few, 10.0, None), None);
    }

    #[test]
    fn a_budget_burns_over_both_windows_or_not_at_all() {
        let mut burn = Burn::new(15.0);
        (0..240).for_each(|_| burn.add(1_000, 150));
        let slo = Slo { errors: 0.01 };
        assert!(burn.is_too_fast(slo));
        // Half an hour of quiet: the long windows still burn, the short ones do not.
        (0..120).for_each(|_| burn.add(1_000, 0));
        assert!(!burn.is_too_fast(slo));
        assert!(!Burn::new(15.0).is_too_fast(slo));
    }
}
