//! Deciding about a rollout: which step is next, what a ruling means, and how it is taken back.

use gateline_model::{
    Digest, Event, OnFailure, Pace, PauseReason, Private, PromotionId, PromotionOutcome, RollbackReason,
    Ruling, RulingKind, Served, Span, StepAction, StreamId, WhenInconclusive,
};
use jiff::Timestamp;

use super::{live, standing, verify};
use crate::command::StepOutcome;
use crate::decision::{Pinned, pinned};
use crate::draft::Draft;
use crate::rejection::Rejection;
use crate::state::{Promotion, Rollout, StepState};

/// How often the last step of a rollout, which stops the old release, is tried.
const FINISH_ATTEMPTS_MAX: u32 = 5;
/// The time before the second attempt at a step that must not be left half-done; before each further one it is twice the
/// time before.
const AGAIN_AFTER: Span = Span::from_secs(1);
/// What a person is told of a rollback that failed: where the traffic is, nobody knows.
const CALLS: &str = "a person must look, then go back again with `gateline rollback`";
/// The longest time between two such attempts.
const AGAIN_AFTER_MAX: Span = Span::from_secs(60);
/// Most steps of one rollout that were not planned: evidence that goes up and down for ever ends in a question.
pub const ADDED_STEPS_MAX: usize = 100;

/// How long an attempt at a step waits after its intention. What must not be left half-done is tried again and again, and
/// whoever restarts a proxy needs more than a moment; every other step waits for nothing.
pub(crate) fn again_after(action: Option<StepAction>, attempt: u32) -> Span {
    match action {
        Some(StepAction::Withdraw | StepAction::Discard | StepAction::Finish) if attempt > 1 => {
            let times = 1_i64 << (attempt - 2).min(16);
            Span::from_millis(AGAIN_AFTER.as_millis() * times).min(AGAIN_AFTER_MAX)
        }
        Some(
            StepAction::Withdraw
            | StepAction::Discard
            | StepAction::Finish
            | StepAction::Stop
            | StepAction::Start
            | StepAction::Mirror { .. }
            | StepAction::Replace { .. }
            | StepAction::Expose { .. }
            | StepAction::Degrade,
        )
        | None => Span::ZERO,
    }
}

/// Commits the intention of a step, before its effect.
pub(super) fn intend(draft: &mut Draft<'_>, id: &PromotionId, step: u32, attempt: u32) {
    let action = draft.promotion(id).and_then(|promotion| {
        promotion
            .rollout()
            .and_then(|rollout| rollout.steps.get(step as usize).copied())
    });
    if let Some(action) = action {
        draft.emit(
            StreamId::Promotion(id.clone()),
            Event::StepIntended {
                step,
                attempt,
                action,
            },
        );
    }
}

pub(super) fn rolling(
    draft: &Draft<'_>,
    id: &PromotionId,
) -> Result<(std::sync::Arc<Promotion>, Rollout), Rejection> {
    let promotion = draft.open_promotion(id)?;
    match promotion.rollout().cloned() {
        Some(rollout) => Ok((promotion, rollout)),
        None => Err(Rejection::conflict(
            "promotion.not_rolling",
            format!("promotion `{id}` is not rolling out"),
            &format!("see why with `gateline explain {id}`"),
        )),
    }
}

/// A step came back. A report about another step or attempt is late and changes nothing.
pub(super) fn report(
    draft: &mut Draft<'_>,
    id: &PromotionId,
    step: u32,
    attempt: u32,
    outcome: &StepOutcome,
    served: Served,
) -> Result<(), Rejection> {
    let (promotion, rollout) = rolling(draft, id)?;
    let current = (rollout.step, rollout.attempt) == (step, attempt);
    if !current || !matches!(rollout.state, StepState::Intended { .. }) {
        return Ok(());
    }
    let stream = StreamId::Promotion(id.clone());
    let Some(action) = rollout.action() else {
        return Ok(());
    };
    let taking_back = matches!(action, StepAction::Withdraw | StepAction::Discard);
    // Nobody waits for a step of taking back whose fate is not known: it is tried again.
    let failed = match outcome {
        StepOutcome::Failed(why) => Some(why),
        StepOutcome::Unknown(why) if taking_back => Some(why),
        StepOutcome::Applied | StepOutcome::Unknown(_) => None,
    };
    if let Some(why) = failed.cloned() {
        draft.emit(stream.clone(), Event::StepFailed { step, attempt, why });
    }
    match outcome {
        StepOutcome::Applied => {
            let stands = standing::begin(draft, &promotion, &rollout, (step, attempt))?;
            if rollout.rollback.is_none() && action == StepAction::Degrade {
                pause(draft, id, PauseReason::Failed, rollout.failed.clone());
            } else if !stands {
                go_on(draft, id, served)?;
            }
        }
        StepOutcome::Failed(why) | StepOutcome::Unknown(why) if taking_back => {
            // Taking back ends with its time, not with a number of attempts.
            let until = rollout.rollback.as_ref().map(|rollback| rollback.until);
            if until.is_some_and(|until| draft.facts.now < until) {
                intend(draft, id, step, attempt + 1);
            } else {
                let says = format!("could not {action} after {attempt} attempts: {why}; {CALLS}");
                rollback_failed(draft, id, &promotion, says, served);
            }
        }
        StepOutcome::Failed(_) if action == StepAction::Finish && attempt < FINISH_ATTEMPTS_MAX => {
            intend(draft, id, step, attempt + 1);
        }
        StepOutcome::Failed(why) => {
            if rollout.rollback.is_some() {
                go_on(draft, id, served)?;
            } else if action == StepAction::Degrade {
                let says = format!("the command for a failed rollout failed itself: {why}");
                begin_rollback(
                    draft,
                    &promotion,
                    RollbackReason::StepFailed,
                    says,
                    Private::default(),
                )?;
            } else {
                take_back(
                    draft,
                    id,
                    RollbackReason::StepFailed,
                    format!("step `{action}` failed: {why}"),
                )?;
            }
        }
        StepOutcome::Unknown(why) => {
            draft.emit(
                stream.clone(),
                Event::StepParked {
                    step,
                    attempt,
                    why: why.clone(),
                },
            );
            if rollout.rollback.is_some() {
                // Taking the traffic back is safe whatever became of the step.
                go_on(draft, id, served)?;
            } else {
                pause(draft, id, PauseReason::Parked, None);
            }
        }
    }
    Ok(())
}

/// Takes the next step, or ends the promotion after the last one.
pub(super) fn go_on(draft: &mut Draft<'_>, id: &PromotionId, served: Served) -> Result<(), Rejection> {
    let (promotion, rollout) = rolling(draft, id)?;
    if rollout.paused.is_some() && rollout.rollback.is_none() {
        return Ok(());
    }
    let next = rollout.step + 1;
    match rollout.steps.get(next as usize) {
        Some(StepAction::Finish) if rollout.verification.is_none() => {
            verify::begin(draft, &promotion, served)
        }
        Some(_) => {
            intend(draft, id, next, 1);
            Ok(())
        }
        None => match &rollout.rollback {
            None => live::went_live(draft, id, served),
            Some(rollback) => {
                taken_back(draft, id, &promotion, rollback.why, rollback.says.clone(), served);
                Ok(())
            }
        },
    }
}

/// Begins to take a rollout back. A release that is irreversible is paused instead, unless an actor asked.
pub(super) fn take_back(
    draft: &mut Draft<'_>,
    id: &PromotionId,
    why: RollbackReason,
    says: String,
) -> Result<(), Rejection> {
    let (promotion, rollout) = rolling(draft, id)?;
    if rollout.rollback.is_some() {
        return Ok(());
    }
    let by_itself = match why {
        RollbackReason::Judged
        | RollbackReason::StepFailed
        | RollbackReason::VerificationFailed
        | RollbackReason::TimedOut
        | RollbackReason::Incident
        | RollbackReason::Superseded => true,
        RollbackReason::Aborted => false,
    };
    let irreversible = draft
        .release(&promotion.release)
        .is_some_and(|state| state.release.change.irreversible);
    if by_itself && irreversible {
        if rollout
            .paused
            .is_none_or(|(reason, _)| reason != PauseReason::Irreversible)
        {
            pause(draft, id, PauseReason::Irreversible, Some(says));
        }
        return Ok(());
    }
    if by_itself && why != RollbackReason::Superseded && stands_instead(draft, &promotion, &rollout, &says)? {
        return Ok(());
    }
    begin_rollback(draft, &promotion, why, says, Private::default())
}

/// Where the stage asks for something else than taking back a rollout that failed: does that, and says that it did.
fn stands_instead(
    draft: &mut Draft<'_>,
    promotion: &Promotion,
    rollout: &Rollout,
    says: &str,
) -> Result<bool, Rejection> {
    let Pinned { stage, .. } = pinned(draft, promotion)?;
    match stage.on_failure {
        OnFailure::RollBack => Ok(false),
        OnFailure::Command(_) if !rollout.is_degraded() => {
            add_step(draft, promotion, rollout, StepAction::Degrade, says.to_owned());
            Ok(true)
        }
        OnFailure::Pause | OnFailure::Command(_) => {
            if rollout.paused.is_none() {
                pause(draft, &promotion.id, PauseReason::Failed, Some(says.to_owned()));
            }
            Ok(true)
        }
    }
}

/// The rollout stands still by itself, with what happened.
pub(super) fn pause(draft: &mut Draft<'_>, id: &PromotionId, why: PauseReason, says: Option<String>) {
    let paused = Event::RolloutPaused { why, says };
    draft.emit(StreamId::Promotion(id.clone()), paused);
}

/// Takes a step next that was not planned.
fn add_step(
    draft: &mut Draft<'_>,
    promotion: &Promotion,
    rollout: &Rollout,
    action: StepAction,
    says: String,
) {
    let step = rollout.step + 1;
    draft.emit(
        StreamId::Promotion(promotion.id.clone()),
        Event::StepAdded { step, action, says },
    );
    intend(draft, &promotion.id, step, 1);
}

/// The same with the reason of whoever asked, whatever the release and its stage say.
pub(super) fn begin_rollback(
    draft: &mut Draft<'_>,
    promotion: &Promotion,
    why: RollbackReason,
    says: String,
    text: Private,
) -> Result<(), Rejection> {
    let Pinned { stage, .. } = pinned(draft, promotion)?;
    let until = stage.rollback_within.after(draft.facts.now);
    draft.emit_with(
        StreamId::Promotion(promotion.id.clone()),
        Event::RollbackBegan { why, says, until },
        text,
    );
    // A step that is being made true right now is waited for: two effects on one target never overlap.
    let (_, rollout) = rolling(draft, &promotion.id)?;
    if !matches!(rollout.state, StepState::Intended { .. }) {
        intend(draft, &promotion.id, rollout.step + 1, 1);
    }
    Ok(())
}

fn taken_back(
    draft: &mut Draft<'_>,
    id: &PromotionId,
    promotion: &Promotion,
    why: RollbackReason,
    says: String,
    served: Served,
) {
    let (outcome, bad) = match why {
        RollbackReason::Judged
        | RollbackReason::StepFailed
        | RollbackReason::VerificationFailed
        | RollbackReason::TimedOut
        | RollbackReason::Incident => (PromotionOutcome::RolledBack, true),
        RollbackReason::Aborted => (PromotionOutcome::Aborted, false),
        RollbackReason::Superseded => (PromotionOutcome::Superseded, false),
    };
    live::end(draft, id, outcome, says, None, served);
    if bad {
        bar(draft, id, promotion);
    }
}

fn bar(draft: &mut Draft<'_>, id: &PromotionId, promotion: &Promotion) {
    let live = draft.stage(&id.stage).live.as_ref().map(|live| live.release);
    if live == Some(promotion.release) {
        // It was gone back to, and not the release that shows whether it is any good.
        return;
    }
    let event = Event::ReleaseBarred {
        release: promotion.release,
        promotion: id.clone(),
    };
    draft.emit(StreamId::Stage(id.stage.clone()), event);
}

/// Nobody could take it back: a person is called, and the release is barred.
fn rollback_failed(
    draft: &mut Draft<'_>,
    id: &PromotionId,
    promotion: &Promotion,
    says: String,
    served: Served,
) {
    live::end(draft, id, PromotionOutcome::RollbackFailed, says, None, served);
    bar(draft, id, promotion);
}

/// The judge's ruling changed. One about an earlier step is late and changes nothing.
pub(super) fn rule(
    draft: &mut Draft<'_>,
    id: &PromotionId,
    step: u32,
    ruling: &Ruling,
    (chunks, settings): (Digest, Digest),
    served: Served,
) -> Result<(), Rejection> {
    let (promotion, rollout) = rolling(draft, id)?;
    if !matches!(rollout.state, StepState::Applied { .. }) {
        return Ok(());
    }
    if rollout.step != step || rollout.rollback.is_some() {
        return Ok(());
    }
    let old = rollout.ruling.as_ref();
    let known = old.is_some_and(|(of, old)| *of == step && !ruling.is_news_after(old));
    if known {
        return Ok(());
    }
    let stream = StreamId::Promotion(id.clone());
    draft.emit(
        stream.clone(),
        Event::RulingChanged {
            step,
            ruling: ruling.clone(),
            chunks,
            settings,
        },
    );
    match ruling.says {
        RulingKind::RollBack => take_back(draft, id, RollbackReason::Judged, ruling.headline.clone()),
        RulingKind::Inconclusive if rollout.paused.is_none() => {
            inconclusive(draft, &promotion, &rollout, ruling, served)
        }
        RulingKind::Wait if rollout.paused.is_none() => {
            pace(draft, &promotion, &rollout, ruling);
            Ok(())
        }
        RulingKind::Advance => standing::go_on_if_ready(draft, id, served).map(|_| ()),
        RulingKind::Wait | RulingKind::Inconclusive => Ok(()),
    }
}

/// The judge could not tell in time: what the settings say.
fn inconclusive(
    draft: &mut Draft<'_>,
    promotion: &Promotion,
    rollout: &Rollout,
    ruling: &Ruling,
    served: Served,
) -> Result<(), Rejection> {
    let id = &promotion.id;
    match standing::when_inconclusive(draft, promotion, rollout)? {
        // That too little was seen may be good enough; that nothing was seen is nobody's good.
        WhenInconclusive::Advance if ruling.requests > 0 => {
            standing::go_on_if_ready(draft, id, served).map(|_| ())
        }
        WhenInconclusive::Ask | WhenInconclusive::Advance => {
            pause(draft, id, PauseReason::Inconclusive, None);
            Ok(())
        }
        WhenInconclusive::RollBack => take_back(draft, id, RollbackReason::Judged, ruling.headline.clone()),
    }
}

/// Somebody's word, or the pipeline's, in place of the judge's: where the judge sets the weights its next one comes, else
/// the next step.
pub(super) fn go_past_the_judge(
    draft: &mut Draft<'_>,
    id: &PromotionId,
    served: Served,
) -> Result<(), Rejection> {
    let (promotion, rollout) = rolling(draft, id)?;
    let Pinned { stage, .. } = pinned(draft, &promotion)?;
    let plan = promotion.plan_in(&stage, rollout.live.is_some());
    let paced = plan.get(rollout.planned()).is_some_and(|planned| planned.paced);
    let stands = rollout.action().and_then(StepAction::weight);
    match stands.filter(|_| paced).and_then(Pace::after) {
        Some(weight) if rollout.added.len() < ADDED_STEPS_MAX => {
            let says = format!("{weight} although the evidence does not allow it");
            add_step(draft, &promotion, &rollout, StepAction::expose(weight), says);
            Ok(())
        }
        Some(_) | None => go_on(draft, id, served),
    }
}

/// The evidence allows another weight than the one that stands: that one is next.
fn pace(draft: &mut Draft<'_>, promotion: &Promotion, rollout: &Rollout, ruling: &Ruling) {
    let stands = rollout.action().and_then(StepAction::weight);
    let Some(weight) = ruling.weight.filter(|weight| Some(*weight) != stands) else {
        return;
    };
    if rollout.added.len() < ADDED_STEPS_MAX {
        let action = StepAction::expose(weight);
        add_step(
            draft,
            promotion,
            rollout,
            action,
            format!("the evidence allows {weight}"),
        );
    }
}

/// A pause is over, or a time limit.
pub(super) fn continue_after_pause(
    draft: &mut Draft<'_>,
    id: &PromotionId,
    step: u32,
    served: Served,
) -> Result<Option<Timestamp>, Rejection> {
    let (promotion, rollout) = rolling(draft, id)?;
    let now = draft.facts.now;
    if let Some(rollback) = &rollout.rollback {
        if rollback.until > now {
            return Ok(Some(rollback.until));
        }
        let within = Span::between(rollback.since, rollback.until);
        let last = match &rollback.failed {
            Some(why) => format!("; the last attempt failed: {why}"),
            None => String::new(),
        };
        let says = format!(
            "could not be taken back within {within}: {}{last}; {CALLS}",
            rollback.says
        );
        rollback_failed(draft, id, &promotion, says, served);
        return Ok(None);
    }
    if rollout.until.is_some_and(|until| until <= now) {
        let within = Span::between(rollout.admitted_at, now);
        let says = format!("the rollout was not over after {within}");
        take_back(draft, id, RollbackReason::TimedOut, says)?;
        return Ok(None);
    }
    let StepState::Applied { go_on_at, checks, .. } = &rollout.state else {
        return Ok(rollout.until);
    };
    if rollout.step != step || rollout.paused.is_some() {
        return Ok(rollout.until);
    }
    if let Some((_, until)) = rollout.verification {
        if until <= now {
            let says = "verification found nothing out in its time".to_owned();
            take_back(draft, id, RollbackReason::VerificationFailed, says)?;
        }
        return Ok(Some(until));
    }
    let again = match checks {
        Some(checks) if checks.until <= now && !standing::checks_are_satisfied(draft, &promotion)? => {
            let says = format!("the checks of step {} found nothing out in their time", step + 1);
            take_back(draft, id, RollbackReason::VerificationFailed, says)?;
            return Ok(None);
        }
        Some(checks) => Some(checks.until),
        None => None,
    };
    let opens = standing::go_on_if_ready(draft, id, served)?;
    Ok(opens.or(again).or(go_on_at.filter(|at| *at > now)))
}
