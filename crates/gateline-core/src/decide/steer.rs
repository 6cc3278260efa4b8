//! Deciding about what people do to a promotion: override, abort, pause, resume.

use gateline_model::{
    Event, GateName, Override, PauseReason, PromotionId, PromotionOutcome, RollbackReason, Served, Span,
    StreamId, Verdict,
};
use jiff::Timestamp;

use super::{held, live, private, reason, rollout};
use crate::decision::judge_entry;
use crate::draft::Draft;
use crate::rejection::Rejection;
use crate::state::StepState;

/// Longest time that an override may run: it is for one release in trouble, not for a policy.
const OVERRIDE_MAX: Span = Span::from_secs(7 * 86_400);

pub(super) fn override_gate(
    draft: &mut Draft<'_>,
    id: &PromotionId,
    gate: &GateName,
    until: Timestamp,
    why: &str,
) -> Result<(), Rejection> {
    let why = reason(why)?;
    let now = draft.facts.now;
    if until <= now {
        let says = format!("the override would end at {until}, before it permits anything");
        return Err(Rejection::invalid(
            "override.until",
            says,
            "give an end in the future with `--until`",
        ));
    }
    let latest = OVERRIDE_MAX.after(now);
    if latest < until {
        let latest = Timestamp::from_second(latest.as_second()).unwrap_or(latest);
        return Err(Rejection::invalid(
            "override.until",
            format!(
                "the override would end at {until}; the longest is {OVERRIDE_MAX} (OVERRIDE_MAX), until {latest} if granted now"
            ),
            &format!("give an earlier end, such as `--until {OVERRIDE_MAX}`; grant it again when it is over"),
        ));
    }
    let promotion = held::held_promotion(draft, id)?;
    let judged = judge_entry(draft, &promotion)?;
    let Some(verdict) = judged
        .decision
        .verdicts
        .iter()
        .find(|verdict| verdict.gate == *gate)
    else {
        let names: Vec<&str> = judged
            .decision
            .verdicts
            .iter()
            .map(|verdict| verdict.gate.as_str())
            .collect();
        return Err(Rejection::unknown(
            "gate.unknown",
            format!("stage `{}` has no gate `{gate}`", id.stage.stage),
            &format!("its gates are {}", names.join(", ")),
        ));
    };
    if verdict.verdict == Verdict::Satisfied {
        return Err(Rejection::conflict(
            "override.not_needed",
            format!("gate `{gate}` is satisfied"),
            "nothing needs to be done",
        ));
    }
    let overridable = matches!(&judged.approvals, Ok(Some(approvals)) if approvals.rule.overridable);
    if verdict.kind == "approval" && !overridable {
        return Err(Rejection::forbidden(
            "override.approval",
            format!(
                "stage `{}` does not let its approvals be overridden",
                id.stage.stage
            ),
            "ask the people who may approve",
        ));
    }
    let permission = Override {
        gate: gate.clone(),
        by: draft.facts.actor.id.clone(),
        at: now,
        until,
    };
    let text = private(draft, Some(why));
    draft.emit_with(
        StreamId::Promotion(id.clone()),
        Event::OverrideGranted { permission },
        text,
    );
    held::judge(draft, id).map(drop)
}

pub(super) fn abort(draft: &mut Draft<'_>, id: &PromotionId, why: &str) -> Result<(), Rejection> {
    let why = reason(why)?;
    let promotion = draft.open_promotion(id)?;
    let by = draft.facts.actor.id.clone();
    match promotion.rollout() {
        None => {
            let says = format!("aborted by {by} before it was admitted");
            let text = private(draft, Some(why));
            live::end_with(
                draft,
                id,
                PromotionOutcome::Aborted,
                says,
                None,
                Served::default(),
                text,
            );
            Ok(())
        }
        Some(under_way) if under_way.rollback.is_some() => Err(Rejection::conflict(
            "promotion.taken_back",
            format!("promotion `{id}` is being taken back already"),
            "wait for its end",
        )),
        Some(_) => {
            // The reason stands in the erasable part of a pause that the rollback ends at once.
            pause_with_reason(draft, id, why);
            rollout::take_back(
                draft,
                id,
                RollbackReason::Aborted,
                format!("aborted by {by} while it rolled out"),
            )
        }
    }
}

fn pause_with_reason(draft: &mut Draft<'_>, id: &PromotionId, why: String) {
    let text = private(draft, Some(why));
    draft.emit_with(
        StreamId::Promotion(id.clone()),
        Event::RolloutPaused {
            why: PauseReason::Asked,
        },
        text,
    );
}

pub(super) fn pause(draft: &mut Draft<'_>, id: &PromotionId, why: &str) -> Result<(), Rejection> {
    let why = reason(why)?;
    let promotion = draft.open_promotion(id)?;
    match promotion.rollout() {
        Some(under_way) if under_way.rollback.is_none() && under_way.paused.is_none() => {
            pause_with_reason(draft, id, why);
            Ok(())
        }
        Some(under_way) if under_way.paused.is_some() => Ok(()),
        Some(_) | None => Err(Rejection::conflict(
            "promotion.not_rolling",
            format!("promotion `{id}` has no rollout that could stand still"),
            &format!("see where it stands with `gateline explain {id}`"),
        )),
    }
}

/// A person says that the rollout goes on: past an inconclusive ruling, or with a new attempt at a parked step.
pub(super) fn resume(draft: &mut Draft<'_>, id: &PromotionId, why: &str) -> Result<(), Rejection> {
    let why = reason(why)?;
    let promotion = draft.open_promotion(id)?;
    let Some(under_way) = promotion.rollout().filter(|under_way| under_way.paused.is_some()) else {
        return Err(Rejection::conflict(
            "promotion.not_paused",
            format!("promotion `{id}` is not paused"),
            "nothing needs to be done",
        ));
    };
    let text = private(draft, Some(why));
    draft.emit_with(StreamId::Promotion(id.clone()), Event::RolloutResumed {}, text);
    let past_the_judge = under_way
        .paused
        .is_some_and(|(why, _)| matches!(why, PauseReason::Inconclusive | PauseReason::Irreversible));
    match under_way.state {
        StepState::Parked { .. } | StepState::Failed { .. } => {
            rollout::intend(draft, id, under_way.step, under_way.attempt + 1)
        }
        StepState::Applied { .. } if past_the_judge => rollout::go_on(draft, id, Served::default())?,
        StepState::Applied { .. } => {
            rollout::continue_after_pause(draft, id, under_way.step, Served::default())?;
        }
        StepState::Intended { .. } => {}
    }
    Ok(())
}
