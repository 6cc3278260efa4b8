//! One metric of a rollout: its evidence, and how noisy it is taken to be.

use serde::{Deserialize, Serialize};

use super::baseline::KnownMetric;
use crate::look::{ArmLook, Bad, Look};
use crate::noise::{DesignEffect, margin};
use crate::ratio::{Pair, Rate, Ratio};
use crate::recipe::Recipe;

/// One metric of a rollout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Metric {
    pub bad: Bad,
    /// Its share of the metrics' capital.
    pub capital: f64,
    pub ratio: Ratio,
    /// Raised, never lowered, by what the run itself shows.
    pub noise: DesignEffect,
    spread: f64,
    /// Share of the stable arm's requests that was bad before.
    pub before: f64,
}

impl Metric {
    pub fn new(recipe: &Recipe, known: &KnownMetric, requests_per_tick: f64) -> Self {
        Self {
            bad: known.bad,
            capital: known.capital,
            ratio: Ratio::new(recipe, known.tolerance, Rate::new(known.rate, requests_per_tick)),
            noise: known.noise,
            spread: known.spread,
            before: known.rate,
        }
    }

    /// Takes a tick; false where the histogram that would tell is not there.
    pub fn add(&mut self, look: &Look, pods_before: usize) -> bool {
        let Some(pair) = pair(look, self.bad) else {
            return false;
        };
        let (noise, margin) = self.now(look, pods_before, pair);
        self.ratio.add(look.tick, pair, &noise, margin);
        true
    }

    /// The noise and the margin of a tick: a canary with fewer pods than its share of requests averages less.
    fn now(&self, look: &Look, pods_before: usize, pair: Pair) -> (DesignEffect, f64) {
        let pods = |arm: &Option<ArmLook>| arm.as_ref().map_or(0, |arm| arm.serving);
        let (canary, stable) = (pods(&look.canary), pods(&look.stable));
        if canary == 0 || stable == 0 || pods_before == 0 {
            return (self.noise, margin(self.spread, 1));
        }
        let share = pair.canary as f64 / (pair.canary + pair.stable).max(1) as f64;
        let apart = 1.0 / canary as f64 + 1.0 / stable as f64;
        let factor = pods_before as f64 * share * (1.0 - share) * apart;
        (self.noise.with_excess(factor), margin(self.spread, canary))
    }

    /// Its name, as people read it.
    pub fn name(&self) -> String {
        match self.bad {
            Bad::Failed => "errors".to_owned(),
            Bad::Slower(than) => format!("slower than {}", latency(than)),
        }
    }
}

/// A latency as people read it.
fn latency(secs: f64) -> String {
    if secs < 1.0 {
        format!("{} ms", (secs * 1e6).round() / 1e3)
    } else {
        format!("{secs} s")
    }
}

/// What both arms had of something bad; none where one of them cannot tell.
pub(crate) fn pair(look: &Look, bad: Bad) -> Option<Pair> {
    let (canary, stable) = (&look.canary.as_ref()?.all, &look.stable.as_ref()?.all);
    Some(Pair {
        canary: canary.requests,
        canary_bad: bad.count(canary)?,
        stable: stable.requests,
        stable_bad: bad.count(stable)?,
    })
}
