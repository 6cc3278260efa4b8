//! A look: what both arms served in one tick, pod by pod where that is known.
//!
//! Counts are those of the tick, not running totals; [`crate::Counter`] makes the one from the other.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::counts::Counts;

/// What both arms served in one tick.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Look {
    /// Ticks since the rollout began.
    pub tick: u32,
    /// Share of traffic that the canary was given, in per cent, where it is known.
    pub weight: Option<f64>,
    /// The release being rolled out; none where nothing told of it.
    pub canary: Option<ArmLook>,
    /// The release that was live before; none where nothing told of it.
    pub stable: Option<ArmLook>,
    /// What needs no statistics: a crash loop, a pod killed for its memory. Each ends the rollout.
    pub signals: Vec<String>,
}

impl Look {
    /// A gauge, where both arms tell it.
    pub fn gauge(&self, name: &str) -> Option<GaugeLook> {
        let of = |arm: &Option<ArmLook>| arm.as_ref()?.gauges.get(name).copied();
        Some(GaugeLook {
            canary: of(&self.canary)?,
            stable: of(&self.stable)?,
        })
    }
}

/// What one arm served in one tick.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ArmLook {
    /// All pods together.
    pub all: Counts,
    /// Each pod, where they are told apart; empty where not.
    pub pods: BTreeMap<String, Counts>,
    /// How many pods serve; 0 where that is not known.
    pub serving: usize,
    /// Mean per pod of each gauge.
    #[serde(default)]
    pub gauges: BTreeMap<String, f64>,
}

/// A gauge at both arms: mean per pod.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GaugeLook {
    /// At the canary.
    pub canary: f64,
    /// At the stable arm.
    pub stable: f64,
}

impl ArmLook {
    /// An arm whose pods are not told apart.
    pub fn whole(all: Counts) -> Self {
        Self {
            all,
            ..Self::default()
        }
    }

    /// An arm as the sum of its pods.
    pub fn of_pods(pods: BTreeMap<String, Counts>) -> Self {
        let mut all = Counts::default();
        pods.values().for_each(|pod| all.merge(pod));
        let serving = pods.len();
        Self {
            all,
            pods,
            serving,
            gauges: BTreeMap::new(),
        }
    }
}

/// What makes a request bad.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bad {
    /// It failed.
    Failed,
    /// It took longer than this many seconds, a bound of the histogram.
    Slower(f64),
}

impl Bad {
    /// How many of the requests are bad; none where the histogram that would tell is not there.
    pub fn count(self, counts: &Counts) -> Option<u64> {
        match self {
            Bad::Failed => Some(counts.errors.min(counts.requests)),
            Bad::Slower(than) => {
                let within = counts.buckets.iter().find(|(bound, _)| *bound == than)?.1;
                Some(counts.requests.saturating_sub(within))
            }
        }
    }
}
