//! Pods of one version in four groups, so that their differences tell the noise that is not the release's.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::look::{ArmLook, Bad};
use gateline_model::ruling::Calibration;

use crate::noise::{DesignEffect, GroupCounts, by_window, moving_by_window};

/// Groups that pods are dealt into. Fewer pods make a group each; one pod alone tells nothing.
pub const GROUPS: usize = 4;
/// Most ticks of groups that are kept: six hours.
pub const GROUP_TICKS_MAX: usize = 1_440;
/// Most pods that are told apart; those beyond share the last one's group.
pub const PODS_MAX: usize = 10_000;

/// Counts of groups of pods, tick by tick, for each metric.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Groups {
    dealt: BTreeMap<String, usize>,
    /// By metric, then by tick, then by group: requests and bad ones.
    counts: Vec<VecDeque<[(u64, u64); GROUPS]>>,
}

impl Groups {
    /// Takes a tick of one arm. Ticks without pods told apart are left out.
    pub fn add(&mut self, arm: &ArmLook, watched: &[(Bad, Option<f64>)]) {
        if arm.pods.len() < 2 {
            return;
        }
        for name in arm.pods.keys() {
            if !self.dealt.contains_key(name) && self.dealt.len() < PODS_MAX {
                let group = self.dealt.len() % GROUPS;
                self.dealt.insert(name.clone(), group);
            }
        }
        self.counts.resize_with(watched.len(), VecDeque::new);
        for ((bad, _), ticks) in watched.iter().zip(&mut self.counts) {
            let mut groups = [(0, 0); GROUPS];
            for (name, counts) in &arm.pods {
                let group = self.dealt.get(name).copied().unwrap_or(GROUPS - 1);
                if let Some(count) = bad.count(counts) {
                    groups[group].0 += counts.requests;
                    groups[group].1 += count;
                }
            }
            if ticks.len() == GROUP_TICKS_MAX {
                ticks.pop_front();
            }
            ticks.push_back(groups);
        }
    }

    /// The design effect of a metric over everything kept, what stays with pods left to their spread; none where too little
    /// is kept.
    pub fn design_effect(&self, metric: usize, from: Calibration) -> Option<DesignEffect> {
        DesignEffect::from_windows(&moving_by_window(&self.of(metric, GROUP_TICKS_MAX)?), from)
    }

    /// The same over the last `ticks`; none before there are as many.
    pub fn design_effect_over(&self, metric: usize, ticks: usize) -> Option<DesignEffect> {
        let kept = self.of(metric, ticks).filter(|kept| kept.len() == ticks)?;
        let from = Calibration::Concurrent { ticks: ticks as u32 };
        DesignEffect::from_windows(&moving_by_window(&kept), from)
    }

    /// The same over at most the last `ticks` and at least so many, raised by what so few windows may hide.
    pub fn design_effect_of_late(
        &self,
        metric: usize,
        ticks: usize,
        at_least: usize,
    ) -> Option<DesignEffect> {
        let kept = self.of(metric, ticks).filter(|kept| kept.len() >= at_least)?;
        let freedom = self.dealt.len().min(GROUPS) - 1;
        let from = Calibration::Concurrent {
            ticks: kept.len() as u32,
        };
        DesignEffect::from_windows(&careful(by_window(&kept), kept.len(), freedom), from)
    }

    fn of(&self, metric: usize, ticks: usize) -> Option<Vec<Vec<GroupCounts>>> {
        let kept = self.counts.get(metric)?;
        let groups = self.dealt.len().min(GROUPS);
        let group = |(requests, bad): &(u64, u64)| GroupCounts {
            requests: *requests,
            bad: *bad,
        };
        let late = kept.iter().skip(kept.len().saturating_sub(ticks));
        Some(
            late.map(|tick| tick[..groups].iter().map(group).collect())
                .collect(),
        )
    }
}

/// Two standard errors of a variance from so few windows: a design effect that is too small cries wolf, one too large only waits.
pub(crate) fn careful(windows: Vec<Option<f64>>, ticks: usize, freedom: usize) -> Vec<Option<f64>> {
    let raised = |(found, window): (Option<f64>, usize)| {
        let samples = (ticks / window * freedom) as f64;
        found.map(|found| found * (1.0 + 2.0 * crate::numeric::sqrt(2.0 / samples)))
    };
    windows
        .into_iter()
        .zip(crate::noise::WINDOWS)
        .map(raised)
        .collect()
}
