//! Deciding about a rollout: which step is next, what a ruling means, and how it is taken back.

use gateline_model::{
    Digest, Event, PauseReason, PromotionId, PromotionOutcome, RollbackReason, Ruling, RulingKind, Served,
    Span, StepAction, Strategy, StreamId,
};
use jiff::Timestamp;

use super::{live, verify};
use crate::command::StepOutcome;
use crate::decision::{Pinned, pinned};
use crate::draft::Draft;
use crate::rejection::Rejection;
use crate::state::{Promotion, Rollout, StepState};

/// How often a step that must not be left half-done is tried: taking back, and stopping the old release.
const ATTEMPTS_MAX: u32 = 5;

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

fn rolling(draft: &Draft<'_>, id: &PromotionId) -> Result<(std::sync::Arc<Promotion>, Rollout), Rejection> {
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
            let Pinned { stage, .. } = pinned(draft, &promotion)?;
            let strategy = promotion.strategy_in(&stage);
            let (go_on_at, measure_every) = standing(strategy, &rollout, action, draft.facts.now);
            draft.emit(
                stream,
                Event::StepApplied {
                    step,
                    attempt,
                    go_on_at,
                    measure_every,
                },
            );
            if go_on_at.is_none() || rollout.rollback.is_some() {
                go_on(draft, id, served)?;
            }
        }
        StepOutcome::Failed(why) | StepOutcome::Unknown(why) if taking_back => {
            if attempt < ATTEMPTS_MAX {
                intend(draft, id, step, attempt + 1);
            } else {
                let says = format!("could not {action} after {attempt} attempts: {why}; a person must look");
                live::end(draft, id, PromotionOutcome::RollbackFailed, says, None, served);
                bar(draft, id, &promotion);
            }
        }
        StepOutcome::Failed(_) if action == StepAction::Finish && attempt < ATTEMPTS_MAX => {
            intend(draft, id, step, attempt + 1);
        }
        StepOutcome::Failed(why) => {
            if rollout.rollback.is_some() {
                go_on(draft, id, served)?;
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
                draft.emit(
                    stream,
                    Event::RolloutPaused {
                        why: PauseReason::Parked,
                    },
                );
            }
        }
    }
    Ok(())
}

/// How long a step stands, and how often the judge looks meanwhile.
fn standing(
    strategy: &Strategy,
    rollout: &Rollout,
    action: StepAction,
    now: Timestamp,
) -> (Option<Timestamp>, Option<Span>) {
    let (StepAction::Expose { .. }, Strategy::Canary(canary)) = (action, strategy) else {
        return (None, None);
    };
    // Without a release to compare with there is one step and nothing to judge.
    if rollout.live.is_none() || rollout.steps.len() != canary.steps.len() + 2 {
        return (None, None);
    }
    let Some(step) = canary.steps.get((rollout.step as usize).wrapping_sub(1)) else {
        return (None, None);
    };
    let judge = step.judge.as_ref().or(canary.judge.as_ref());
    let pause = step.pause.unwrap_or(canary.pause);
    let stands = pause > Span::ZERO || judge.is_some();
    (stands.then(|| pause.after(now)), judge.map(|judge| judge.every))
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
    let stream = StreamId::Promotion(id.clone());
    let by_itself = match why {
        RollbackReason::Judged
        | RollbackReason::StepFailed
        | RollbackReason::VerificationFailed
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
            draft.emit(
                stream,
                Event::RolloutPaused {
                    why: PauseReason::Irreversible,
                },
            );
        }
        return Ok(());
    }
    draft.emit(stream, Event::RollbackBegan { why, says });
    // A step that is being made true right now is waited for: two effects on one target never overlap.
    if !matches!(rollout.state, StepState::Intended { .. }) {
        intend(draft, id, rollout.step + 1, 1);
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
        RollbackReason::Judged | RollbackReason::StepFailed | RollbackReason::VerificationFailed => {
            (PromotionOutcome::RolledBack, true)
        }
        RollbackReason::Aborted => (PromotionOutcome::Aborted, false),
        RollbackReason::Superseded => (PromotionOutcome::Superseded, false),
    };
    live::end(draft, id, outcome, says, None, served);
    if bad {
        bar(draft, id, promotion);
    }
}

fn bar(draft: &mut Draft<'_>, id: &PromotionId, promotion: &Promotion) {
    let event = Event::ReleaseBarred {
        release: promotion.release,
        promotion: id.clone(),
    };
    draft.emit(StreamId::Stage(id.stage.clone()), event);
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
    let (_, rollout) = rolling(draft, id)?;
    let StepState::Applied { go_on_at, .. } = rollout.state else {
        return Ok(());
    };
    if rollout.step != step || rollout.rollback.is_some() {
        return Ok(());
    }
    let known = rollout
        .ruling
        .as_ref()
        .is_some_and(|(of, old)| *of == step && old.says == ruling.says);
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
            draft.emit(
                stream,
                Event::RolloutPaused {
                    why: PauseReason::Inconclusive,
                },
            );
            Ok(())
        }
        RulingKind::Advance if may_go_on(&rollout, go_on_at, draft.facts.now) => go_on(draft, id, served),
        RulingKind::Advance | RulingKind::Wait | RulingKind::Inconclusive => Ok(()),
    }
}

fn may_go_on(rollout: &Rollout, go_on_at: Option<Timestamp>, now: Timestamp) -> bool {
    rollout.verification.is_none() && rollout.paused.is_none() && go_on_at.is_none_or(|at| at <= now)
}

/// A pause, or the time for verification, is over.
pub(super) fn continue_after_pause(
    draft: &mut Draft<'_>,
    id: &PromotionId,
    step: u32,
    served: Served,
) -> Result<Option<Timestamp>, Rejection> {
    let (_, rollout) = rolling(draft, id)?;
    let StepState::Applied {
        go_on_at,
        measure_every,
        ..
    } = rollout.state
    else {
        return Ok(None);
    };
    if rollout.step != step || rollout.rollback.is_some() || rollout.paused.is_some() {
        return Ok(None);
    }
    if let Some((_, until)) = rollout.verification {
        if until <= draft.facts.now {
            let says = "verification found nothing out in its time".to_owned();
            take_back(draft, id, RollbackReason::VerificationFailed, says)?;
        }
        return Ok(Some(until));
    }
    let ruled = rollout
        .ruling
        .as_ref()
        .is_some_and(|(of, ruling)| *of == step && ruling.says == RulingKind::Advance);
    if (measure_every.is_none() || ruled) && may_go_on(&rollout, go_on_at, draft.facts.now) {
        go_on(draft, id, served)?;
        return Ok(None);
    }
    Ok(go_on_at)
}
