//! Traffic: the ticks of running rollouts, and what the judge says of them.

use std::collections::HashMap;

use gateline_core::{Promotion, Rollout, StepState, World};
use gateline_judge::{Course, Exposure, RolloutJudge, Step};
use gateline_model::{
    Arm, Digest, JudgeBy, JudgeSettings, Planned, PromotionId, Ruling, Served, StepAction, Tick,
};
use jiff::Timestamp;

/// Most ticks of a fixed schedule: a week of 15 s.
const SCHEDULE_TICKS_MAX: usize = 40_320;
/// So many looks in a row that measure nothing are told: one may be lost without a word.
const UNMEASURED_LOOKS: u32 = 2;
/// Most characters that are told of why.
const WHY_CHARS_MAX: usize = 300;

/// Ticks of the rollouts that this replica measures, kept beside the log.
#[derive(Debug, Default)]
pub struct Traffic {
    rollouts: HashMap<PromotionId, Kept>,
    /// How often in a row a rollout could not be measured, and why not.
    unmeasured: HashMap<PromotionId, (u32, String)>,
}

#[derive(Debug)]
struct Kept {
    ticks: Vec<Tick>,
    root: Digest,
    /// What the canary has served so far: pages ask for it all the time.
    served: Served,
    /// The judge of the step that stands, with all that it has seen. Made anew from the ticks where its settings change.
    judge: Option<RolloutJudge>,
    /// What it said last.
    ruling: Option<(u32, Ruling)>,
    /// The lease of the last measurement.
    fence: u64,
}

impl Traffic {
    /// Whether every tick before this lease is known here: it follows the last one, so that nobody else measured in between.
    pub(crate) fn knows(&self, promotion: &PromotionId, fence: u64) -> bool {
        self.rollouts
            .get(promotion)
            .is_some_and(|kept| kept.fence + 1 == fence)
    }

    /// A measurement under this lease was taken in.
    pub(crate) fn measured(&mut self, promotion: &PromotionId, fence: u64) {
        if let Some(kept) = self.rollouts.get_mut(promotion) {
            kept.fence = fence;
        }
    }

    /// Takes all ticks of a rollout, as the store has them.
    pub(crate) fn load(&mut self, promotion: &PromotionId, ticks: Vec<Tick>, root: Digest) {
        let served = served(&ticks, None);
        let kept = Kept {
            ticks,
            root,
            served,
            judge: None,
            ruling: None,
            fence: 0,
        };
        self.rollouts.insert(promotion.clone(), kept);
    }

    /// Adds ticks that the store has now.
    pub(crate) fn add(&mut self, promotion: &PromotionId, ticks: Vec<Tick>, root: Digest) {
        if let Some(kept) = self.rollouts.get_mut(promotion) {
            let last = kept.ticks.iter().rposition(|tick| tick.arm == Arm::Canary);
            let first_new = kept.ticks.len();
            kept.ticks.extend(ticks);
            let since = last.map(|last| kept.ticks[last].at);
            let more = served(&kept.ticks[last.unwrap_or(first_new)..], since);
            kept.served.requests += more.requests;
            kept.served.bad_requests += more.bad_requests;
            kept.root = root;
        }
    }

    /// What a look came to: measured, or not, and why.
    pub(crate) fn looked(&mut self, promotion: &PromotionId, why: Option<&str>) {
        match why {
            None => drop(self.unmeasured.remove(promotion)),
            Some(why) => {
                let (times, said) = self.unmeasured.entry(promotion.clone()).or_default();
                *times += 1;
                *said = why.chars().take(WHY_CHARS_MAX).collect();
            }
        }
    }

    pub(crate) fn forget(&mut self, promotion: &PromotionId) {
        self.rollouts.remove(promotion);
        self.unmeasured.remove(promotion);
    }

    /// Everything that a rollout's canary has served.
    pub fn served(&self, promotion: &PromotionId) -> Served {
        let kept = self.rollouts.get(promotion);
        kept.map(|kept| kept.served).unwrap_or_default()
    }

    /// What the judge said last of the step that stands, with all its numbers.
    pub fn ruling(&self, promotion: &PromotionId) -> Option<&(u32, Ruling)> {
        self.rollouts.get(promotion)?.ruling.as_ref()
    }

    /// All ticks of a running rollout, oldest first; none where this replica measures none.
    pub fn ticks(&self, promotion: &PromotionId) -> Option<&[Tick]> {
        self.rollouts.get(promotion).map(|kept| &kept.ticks[..])
    }

    /// The ruling on the step that stands now; none where nothing is judged.
    pub(crate) fn rule(&mut self, world: &World, promotion: &Promotion, now: Timestamp) -> Option<Ruled> {
        let kept = self.rollouts.get_mut(&promotion.id)?;
        let rollout = promotion.rollout()?;
        let StepState::Applied { since, go_on_at, .. } = rollout.state else {
            return None;
        };
        let project = world.project(&promotion.id.stage.project)?;
        let stage = project
            .versions
            .get(&promotion.pipeline)?
            .stage(&promotion.id.stage.stage)?;
        let plan = promotion.plan_in(stage, rollout.live.is_some());
        let settings = settings(&plan, rollout)?;
        let same = |judge: &RolloutJudge| judge.judges_by().0 == settings;
        if !kept.judge.as_ref().is_some_and(same) {
            let course = course(&plan, rollout, settings)?;
            kept.judge = Some(RolloutJudge::new(settings, course));
        }
        let judge = kept.judge.as_mut()?;
        let step = Step {
            since,
            until: go_on_at,
            stands: rollout.action().and_then(StepAction::weight),
        };
        let mut ruling = judge.rule(&kept.ticks, step, now);
        if let Some((times, why)) = self.unmeasured.get(&promotion.id)
            && *times >= UNMEASURED_LOOKS
        {
            ruling = ruling.unmeasured(why);
        }
        kept.ruling = Some((rollout.step, ruling.clone()));
        // The band is drawn from the ticks; the record does not hold it twice.
        if let Some(full) = &mut ruling.full {
            full.band.clear();
        }
        Some(Ruled {
            step: rollout.step,
            ruling,
            chunks: kept.root,
            settings: Digest::of_json(settings),
        })
    }
}

/// What the canary served after a moment, or in all.
fn served(ticks: &[Tick], since: Option<Timestamp>) -> Served {
    let counts = gateline_judge::count(ticks, Arm::Canary, since);
    Served {
        requests: counts.requests,
        bad_requests: counts.errors,
    }
}

/// A ruling with what it was made from.
pub(crate) struct Ruled {
    pub step: u32,
    pub ruling: Ruling,
    pub chunks: Digest,
    pub settings: Digest,
}

/// The judge's settings for the step that stands now.
pub(crate) fn settings<'a>(plan: &[Planned<'a>], rollout: &Rollout) -> Option<&'a JudgeSettings> {
    rollout.action().and_then(StepAction::weight)?;
    plan.get(rollout.planned())?.judge
}

/// The rollout as a judge must know it. It begins with the first of the steps in a row, up to the one that stands, that
/// are judged by these settings, and over which nobody looks at any other: any replica, at any time, finds the same.
pub fn course(plan: &[Planned<'_>], rollout: &Rollout, settings: &JudgeSettings) -> Option<Course> {
    let is = |step: &u32, what: fn(&Planned<'_>, &JudgeSettings) -> bool| {
        plan.get(rollout.planned_at(*step))
            .is_some_and(|step| what(step, settings))
    };
    let judged: fn(&Planned<'_>, &JudgeSettings) -> bool = |step, by| step.judge == Some(by);
    let in_a_row = |step: &u32| is(step, |step, by| step.judge == Some(by) || step.passes());
    let steps = (0..=rollout.step).rev().take_while(in_a_row);
    let first = steps.filter(|step| is(step, judged)).last()?;
    let began = *rollout.since.get(&first)?;
    let index = rollout.planned_at(first);
    let paced = settings.by == JudgeBy::Evidence && plan.get(index).is_some_and(|step| step.paced);
    let of = plan
        .iter()
        .skip(index)
        .filter(|step| step.judge == Some(settings));
    let schedule = of.flat_map(|step| {
        let ticks = step.pause.as_millis() / settings.every.as_millis().max(1);
        let weight = step
            .action
            .weight()
            .map_or(0.0, |weight| f64::from(weight.as_percent()) / 100.0);
        std::iter::repeat_n(
            weight,
            usize::try_from(ticks).unwrap_or(0).min(SCHEDULE_TICKS_MAX),
        )
    });
    let weights = plan.iter().filter_map(|step| step.action.weight());
    let mut steps: Vec<f64> = weights.map(|weight| f64::from(weight.as_percent())).collect();
    steps.sort_by(f64::total_cmp);
    steps.dedup();
    Some(Course {
        began,
        steps,
        exposure: if paced { Exposure::Paced } else { Exposure::Given },
        schedule: schedule.take(SCHEDULE_TICKS_MAX).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_served_is_the_same_in_whatever_pieces_it_came() {
        let tick = |second: i64, arm, requests, errors| Tick {
            requests,
            errors,
            ..Tick::none(Timestamp::from_second(second).unwrap(), arm)
        };
        // The canary began again at zero in the middle; the stable arm never counts.
        let ticks = [
            tick(1, Arm::Stable, 50, 5),
            tick(1, Arm::Canary, 10, 1),
            tick(2, Arm::Stable, 90, 5),
            tick(2, Arm::Canary, 30, 2),
            tick(3, Arm::Canary, 4, 3),
            tick(4, Arm::Canary, 9, 3),
        ];
        let promotion: PromotionId = "payments/app/production/1".parse().unwrap();
        for pieces in 1..=ticks.len() {
            let mut traffic = Traffic::default();
            traffic.load(&promotion, Vec::new(), Digest::of(b""));
            for piece in ticks.chunks(pieces) {
                traffic.add(&promotion, piece.to_vec(), Digest::of(b""));
            }
            let served = traffic.served(&promotion);
            assert_eq!(
                (served.requests, served.bad_requests),
                (39, 5),
                "{pieces} at once"
            );
        }
    }
}
