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
}

impl Traffic {
    pub(crate) fn knows(&self, promotion: &PromotionId) -> bool {
        self.rollouts.contains_key(promotion)
    }

    /// Takes all ticks of a rollout, as the store has them.
    pub(crate) fn load(&mut self, promotion: &PromotionId, ticks: Vec<Tick>, root: Digest) {
        self.rollouts.insert(promotion.clone(), Kept { ticks, root });
    }

    /// Adds ticks that the store has now.
    pub(crate) fn add(&mut self, promotion: &PromotionId, ticks: Vec<Tick>, root: Digest) {
        if let Some(kept) = self.rollouts.get_mut(promotion) {
            kept.ticks.extend(ticks);
            kept.root = root;
        }
    }

    pub(crate) fn forget(&mut self, promotion: &PromotionId) {
        self.rollouts.remove(promotion);
    }

    /// Everything that a rollout's canary has served.
    pub fn served(&self, promotion: &PromotionId) -> Served {
        let ticks = self
            .rollouts
            .get(promotion)
            .map(|kept| &kept.ticks[..])
            .unwrap_or_default();
        let counts = gateline_judge::count(ticks, Arm::Canary, None);
        Served {
            requests: counts.requests,
            bad_requests: counts.errors,
        }
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
    let Strategy::Canary(canary) = &pipeline.stage(&promotion.id.stage.stage)?.rollout else {
        return None;
    };
    let Some(StepAction::Expose { .. }) = rollout.action() else {
        return None;
    };
    let step = canary.steps.get((rollout.step as usize).checked_sub(1)?)?;
    step.judge.as_ref().or(canary.judge.as_ref())
}
