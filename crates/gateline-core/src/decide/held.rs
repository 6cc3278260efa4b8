//! Deciding about a held promotion: judge its gates, record what is new, and let it in when everything says so.

use std::sync::Arc;

use gateline_model::{
    Admission, ChangeKind, Event, PromotionId, PromotionKind, PromotionOutcome, RollbackReason, Served,
    StreamId,
};
use jiff::Timestamp;

use super::{answer, live, overrides, rollout, watch};
use crate::decision::{Judged, judge_entry, why};
use crate::draft::Draft;
use crate::planted::{Planted, is};
use crate::rejection::Rejection;
use crate::state::{Phase, Promotion};

/// A promotion that is not admitted yet, or the rejection that says so.
pub(super) fn held_promotion(draft: &Draft<'_>, id: &PromotionId) -> Result<Arc<Promotion>, Rejection> {
    let promotion = draft.open_promotion(id)?;
    if promotion.phase == Phase::Held {
        return Ok(promotion);
    }
    Err(Rejection::conflict(
        "promotion.admitted",
        format!("promotion `{id}` is admitted and rolling out; its gates are not asked any more"),
        "use `gateline pause` or `gateline abort`",
    ))
}

/// Judges the gates again. Answers when they are due next.
pub(super) fn judge(draft: &mut Draft<'_>, id: &PromotionId) -> Result<Option<Timestamp>, Rejection> {
    let promotion = draft.open_promotion(id)?;
    if promotion.phase != Phase::Held {
        return Ok(None);
    }
    if !repin(draft, &promotion)? {
        return Ok(None);
    }
    let promotion = draft.open_promotion(id)?;
    if let Some(says) = barred_meanwhile(draft, &promotion) {
        live::end(
            draft,
            id,
            PromotionOutcome::Refused,
            says,
            None,
            Served::default(),
        );
        return Ok(None);
    }
    let judged = judge_entry(draft, &promotion)?;
    let judged = as_decided_before(judged, &promotion);
    let expires = judged.stage.expires.after(promotion.requested_at);
    if expires <= draft.facts.now {
        let admission = judged.decision.admission;
        let why = why(admission, &judged.decision.verdicts, judged.lane_free);
        let expires = judged.stage.expires;
        let (outcome, says) = match admission {
            Admission::Refuse => (
                PromotionOutcome::Refused,
                format!("still refused after {expires}; {why}"),
            ),
            Admission::Hold | Admission::Admit => (
                PromotionOutcome::Expired,
                format!("not admitted within {expires}; {why}"),
            ),
        };
        record(draft, &promotion, &judged);
        live::end(draft, id, outcome, says, None, Served::default());
        return Ok(None);
    }
    answer::keep_up(draft, &promotion, &judged);
    if judged.decision.admission == Admission::Admit && judged.lane_free {
        admit(draft, id, judged);
        return Ok(None);
    }
    record(draft, &promotion, &judged);
    if judged.decision.admission == Admission::Admit {
        take_right_of_way(draft, &promotion, &judged)?;
    }
    Ok(Some(
        judged.decision.until.map_or(expires, |until| until.min(expires)),
    ))
}

/// Why the release may not come in although it was asked for: it was barred since. A rollback is no bar's business.
fn barred_meanwhile(draft: &Draft<'_>, promotion: &Promotion) -> Option<String> {
    if promotion.kind == PromotionKind::Rollback {
        return None;
    }
    let state = draft.stage(&promotion.id.stage);
    let by = state.barred.get(&promotion.release)?;
    Some(format!(
        "it was barred from {} because of {by}",
        promotion.id.stage.stage
    ))
}

/// Pins the version in force. `false` when the promotion ended because its stage is gone.
fn repin(draft: &mut Draft<'_>, promotion: &Promotion) -> Result<bool, Rejection> {
    let stage = &promotion.id.stage;
    let in_force = draft.pipeline_in_force(&stage.project, &stage.pipeline)?;
    let version = draft.version_in_force(&stage.project, &stage.pipeline)?;
    if version == promotion.pipeline {
        return Ok(true);
    }
    if in_force.stage(&stage.stage).is_none() {
        let says = format!("the pipeline in force has no stage `{}` any more", stage.stage);
        live::end(
            draft,
            &promotion.id,
            PromotionOutcome::Refused,
            says,
            None,
            Served::default(),
        );
        return Ok(false);
    }
    draft.emit(
        StreamId::Promotion(promotion.id.clone()),
        Event::PipelineRepinned { pipeline: version },
    );
    Ok(true)
}

/// Records the decision when a verdict or a reason is new.
fn record(draft: &mut Draft<'_>, promotion: &Promotion, judged: &Judged) {
    let new = promotion.decision.as_ref().is_none_or(|old| {
        old.differs_from(&judged.decision)
            || old.headline != judged.decision.headline
            || acts(old) != acts(&judged.decision)
    });
    if new {
        let decision = std::sync::Arc::new(judged.decision.clone());
        draft.emit(
            StreamId::Promotion(promotion.id.clone()),
            Event::DecisionRecorded { decision },
        );
    }
}

/// What is said of approvals and of incidents. Each is somebody's act, so it is news although only a number moved.
fn acts(decision: &gateline_model::Decision) -> Vec<&str> {
    let told = |gate: &&gateline_model::GateVerdict| ["approval", "incidents"].contains(&gate.kind.as_str());
    let gates = decision.verdicts.iter().filter(told);
    gates.map(|gate| gate.says.as_str()).collect()
}

/// Takes the lane and begins the rollout. The decision of this very moment is always recorded.
fn admit(draft: &mut Draft<'_>, id: &PromotionId, judged: Judged) {
    let Some(target) = judged.stage.target_name.fill(&judged.release.release.version) else {
        return;
    };
    let promotion = StreamId::Promotion(id.clone());
    let live = draft.stage(&id.stage).live.as_ref().map(|live| live.release);
    let until = judged
        .stage
        .rollout_within
        .map(|within| within.after(draft.facts.now));
    overrides::open_reviews(draft, id, &judged);
    draft.emit(
        promotion.clone(),
        Event::DecisionRecorded {
            decision: std::sync::Arc::new(judged.decision),
        },
    );
    watch::supersede(draft, &id.stage, id);
    draft.emit(
        StreamId::Stage(id.stage.clone()),
        Event::LaneTaken {
            target: target.clone(),
            promotion: id.clone(),
        },
    );
    // By the plan of the level of risk that was recorded just now.
    let Some(admitted) = draft.promotion(id) else {
        return;
    };
    let plan = admitted.plan_in(&judged.stage, live.is_some());
    let steps = plan.iter().map(|step| step.action).collect();
    draft.emit(
        promotion.clone(),
        Event::PromotionAdmitted {
            steps,
            live,
            target,
            until,
        },
    );
    rollout::intend(draft, id, 0, 1);
}

/// A hotfix or a rollback does not wait behind an ordinary rollout: that one is taken back first.
fn take_right_of_way(draft: &mut Draft<'_>, promotion: &Promotion, judged: &Judged) -> Result<(), Rejection> {
    let urgent =
        promotion.kind == PromotionKind::Rollback || judged.release.release.change.kind == ChangeKind::Hotfix;
    let Some(target) = judged.stage.target_name.fill(&judged.release.release.version) else {
        return Ok(());
    };
    let holder = draft.stage(&promotion.id.stage).lanes.get(&target).cloned();
    let (true, Some(holder)) = (urgent, holder) else {
        return Ok(());
    };
    let Some(other) = draft.promotion(&holder) else {
        return Ok(());
    };
    let other_is_hotfix = draft
        .release(&other.release)
        .is_some_and(|state| state.release.change.kind == ChangeKind::Hotfix);
    let under_way = other.rollout().is_some_and(|rollout| rollout.rollback.is_none());
    let same_rank = other.kind == PromotionKind::Rollback
        || (other_is_hotfix && promotion.kind == PromotionKind::Forward);
    if under_way && !same_rank {
        let says = format!(
            "superseded by {}, which may not wait",
            judged.release.release.version
        );
        rollout::take_back(draft, &holder, RollbackReason::Superseded, says)?;
    }
    Ok(())
}

/// The planted bug: what was decided before is acted on.
fn as_decided_before(mut judged: Judged, promotion: &Promotion) -> Judged {
    if let Some(before) = &promotion.decision
        && is(Planted::StaleAdmission)
        && before.admission == Admission::Admit
    {
        judged.decision = (**before).clone();
    }
    judged
}
