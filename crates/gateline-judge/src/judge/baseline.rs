//! The baseline: what the stable arm did before, as far as anybody looked. Frozen when the rollout begins to be judged.

use gateline_model::ErrorTolerance;
use gateline_model::ruling::Calibration;
use serde::{Deserialize, Serialize};

use super::settings::Settings;
use crate::counts::Counts;
use crate::gauge::GaugeNoise;
use crate::histogram;
use crate::look::{ArmLook, Bad};
use crate::noise::{DesignEffect, PodRates, Swings, spread};
use crate::pods::Groups;

/// Fewest stable requests from which a rate of a few per cent can be told.
pub const BASELINE_REQUESTS_MIN: u64 = 200;

/// Ticks below which their fewness is counted as noise: half an hour.
const CAREFUL_TICKS: usize = 120;

/// What the stable arm did before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// Requests of the whole service in a tick.
    pub requests_per_tick: f64,
    /// Pods of the whole service; 0 where they are not told apart.
    pub pods: usize,
    /// What each metric was.
    pub metrics: Vec<KnownMetric>,
    /// How gauges differ between pods of one version.
    #[serde(default)]
    pub gauges: std::collections::BTreeMap<String, GaugeNoise>,
    /// What the histogram is not good enough for.
    pub notes: Vec<String>,
}

/// What one metric was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KnownMetric {
    /// What is bad.
    pub bad: Bad,
    /// The ratio that is tolerated of it.
    pub tolerance: f64,
    /// Its share of the capital.
    pub capital: f64,
    /// Bad among all.
    pub rate: f64,
    /// How noisy it was.
    pub noise: DesignEffect,
    /// How far pods stay apart, as a deviation of ln rate.
    pub spread: f64,
}

impl Baseline {
    /// From ticks of the stable arm. None below 200 requests: that is too little to tell a rate from.
    pub fn measure(settings: &Settings, ticks: &[ArmLook]) -> Option<Self> {
        let mut all = Counts::default();
        ticks.iter().for_each(|tick| all.merge(&tick.all));
        if all.requests < BASELINE_REQUESTS_MIN {
            return None;
        }
        let (watched, notes) = watched(settings, &all);
        let mut groups = Groups::default();
        ticks.iter().for_each(|tick| groups.add(tick, &watched));
        let errors = settings.recipe.error_capital;
        let capital = |bad: Bad| match (bad, watched.len()) {
            (Bad::Failed, 1) => 1.0,
            (Bad::Failed, _) => errors,
            (Bad::Slower(_), count) => (1.0 - errors) / (count - 1) as f64,
        };
        let known = |(index, (bad, tolerance)): (usize, &(Bad, Option<f64>))| {
            let count = bad.count(&all).unwrap_or(0);
            let rate = (count as f64).max(0.5) / all.requests as f64;
            let from = Calibration::History {
                ticks: ticks.len() as u32,
            };
            let of_pods = if ticks.len() < CAREFUL_TICKS {
                groups.design_effect_of_late(index, CAREFUL_TICKS, 1)
            } else {
                groups.design_effect(index, from)
            };
            let noise = of_pods
                .or_else(|| swings(ticks, *bad))
                .unwrap_or(DesignEffect::UNCALIBRATED);
            KnownMetric {
                bad: *bad,
                tolerance: match tolerance {
                    // So few are slow that a ratio of them means nothing: as with errors, so many more may be.
                    Some(ratio) => ratio.max(1.0 + settings.errors.share / rate),
                    None => tolerated(settings.errors, rate),
                },
                capital: capital(*bad),
                rate,
                spread: spread(&pods_over_time(ticks, *bad), noise.whole),
                noise,
            }
        };
        let gauge = |name: &String| {
            let values: Vec<f64> = ticks
                .iter()
                .filter_map(|tick| tick.gauges.get(name).copied())
                .collect();
            Some((name.clone(), GaugeNoise::of_one_arm(&values)?))
        };
        Some(Self {
            requests_per_tick: all.requests as f64 / ticks.len() as f64,
            pods: ticks.iter().map(|tick| tick.serving).max().unwrap_or(0),
            metrics: watched.iter().enumerate().map(known).collect(),
            gauges: settings.gauges.keys().filter_map(gauge).collect(),
            notes,
        })
    }
}

/// The ratio of errors that is tolerated at a rate.
pub fn tolerated(errors: ErrorTolerance, rate: f64) -> f64 {
    errors.ratio.max(1.0 + errors.share / rate)
}

/// What is watched, with the ratio that is tolerated where it does not depend on the rate.
fn watched(settings: &Settings, all: &Counts) -> (Vec<(Bad, Option<f64>)>, Vec<String>) {
    let mut watched = vec![(Bad::Failed, None)];
    let mut notes = Vec::new();
    for slow in &settings.latency {
        let Some(chosen) = histogram::bound_for(all, slow.share) else {
            continue;
        };
        if watched.iter().all(|(bad, _)| *bad != Bad::Slower(chosen.bound)) {
            watched.push((Bad::Slower(chosen.bound), Some(slow.ratio)));
            notes.extend(chosen.note());
        }
    }
    (watched, notes)
}

/// Where no pods are told apart: the arm's own swings.
fn swings(ticks: &[ArmLook], bad: Bad) -> Option<DesignEffect> {
    let mut swings = Swings::default();
    for tick in ticks {
        let count = bad.count(&tick.all);
        count
            .into_iter()
            .for_each(|count| swings.add(tick.all.requests, count));
    }
    swings.design_effect()
}

fn pods_over_time(ticks: &[ArmLook], bad: Bad) -> Vec<PodRates> {
    let mut pods = std::collections::BTreeMap::<&str, PodRates>::new();
    for (name, counts) in ticks.iter().flat_map(|tick| &tick.pods) {
        let Some(more) = bad.count(counts) else { continue };
        let pod = pods.entry(name).or_insert(PodRates { requests: 0, bad: 0 });
        pod.requests += counts.requests;
        pod.bad += more;
    }
    pods.into_values().collect()
}
