//! One rollout from its first tick to its end, and what many of them sum up to.

use gateline_judge::{ArmLook, Baseline, Counts, Exposure, Judge, Look, Recipe, Settings};
use gateline_model::RulingKind;

use crate::peers::{End, Judges};
use crate::world::{Arm, BOUNDS, Fault, HOUR, Known, NONE, Place, Seen, TICK, World};

/// Ticks of one rollout: the hour, and a quarter of one to hold the old version back.
const TICKS: usize = HOUR + 60;

/// The judge under test, with what it knows of the world before.
pub struct Gateline {
    judge: Judge,
    watched: [usize; 2],
}

impl Gateline {
    pub fn new(recipe: Recipe, baseline: &Baseline, watched: [usize; 2]) -> Self {
        let mut baseline = baseline.clone();
        let errors = recipe.error_capital;
        let capital = [errors, (1.0 - errors) / 2.0, (1.0 - errors) / 2.0];
        for (metric, capital) in baseline.metrics.iter_mut().zip(capital) {
            metric.capital = capital;
        }
        let settings = Settings {
            recipe,
            exposure: Exposure::Paced,
            ..Settings::default()
        };
        Self {
            judge: Judge::new(settings, Some(&baseline)),
            watched,
        }
    }

    fn arm(&self, arm: &Arm) -> Option<ArmLook> {
        let bucket = |bound: usize| (BOUNDS[bound], arm.requests - arm.slower(bound));
        let buckets = self.watched.map(bucket).to_vec();
        let mut look = ArmLook::whole(Counts {
            requests: arm.requests,
            errors: arm.errors,
            buckets,
        });
        look.serving = arm.pods;
        Some(look)
    }
}

impl Judges for Gateline {
    fn weight(&self) -> f64 {
        self.judge.said().weight / 100.0
    }

    fn tick(&mut self, tick: usize, seen: &Seen) -> Option<End> {
        let look = Look {
            tick: tick as u32,
            weight: Some(self.judge.said().weight),
            canary: self.arm(&seen.canary),
            stable: self.arm(&seen.stable),
            ..Look::default()
        };
        match self.judge.observe(&look).says {
            RulingKind::Wait => None,
            RulingKind::RollBack => Some(End::RolledBack),
            RulingKind::Advance => Some(End::Promoted),
            RulingKind::Inconclusive => Some(End::Inconclusive),
        }
    }
}

/// How one rollout went.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    pub end: End,
    /// Ticks until the end.
    pub ticks: usize,
    /// Tick of the first bad request of the fault.
    pub onset: Option<usize>,
    /// Bad requests that the fault made within the hour, after a wrong promotion too.
    pub bad: f64,
}

/// Runs a rollout to its end, and its world to the end of the hour.
pub fn run(world: &mut World, judge: &mut dyn Judges, ticks: usize) -> Outcome {
    let mut outcome = Outcome {
        end: End::Inconclusive,
        ticks,
        onset: None,
        bad: 0.0,
    };
    let mut ended = None;
    for tick in 0..ticks {
        let weight = match ended {
            None | Some(End::Inconclusive) => judge.weight(),
            Some(End::RolledBack) => break,
            Some(End::Promoted) => 1.0,
        };
        if ended.is_some() && tick >= HOUR {
            break;
        }
        let seen = world.step(tick, weight);
        if seen.excess > 0.0 && tick < HOUR {
            outcome.bad += seen.excess;
            outcome.onset.get_or_insert(tick);
        }
        if ended.is_none() {
            ended = judge.tick(tick, &seen);
            if let Some(end) = ended {
                (outcome.end, outcome.ticks) = (end, tick + 1);
            }
        }
    }
    outcome
}

/// A judge that is compared: its name, and how it is made for one rollout from what is known before.
pub struct Contender {
    pub name: &'static str,
    pub make: fn(&Known, &World, u64) -> Box<dyn Judges>,
}

/// Many rollouts into one place for each fault and each judge, on both cores: the same worlds and the same history for all.
/// By fault, then by judge. Where nothing is broken there are twice as many rollouts: their rates are small.
pub fn many(
    place: Place,
    faults: &[Fault],
    judges: &[Contender],
    rollouts: usize,
    seed: u64,
) -> Vec<Vec<Summary>> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let one = |index: usize| {
        let own = seed.wrapping_mul(1_000_003).wrapping_add(index as u64);
        let known = World::new(place, own, 1).history(own);
        let cell = |fault: &Fault, judge: &Contender| {
            let mut world = World::new(
                Place {
                    fault: *fault,
                    ..place
                },
                own,
                TICKS,
            );
            let mut judge = (judge.make)(&known, &world, own);
            run(&mut world, judge.as_mut(), TICKS)
        };
        let skipped = |fault: &Fault| fault.name != NONE.name && index % 2 == 1;
        let row = |fault: &Fault| match skipped(fault) {
            true => Vec::new(),
            false => judges.iter().map(|judge| cell(fault, judge)).collect(),
        };
        faults.iter().map(row).collect::<Vec<Vec<Outcome>>>()
    };
    let all: Vec<Vec<Vec<Outcome>>> = std::thread::scope(|scope| {
        let part = |thread: usize| move || (thread..rollouts).step_by(threads).map(one).collect::<Vec<_>>();
        let parts: Vec<_> = (0..threads).map(|thread| scope.spawn(part(thread))).collect();
        parts
            .into_iter()
            .flat_map(|part| part.join().expect("no rollout panics"))
            .collect()
    });
    let of = |fault: usize, judge: usize| {
        let outcomes = all
            .iter()
            .filter_map(|rollout| rollout[fault].get(judge).copied());
        Summary::of(&outcomes.collect::<Vec<_>>())
    };
    (0..faults.len())
        .map(|fault| (0..judges.len()).map(|judge| of(fault, judge)).collect())
        .collect()
}

/// What many rollouts sum up to.
#[derive(Debug, Clone, Copy)]
pub struct Summary {
    pub rolled_back: f64,
    pub promoted: f64,
    pub inconclusive: f64,
    /// Minutes until promoted, in the middle.
    pub minutes: f64,
    /// Seconds from onset to rollback, in the middle and at 95 of 100; infinite where it never came.
    pub detect: (f64, f64),
    /// Bad requests, in the middle and on average.
    pub bad: (f64, f64),
}

impl Summary {
    pub fn of(outcomes: &[Outcome]) -> Self {
        let share =
            |end: End| outcomes.iter().filter(|one| one.end == end).count() as f64 / outcomes.len() as f64;
        let promoted = outcomes.iter().filter(|one| one.end == End::Promoted);
        let detect = outcomes.iter().map(|one| match one.end {
            End::RolledBack => (one.ticks as f64 - one.onset.unwrap_or(0) as f64).max(1.0) * TICK,
            End::Promoted | End::Inconclusive => f64::INFINITY,
        });
        let detect: Vec<f64> = detect.collect();
        let bad: Vec<f64> = outcomes.iter().map(|one| one.bad).collect();
        Self {
            rolled_back: share(End::RolledBack),
            promoted: share(End::Promoted),
            inconclusive: share(End::Inconclusive),
            minutes: at(
                &promoted
                    .map(|one| one.ticks as f64 * TICK / 60.0)
                    .collect::<Vec<_>>(),
                0.5,
            ),
            detect: (at(&detect, 0.5), at(&detect, 0.95)),
            bad: (at(&bad, 0.5), bad.iter().sum::<f64>() / bad.len() as f64),
        }
    }
}

/// A quantile of a sample; not a number for none.
fn at(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted
        .get((share * last as f64).round() as usize)
        .copied()
        .unwrap_or(f64::NAN)
}
