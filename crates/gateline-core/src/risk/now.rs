//! The risk of a release before a stage, told to somebody who asks: as it was decided, or as it would be now.

use gateline_model::{ApprovalRule, Assessment, PromotionId, ReleaseId, StageRef};
use jiff::Timestamp;

use super::{RiskView, assess};
use crate::command::{Actor, Facts};
use crate::conditions::{APPROVAL_FACTS, facts, holds};
use crate::draft::Draft;
use crate::rejection::Rejection;
use crate::state::{Phase, Promotion};
use crate::world::World;

/// A risk with what it comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct RiskNow {
    /// The open promotion whose recorded decision says so; none where it was assessed for this answer alone.
    pub decided: Option<(PromotionId, Timestamp)>,
    /// How the level came about.
    pub assessment: Assessment,
    /// Who is asked at this level, as one line.
    pub approval: String,
    /// How it rolls out at this level, as one line.
    pub rollout: String,
    /// Gates whose settings are others at this level, with these settings.
    pub gates: Vec<(String, String)>,
}

/// The risk of a release before a stage: word for word the recorded one where a promotion is before its gates.
///
/// # Errors
/// When there is no such release or stage.
pub fn risk_now(
    world: &World,
    release: &ReleaseId,
    stage_ref: &StageRef,
    now: Timestamp,
) -> Result<RiskNow, Rejection> {
    let nobody = Facts {
        now,
        actor: Actor::gateline(),
    };
    let draft = Draft::new(world, &nobody);
    let open = world
        .promotions_of(release)
        .filter(|id| id.stage == *stage_ref)
        .find_map(|id| world.promotion(id));
    let state = draft.release(release).ok_or_else(|| {
        Rejection::unknown("release.unknown", format!("there is no release `{release}`"), "")
    })?;
    let in_force = || draft.pipeline_in_force(&stage_ref.project, &stage_ref.pipeline);
    let pinned = open.and_then(|open| draft.pipeline_version(&stage_ref.project, &open.pipeline));
    let pipeline = match pinned {
        Some(pinned) => pinned,
        None => in_force()?,
    };
    let stage = pipeline.stage(&stage_ref.stage).ok_or_else(|| {
        let names: Vec<&str> = pipeline.stages.iter().map(|stage| stage.name.as_str()).collect();
        Rejection::unknown(
            "stage.unknown",
            format!("pipeline `{}` has no stage `{}`", pipeline.name, stage_ref.stage),
            &format!("its stages are {}", names.join(", ")),
        )
    })?;
    let decided = open.and_then(|open| Some((open, open.decision.as_ref()?)));
    let assessment = match decided {
        Some((_, decision)) => decision.assessment.clone(),
        None => assess(&RiskView {
            draft: &draft,
            pipeline: &pipeline,
            stage,
            stage_ref,
            release: &state,
            promotion: open.map(|open| open.as_ref()).filter(is_held),
        }),
    };
    let level = assessment.level;
    let facts = facts(&pipeline, &state, stage, Some(level));
    let applies = |rule: &&ApprovalRule| holds(rule.when.as_deref(), APPROVAL_FACTS, &facts) != Ok(false);
    let approval = stage.approval.iter().find(applies);
    let other = |gate: &&gateline_model::Gate| gate.at_risk.range(..=level).next().is_some();
    Ok(RiskNow {
        decided: decided.map(|(open, decision)| (open.id.clone(), decision.at)),
        approval: approval.map_or_else(|| "no approval rule applies".to_owned(), ApprovalRule::says),
        rollout: stage.rollout_at(level).says(stage.target.instances()),
        gates: stage
            .gates
            .iter()
            .filter(other)
            .map(|gate| (gate.name.to_string(), gate.params_at(level).to_string()))
            .collect(),
        assessment,
    })
}

fn is_held(promotion: &&Promotion) -> bool {
    promotion.phase == Phase::Held
}
