//! Deciding about what people do to a promotion: abort, pause, resume, advance.

use gateline_model::{
    Event, PauseReason, PromotionId, PromotionOutcome, RollbackReason, Served, StreamId, Weight,
};

use super::{live, private, reason, rollout, standing};
use crate::draft::Draft;
use crate::rejection::Rejection;
use crate::state::{Rollout, StepState};

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
            let says = format!("aborted by {by} while it rolled out");
            let text = private(draft, Some(why));
            rollout::begin_rollback(draft, &promotion, RollbackReason::Aborted, says, text)
        }
    }
}

/// A person lets a rollout stand still. One that only waits for somebody's go-ahead, or until an incident's suspicion is lifted,
/// stands for that person from then on. Where it failed or nobody could tell, going on means more than ending a pause.
pub(super) fn pause(draft: &mut Draft<'_>, id: &PromotionId, why: &str) -> Result<(), Rejection> {
    let why = reason(why)?;
    let promotion = draft.open_promotion(id)?;
    match promotion.rollout() {
        Some(under_way) if under_way.rollback.is_none() => {
            let stands = match under_way.paused.map(|(why, _)| why) {
                None | Some(PauseReason::GoAhead | PauseReason::Incident) => None,
                Some(PauseReason::Asked) => Some("somebody paused it"),
                Some(PauseReason::Inconclusive) => Some("the judge could not tell"),
                Some(PauseReason::Irreversible | PauseReason::Failed) => Some("it failed"),
                Some(PauseReason::Parked) => Some("nobody can tell whether its last step is true"),
            };
            if let Some(stands) = stands {
                return Err(Rejection::conflict(
                    "promotion.paused",
                    format!("promotion `{id}` stands still already: {stands}; your reason is not recorded"),
                    "it goes on only when somebody resumes it",
                ));
            }
            let text = private(draft, Some(why));
            let paused = Event::RolloutPaused {
                why: PauseReason::Asked,
                says: None,
            };
            draft.emit_with(StreamId::Promotion(id.clone()), paused, text);
            Ok(())
        }
        Some(_) | None => Err(Rejection::conflict(
            "promotion.not_rolling",
            format!("promotion `{id}` has no rollout that could stand still"),
            &format!("see where it stands with `gateline explain {id}`"),
        )),
    }
}

/// A person's word instead of the time that a step stands, and of the judge's. It stands for no check and no window: those say
/// something that a person who waits does not.
///
/// `seen` is the step and the weight that the person saw, as far as they say so: two who ask at once mean the same step.
pub(super) fn advance(
    draft: &mut Draft<'_>,
    id: &PromotionId,
    seen: (Option<u32>, Option<Weight>),
    why: &str,
) -> Result<(), Rejection> {
    let why = reason(why)?;
    let (promotion, under_way) = rollout::rolling(draft, id)?;
    let cannot = |code, says: String, hint: &str| Err(Rejection::conflict(code, says, hint));
    if under_way.rollback.is_some() {
        let says = format!("promotion `{id}` is being taken back");
        return cannot("promotion.taken_back", says, "wait for its end");
    }
    if under_way.verification.is_some() {
        let says = format!("all steps of promotion `{id}` are true, and its verification is under way");
        let hint = "wait for its checks, or roll it back with `gateline abort`";
        return cannot("promotion.verifying", says, hint);
    }
    if under_way.paused.is_some() {
        let says = format!("promotion `{id}` is paused");
        return cannot("promotion.paused", says, "let it go on with `gateline resume`");
    }
    let StepState::Applied { checks, .. } = &under_way.state else {
        let says = format!("step {} of promotion `{id}` is not true yet", under_way.step + 1);
        return cannot("promotion.step_under_way", says, "wait until it is");
    };
    let weight = under_way.weight();
    if seen.0.is_some_and(|step| step != under_way.step) || seen.1.is_some_and(|seen| seen != weight) {
        let says = format!(
            "what you saw is not what stands: promotion `{id}` is at step {} now, with {weight} of the traffic",
            under_way.step + 1
        );
        return cannot(
            "promotion.moved_on",
            says,
            "look again, and advance it if you still want to",
        );
    }
    if checks.is_some() && !standing::checks_are_satisfied(draft, &promotion)? {
        let says = format!("the checks of step {} are not satisfied", under_way.step + 1);
        let hint = "wait for them; a person's word stands for time and for the judge, not for a check";
        return cannot("promotion.step_checks", says, hint);
    }
    if let Some(opens) = standing::window_opens(draft, &promotion, &under_way)? {
        let says = format!(
            "the window of step {} is closed until {opens}",
            under_way.step + 1
        );
        let hint = "wait for it; a person's word stands for time and for the judge, not for a window";
        return cannot("promotion.step_window", says, hint);
    }
    let text = private(draft, Some(why));
    let advanced = Event::RolloutAdvanced { step: under_way.step };
    draft.emit_with(StreamId::Promotion(id.clone()), advanced, text);
    rollout::go_past_the_judge(draft, id, Served::default())
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
    go_on_from(draft, id, &under_way.clone())
}

/// A rollout that stood still goes on from where it stood.
pub(super) fn go_on_from(
    draft: &mut Draft<'_>,
    id: &PromotionId,
    under_way: &Rollout,
) -> Result<(), Rejection> {
    let past_the_judge = under_way.paused.is_some_and(|(why, _)| match why {
        PauseReason::Inconclusive
        | PauseReason::Irreversible
        | PauseReason::GoAhead
        | PauseReason::Failed => true,
        PauseReason::Asked | PauseReason::Parked | PauseReason::Incident => false,
    });
    match under_way.state {
        StepState::Parked { .. } | StepState::Failed { .. } => {
            rollout::intend(draft, id, under_way.step, under_way.attempt + 1)
        }
        StepState::Applied { .. } if past_the_judge => {
            rollout::go_past_the_judge(draft, id, Served::default())?;
        }
        StepState::Applied { .. } => {
            rollout::continue_after_pause(draft, id, under_way.step, Served::default())?;
        }
        StepState::Intended { .. } => {}
    }
    Ok(())
}
