//! The judge by evidence: looks in, one after the other, and after each what it says of the rollout.
//!
//! Deterministic and without a clock: the same looks give the same rulings, and a look that was seen is not seen again.
//! The state can be written down and read back between any two looks; what must agree bit for bit replays the looks.

mod baseline;
mod metric;
mod pace;
mod report;
mod settings;

use std::collections::BTreeMap;

use gateline_model::ruling::{Because, Dropped, Guard};
use gateline_model::{GaugeMay, GaugeTolerance, RulingKind};
use serde::{Deserialize, Serialize};

pub use baseline::{BASELINE_REQUESTS_MIN, Baseline, KnownMetric, tolerated};
use metric::Metric;
pub(crate) use metric::pair;
use pace::{Allows, Paced, Standing, odds};
pub use settings::{Exposure, Settings, SettingsError};

use crate::fuse::Fuses;
use crate::gauge::Gauge;
use crate::guard::{Guards, SLO_E};
use crate::look::{ArmLook, Bad, Look};
use crate::noise::{DesignEffect, Swings};
use crate::numeric::{ln, log_sum_exp};
use crate::pods::Groups;
use crate::ratio::Pair;
use crate::recipe::{METRICS_CAPITAL, MISSING_TICKS, PODS_MISSING_MAX, QUIET_E};
use crate::ruling::Said;

/// Ticks between two measurements of the noise beside the canary.
const NOISE_EVERY: u32 = 8;
/// Ticks of pods beside the canary that are looked back over: half an hour.
const BESIDE_TICKS: usize = 120;
/// The least of them that calibrates where nothing was known before: five minutes.
const BESIDE_TICKS_MIN: usize = 20;
/// Weight in per cent from which the stable arm has no traffic of its own.
const ALL_TRAFFIC: f64 = 99.5;
/// Share of the capital that a gauge has.
const GAUGE_CAPITAL: f64 = 0.1;

/// The judge of one rollout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judge {
    settings: Settings,
    /// Empty until there is a baseline.
    metrics: Vec<Metric>,
    notes: Vec<String>,
    pods_before: usize,
    /// Ticks of the stable arm until they make a baseline.
    unmeasured: Vec<ArmLook>,
    fuses: Fuses,
    guards: Guards,
    gauges: BTreeMap<String, Gauge>,
    beside: Groups,
    swings: Vec<Swings>,
    paced: Paced,
    /// Requests of the whole service in a tick, of late.
    traffic: f64,
    last: Option<u32>,
    weight: Option<f64>,
    settled_at: u32,
    /// Tick from which its patience runs.
    patient_from: u32,
    /// Ticks for which the canary and the stable arm have been silent.
    silent: (u32, u32),
    /// Pods that served in the look before, by arm.
    pods: (Vec<String>, Vec<String>),
    /// Errors of everything that was seen, warm-up included.
    errors: Pair,
    /// Canary requests and ticks after warm-up.
    counted: (u64, u32),
    said: Said,
}

impl Judge {
    /// A judge that has seen nothing. Without a baseline it makes its own from the stable arm's first ticks.
    pub fn new(settings: Settings, baseline: Option<&Baseline>) -> Self {
        let mut judge = Self {
            fuses: Fuses::new(&settings.recipe),
            metrics: Vec::new(),
            notes: Vec::new(),
            pods_before: 0,
            unmeasured: Vec::new(),
            guards: Guards::new(settings.tick_secs),
            gauges: BTreeMap::new(),
            beside: Groups::default(),
            swings: Vec::new(),
            paced: Paced::new(),
            traffic: 0.0,
            last: None,
            weight: None,
            settled_at: 0,
            patient_from: 0,
            silent: (0, 0),
            pods: (Vec::new(), Vec::new()),
            errors: Pair::default(),
            counted: (0, 0),
            said: Said::nothing(settings.recipe.pace.weights[0]),
            settings,
        };
        if let Some(baseline) = baseline {
            judge.begin(baseline);
        }
        judge
    }

    /// Takes a look and says what is to be said now. A look that is not later than the last one changes nothing.
    pub fn observe(&mut self, look: &Look) -> &Said {
        if self.last.is_some_and(|last| look.tick <= last) {
            self.said.dropped = Some(Dropped::SeenBefore);
            return &self.said;
        }
        // Where the judge sets the weights and somebody gives more than it allowed, it goes on from there; where nobody could
        // tell anything of the release, it is patient again.
        let raised = self.settings.exposure == Exposure::Paced
            && look
                .weight
                .zip(self.weight)
                .is_some_and(|(now, before)| now > before);
        let anew = raised && self.said.says == RulingKind::Inconclusive;
        if self.said.is_final(self.settings.exposure) && !anew {
            self.said.dropped = Some(Dropped::Decided);
            return &self.said;
        }
        let mut passed = self.last.map_or(1, |last| look.tick - last);
        self.last = Some(look.tick);
        if anew {
            (self.patient_from, passed) = (look.tick, 1);
        }
        if look.weight != self.weight {
            self.settled_at = look.tick + self.settings.recipe.settle;
            self.weight = look.weight;
        }
        if let Some(weight) = look.weight {
            let recipe = &self.settings.recipe;
            let more = raised && weight > self.paced.weight(recipe);
            if more || self.settings.exposure == Exposure::Given {
                self.paced.follow(recipe, weight);
            }
        }
        let dropped = self.weigh(look);
        self.paced.pass(passed);
        let (says, because) = self.rule(look);
        if (says, &because) != (self.said.says, &self.said.because) {
            self.said.since = look.tick;
        }
        self.said = Said {
            says,
            because,
            since: self.said.since,
            tick: look.tick,
            weight: self.paced.weight(&self.settings.recipe),
            dropped,
        };
        &self.said
    }

    /// What was said last.
    pub fn said(&self) -> &Said {
        &self.said
    }

    /// What the service asked.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// ln of the odds against the release, all metrics and the catastrophe together.
    pub fn ln_e(&self) -> f64 {
        self.ln_e_of(|_| true)
    }

    fn begin(&mut self, baseline: &Baseline) {
        let recipe = &self.settings.recipe;
        let known = baseline.metrics.iter();
        self.metrics = known
            .map(|known| Metric::new(recipe, known, baseline.requests_per_tick))
            .collect();
        self.swings = vec![Swings::default(); self.metrics.len()];
        self.notes.clone_from(&baseline.notes);
        self.pods_before = baseline.pods;
        if let Some(errors) = known_errors(baseline) {
            self.guards.know(errors);
        }
        self.traffic = baseline.requests_per_tick;
        for (name, tolerance) in &self.settings.gauges {
            if let Some(noise) = baseline.gauges.get(name) {
                let gauge = Gauge::new(*noise, tolerance.above, recipe.alpha);
                self.gauges.insert(name.clone(), gauge);
            }
        }
    }

    /// Takes the counts of a look into everything that counts; tells why it may not where it may not.
    fn weigh(&mut self, look: &Look) -> Option<Dropped> {
        let errors = served(look);
        // Where all traffic is the canary's, nobody else is missed.
        let stable_serves = errors.stable > 0 || look.weight.is_some_and(|weight| weight >= ALL_TRAFFIC);
        let silent = |before: u32, serves: bool| if serves { 0 } else { before + 1 };
        self.silent = (
            silent(self.silent.0, errors.canary > 0),
            silent(self.silent.1, stable_serves),
        );
        self.errors.add(errors);
        let noise = self
            .metrics
            .first()
            .map_or(DesignEffect::UNCALIBRATED, |metric| metric.noise);
        self.fuses.add(errors, noise.whole);
        let (Some(canary), Some(stable)) = (&look.canary, &look.stable) else {
            return Some(Dropped::ArmMissing);
        };
        let lost = self.loses_pods(canary, stable);
        self.guards.add(look.tick, errors, look.weight, self.settings.slo);
        let requests = (errors.canary + errors.stable) as f64;
        self.traffic = if self.traffic > 0.0 {
            0.9 * self.traffic + 0.1 * requests
        } else {
            requests
        };
        for (name, gauge) in &mut self.gauges {
            look.gauge(name).into_iter().for_each(|look| gauge.add(look));
        }
        if self.metrics.is_empty() {
            self.measure(look.tick, stable);
        }
        if look.tick < self.settings.recipe.warm_up {
            return Some(Dropped::WarmUp);
        }
        if look.tick < self.settled_at {
            return Some(Dropped::Settling);
        }
        if lost {
            return Some(Dropped::PodsMissing);
        }
        if self.metrics.is_empty() {
            return Some(Dropped::NoBaseline);
        }
        self.learn_noise(look.tick, stable);
        let mut told = 0;
        for metric in &mut self.metrics {
            told += u32::from(metric.add(look, self.pods_before));
        }
        self.counted.0 += errors.canary;
        self.counted.1 += 1;
        (told < self.metrics.len() as u32).then_some(Dropped::NoHistogram)
    }

    /// An arm lost so many of the pods that it had that its counts are not those of the look before.
    fn loses_pods(&mut self, canary: &ArmLook, stable: &ArmLook) -> bool {
        let names = |arm: &ArmLook| arm.pods.keys().cloned().collect::<Vec<_>>();
        let before = std::mem::replace(&mut self.pods, (names(canary), names(stable)));
        let lost = |before: &[String], arm: &ArmLook| {
            let gone = before.iter().filter(|name| !arm.pods.contains_key(*name)).count();
            gone as f64 > PODS_MISSING_MAX * before.len() as f64
        };
        lost(&before.0, canary) || lost(&before.1, stable)
    }

    /// A baseline from what the stable arm has served so far, once warm-up is over.
    fn measure(&mut self, tick: u32, stable: &ArmLook) {
        self.unmeasured.push(stable.clone());
        if tick + 1 < self.settings.recipe.warm_up {
            return;
        }
        if let Some(mut baseline) = Baseline::measure(&self.settings, &self.unmeasured) {
            let ticks = self.unmeasured.len();
            self.unmeasured = Vec::new();
            // A few ticks tell a rate, not its noise.
            for known in &mut baseline.metrics {
                if ticks < BESIDE_TICKS_MIN {
                    (known.noise, known.spread) = (DesignEffect::UNCALIBRATED, 0.0);
                }
            }
            self.begin(&baseline);
        }
    }

    /// Takes the stable arm into the noise, and measures it from time to time. What is found counts from the next tick on.
    fn learn_noise(&mut self, tick: u32, stable: &ArmLook) {
        if tick.is_multiple_of(NOISE_EVERY) {
            for (index, metric) in self.metrics.iter_mut().enumerate() {
                if metric.noise.is_calibrated() {
                    let found = self.beside.design_effect_over(index, BESIDE_TICKS);
                    metric.noise = found.map_or(metric.noise, |found| metric.noise.raised_by(found));
                } else if let Some(found) = self
                    .beside
                    .design_effect_of_late(index, BESIDE_TICKS, BESIDE_TICKS_MIN)
                    .or_else(|| self.swings[index].design_effect())
                {
                    metric.ratio.temper(found.whole / metric.noise.whole);
                    metric.noise = found;
                }
            }
        }
        let watched: Vec<(Bad, Option<f64>)> = self.metrics.iter().map(|metric| (metric.bad, None)).collect();
        self.beside.add(stable, &watched);
        for (metric, swings) in self.metrics.iter().zip(&mut self.swings) {
            if !metric.noise.is_calibrated() {
                let bad = metric.bad.count(&stable.all);
                bad.into_iter()
                    .for_each(|bad| swings.add(stable.all.requests, bad));
            }
        }
    }

    fn ln_e_of(&self, counts: impl Fn(&Metric) -> bool) -> f64 {
        let metrics = self.metrics.iter().filter(|metric| counts(metric));
        let share = |metric: &Metric| ln(METRICS_CAPITAL * metric.capital) + metric.ratio.ln_e_harm();
        let metrics: Vec<f64> = metrics.map(share).collect();
        let fuse = self.fuses.ln_catastrophe();
        log_sum_exp(metrics.into_iter().chain([fuse])) + self.settings.carried_ln_e
    }

    fn rule(&mut self, look: &Look) -> (RulingKind, Because) {
        let recipe = &self.settings.recipe;
        if let Some(because) = self.must_roll_back(look) {
            return (RulingKind::RollBack, because);
        }
        if look.tick < recipe.warm_up {
            return (RulingKind::Wait, Because::WarmUp);
        }
        let ln_e = self.ln_e();
        if let Some(because) = self.must_wait(ln_e) {
            return self.until_patience_ends(look.tick, because);
        }
        let looks =
            look.tick >= recipe.pace.from && (look.tick - recipe.pace.from).is_multiple_of(recipe.pace.every);
        let last = look.tick + 1 >= self.patient_from + recipe.horizon;
        if !(looks || last || self.settings.exposure == Exposure::Given) {
            return self.stands(look.tick);
        }
        let standing = Standing {
            recipe,
            metrics: &self.metrics,
            e: odds(ln_e),
            tick: look.tick,
            traffic: self.traffic,
            requests: self.counted.0,
            ticks: self.counted.1,
            share: self.settings.errors.share,
            next: self.next_weight(),
        };
        let allows = match self.settings.exposure {
            Exposure::Given => self.paced.judge_given(&standing),
            Exposure::Paced => self.paced.judge(&standing),
        };
        match (allows, self.settings.exposure) {
            (Allows::Promote(safe), _) => (RulingKind::Advance, Because::Safe(safe)),
            (Allows::Weight, Exposure::Given) => (RulingKind::Advance, Because::Gate),
            (Allows::Weight | Allows::Stay, _) => self.until_patience_ends(look.tick, Because::Collecting),
        }
    }

    /// The weight that comes next, where somebody else sets them and they are known.
    fn next_weight(&self) -> Option<f64> {
        let stands = self.weight?;
        let mut later = self.settings.steps.iter().filter(|step| **step > stands + 1e-9);
        later.next().copied()
    }

    /// Between two looks at the pace what was said stands.
    fn stands(&self, tick: u32) -> (RulingKind, Because) {
        self.until_patience_ends(tick, Because::Collecting)
    }

    fn until_patience_ends(&self, tick: u32, because: Because) -> (RulingKind, Because) {
        if tick + 1 >= self.patient_until() {
            (RulingKind::Inconclusive, because)
        } else {
            (RulingKind::Wait, because)
        }
    }

    /// The tick at which it is inconclusive.
    fn patient_until(&self) -> u32 {
        let hold_back = if self.paced.is_held_back() {
            self.settings.recipe.hold_back
        } else {
            0
        };
        self.patient_from + self.settings.recipe.horizon + hold_back
    }

    /// Ticks until it is inconclusive.
    pub(super) fn patience_left(&self) -> u32 {
        let seen = self.last.map_or(0, |last| last + 1);
        self.patient_until().saturating_sub(seen)
    }

    fn must_roll_back(&self, look: &Look) -> Option<Because> {
        let recipe = &self.settings.recipe;
        let bar = ln(recipe.bar());
        if let Some(signal) = look.signals.first() {
            return Some(Because::Signal(signal.clone()));
        }
        let canary = look.canary.as_ref().map(|arm| &arm.gauges);
        let beyond = self.settings.gauges.iter().find(|(name, tolerance)| {
            let value = canary.and_then(|gauges| gauges.get(*name));
            value
                .zip(tolerance.limit)
                .is_some_and(|(value, limit)| *value > limit)
        });
        if let Some((name, _)) = beyond {
            return Some(Because::GaugeLimit(name.clone()));
        }
        if self.fuses.interval_is_blown() {
            return Some(Because::BadIntervals);
        }
        if self.fuses.ln_catastrophe() >= bar {
            return Some(Because::Catastrophe);
        }
        if look.tick < recipe.warm_up {
            return None;
        }
        let ln_e = self.ln_e_of(|metric| metric.noise.is_calibrated());
        if ln_e >= bar {
            return Some(Because::Evidence(self.loudest()));
        }
        if self
            .settings
            .budget
            .is_some_and(|budget| self.errors.excess() > budget)
            && ln_e >= ln(QUIET_E)
        {
            return Some(Because::Budget);
        }
        if self.guards.says(self.settings.slo) == Some(Guard::CanaryBreaks) && ln_e >= ln(SLO_E) {
            return Some(Because::Guard(Guard::CanaryBreaks));
        }
        self.loud_gauge(GaugeMay::RollBack).map(Because::Gauge)
    }

    fn must_wait(&self, ln_e: f64) -> Option<Because> {
        if self.silent.0 >= MISSING_TICKS {
            return Some(Because::NoData);
        }
        if self.silent.1 >= MISSING_TICKS {
            return Some(Because::NoStable);
        }
        if self.metrics.is_empty() {
            return Some(Because::Collecting);
        }
        if let Some(guard) = self.guards.says(self.settings.slo) {
            return Some(Because::Guard(guard));
        }
        if ln_e >= ln(self.settings.recipe.bar()) {
            return Some(Because::Uncalibrated(self.loudest()));
        }
        self.loud_gauge(GaugeMay::Wait).map(Because::Gauge)
    }

    fn loud_gauge(&self, may: GaugeMay) -> Option<String> {
        let bar = ln(self.settings.recipe.bar() / GAUGE_CAPITAL);
        let is_loud = |(name, tolerance): &(&String, &GaugeTolerance)| {
            let gauge = self.gauges.get(*name);
            tolerance.rolls_back == may && gauge.and_then(Gauge::ln_e).is_some_and(|ln_e| ln_e >= bar)
        };
        self.settings
            .gauges
            .iter()
            .find(is_loud)
            .map(|(name, _)| name.clone())
    }

    /// The metric with the most evidence against the release.
    fn loudest(&self) -> usize {
        let weighed = |metric: &Metric| ln(metric.capital) + metric.ratio.ln_e_harm();
        let all = self.metrics.iter().map(weighed).enumerate();
        all.max_by(|one, other| one.1.total_cmp(&other.1))
            .map_or(0, |(index, _)| index)
    }
}

/// Errors of a look, as far as its arms are told.
fn served(look: &Look) -> Pair {
    let of = |arm: &Option<ArmLook>| {
        arm.as_ref()
            .map_or((0, 0), |arm| (arm.all.requests, arm.all.errors))
    };
    let ((canary, canary_bad), (stable, stable_bad)) = (of(&look.canary), of(&look.stable));
    Pair {
        canary,
        canary_bad,
        stable,
        stable_bad,
    }
}

/// The share of errors that the stable arm had before.
fn known_errors(baseline: &Baseline) -> Option<f64> {
    let errors = baseline.metrics.iter().find(|known| known.bad == Bad::Failed);
    errors.map(|known| known.rate)
}
