//! The crate's other judges on a fixed ramp, as their users run them: Kayenta's every ten minutes, and the group-sequential one.

use gateline_judge::kayenta::{Class, Critical, Direction, Gaps, Metric, classify};
use gateline_judge::{Baseline, GroupSequential, Pair, Planned};

use crate::draw::Draw;
use crate::peers::{End, Judges, STEPS, quantile};
use crate::world::{Arm, HOUR, Seen};

/// Ticks of a step of the ramp.
const STEP: usize = 20;

/// Kayenta: 10 % for an hour, a point a minute, judged every ten minutes on all points so far.
pub struct Kayenta {
    draw: Draw,
    minute: [Option<Arm>; 2],
    /// Errors in per cent and the 99th of a hundred, canary and baseline.
    points: [[Vec<f64>; 2]; 2],
}

impl Kayenta {
    pub fn new(seed: u64) -> Self {
        Self {
            draw: Draw::new(seed ^ 0x6b61),
            minute: [None, None],
            points: Default::default(),
        }
    }

    /// A part of the stable arm that is as large as the canary.
    fn thinned(&mut self, seen: &Seen) -> Arm {
        let share = (seen.canary.requests as f64 / seen.stable.requests.max(1) as f64).min(1.0);
        let errors = self.draw.binomial(seen.stable.errors, share);
        let latency = seen.stable.latency.map(|count| self.draw.binomial(count, share));
        let requests = latency.iter().sum::<u64>().max(errors);
        Arm {
            requests,
            errors,
            latency,
            pods: seen.stable.pods,
        }
    }
}

fn add(to: &mut Option<Arm>, more: &Arm) {
    match to {
        None => *to = Some(more.clone()),
        Some(sum) => {
            sum.requests += more.requests;
            sum.errors += more.errors;
            sum.latency
                .iter_mut()
                .zip(more.latency)
                .for_each(|(sum, more)| *sum += more);
        }
    }
}

impl Judges for Kayenta {
    fn weight(&self) -> f64 {
        0.10
    }

    fn tick(&mut self, tick: usize, seen: &Seen) -> Option<End> {
        let stable = self.thinned(seen);
        add(&mut self.minute[0], &seen.canary);
        add(&mut self.minute[1], &stable);
        if !(tick + 1).is_multiple_of(4) {
            return None;
        }
        for side in 0..2 {
            let Some(arm) = self.minute[side].take() else {
                continue;
            };
            self.points[0][side].push(100.0 * arm.errors as f64 / arm.requests as f64);
            self.points[1][side].push(quantile(&arm.latency, 0.99).unwrap_or(f64::NAN));
        }
        if !(tick + 1).is_multiple_of(40) {
            return None;
        }
        let is_high = |points: &[Vec<f64>; 2]| {
            let metric = Metric {
                name: String::new(),
                group: String::new(),
                experiment: points[0].clone(),
                control: points[1].clone(),
                direction: Direction::Increase,
                critical: Critical::No,
                gaps: Gaps::Remove,
                effect: None,
            };
            classify(&metric) == Class::High
        };
        // Two groups of equal weight and a pass at 95: one that is high fails.
        if self.points.iter().any(is_high) {
            return Some(End::RolledBack);
        }
        (tick + 1 >= HOUR).then_some(End::Promoted)
    }
}

/// O'Brien and Fleming's boundary on four steps of five minutes.
pub struct Obf {
    judge: Option<GroupSequential>,
    watched: [usize; 2],
    step: usize,
}

impl Obf {
    pub fn new(baseline: &Baseline, watched: [usize; 2]) -> Self {
        let schedule: Vec<f64> = STEPS.iter().flat_map(|weight| [*weight; STEP]).collect();
        let planned = baseline.metrics.iter().map(|metric| Planned {
            tolerance: metric.tolerance,
            design_effect: metric.noise.whole,
            bad_per_tick: metric.rate * baseline.requests_per_tick,
        });
        let planned: Vec<Planned> = planned.collect();
        Self {
            judge: GroupSequential::new(&schedule, &planned, 0.05, 0.15),
            watched,
            step: 0,
        }
    }
}

impl Judges for Obf {
    fn weight(&self) -> f64 {
        STEPS[self.step.min(STEPS.len() - 1)]
    }

    fn tick(&mut self, tick: usize, seen: &Seen) -> Option<End> {
        let (canary, stable) = (&seen.canary, &seen.stable);
        let pair = |canary_bad: u64, stable_bad: u64| Pair {
            canary: canary.requests,
            canary_bad,
            stable: stable.requests,
            stable_bad,
        };
        let slow = self
            .watched
            .map(|bound| pair(canary.slower(bound), stable.slower(bound)));
        let pairs = [pair(canary.errors, stable.errors), slow[0], slow[1]];
        if tick >= 4 && self.judge.as_mut().is_some_and(|judge| judge.observe(&pairs)) {
            return Some(End::RolledBack);
        }
        self.step = (tick + 1) / STEP;
        (self.step == STEPS.len()).then_some(End::Promoted)
    }
}
