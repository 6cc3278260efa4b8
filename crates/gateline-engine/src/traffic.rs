//! Traffic: the ticks of running rollouts, and what the judge says of them.

use std::collections::HashMap;

use gateline_core::{Promotion, StepState, World};
use gateline_model::{
    Arm, Digest, JudgeSettings, Pipeline, PromotionId, Ruling, Served, StepAction, Strategy, Tick,
};
use jiff::Timestamp;

/// Ticks of the rollouts that this replica measures, kept beside the log.
#[derive(Debug, Default)]
pub struct Traffic {
    rollouts: HashMap<PromotionId, Kept>,
}

#[derive(Debug)]
struct Kept {
    ticks: Vec<Tick>,
    root: Digest,
    /// What the canary has served so far: pages ask for it all the time.
    served: Served,
}

impl Traffic {
    pub(crate) fn knows(&self, promotion: &PromotionId) -> bool {
        self.rollouts.contains_key(promotion)
    }

    /// Takes all ticks of a rollout, as the store has them.
    pub(crate) fn load(&mut self, promotion: &PromotionId, ticks: Vec<Tick>, root: Digest) {
        let served = served(&ticks, None);
        self.rollouts
            .insert(promotion.clone(), Kept { ticks, root, served });
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

    pub(crate) fn forget(&mut self, promotion: &PromotionId) {
        self.rollouts.remove(promotion);
    }

    /// Everything that a rollout's canary has served.
    pub fn served(&self, promotion: &PromotionId) -> Served {
        let kept = self.rollouts.get(promotion);
        kept.map(|kept| kept.served).unwrap_or_default()
    }

    /// The ruling on the step that stands now; none where nothing is judged.
    pub(crate) fn rule(&self, world: &World, promotion: &Promotion, now: Timestamp) -> Option<Ruled> {
        let kept = self.rollouts.get(&promotion.id)?;
        let rollout = promotion.rollout()?;
        let StepState::Applied { since, .. } = rollout.state else {
            return None;
        };
        let project = world.project(&promotion.id.stage.project)?;
        let pipeline = project.versions.get(&promotion.pipeline)?;
        let settings = settings(pipeline, promotion)?;
        let ruling = gateline_judge::judge(settings, &kept.ticks, since, now);
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
pub(crate) fn settings<'a>(pipeline: &'a Pipeline, promotion: &Promotion) -> Option<&'a JudgeSettings> {
    let rollout = promotion.rollout()?;
    let stage = pipeline.stage(&promotion.id.stage.stage)?;
    let Strategy::Canary(canary) = promotion.strategy_in(stage) else {
        return None;
    };
    let Some(StepAction::Expose { .. }) = rollout.action() else {
        return None;
    };
    let step = canary.steps.get((rollout.step as usize).checked_sub(1)?)?;
    step.judge.as_ref().or(canary.judge.as_ref())
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
