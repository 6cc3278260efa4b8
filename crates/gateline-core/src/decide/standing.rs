//! Deciding whether a step that is true may be followed by the next: its pause, the judge, its checks, its window, and a
//! person's word, in this order.

use gateline_model::{
    CheckOf, Event, PauseReason, Pipeline, PromotionId, RollbackReason, RulingKind, Served, Span, Stage,
    StepAction, StepChecks, StreamId, Verdict, WhenInconclusive, WindowName,
};
use jiff::Timestamp;

use super::rollout::{go_on, go_past_the_judge, pause, rolling, take_back};
use crate::decision::{Pinned, judge_checks, pinned};
use crate::draft::Draft;
use crate::rejection::Rejection;
use crate::state::{Promotion, Rollout, StepState};
use crate::timetable::{Timetable, WindowsNow};

/// When a window whose calendar cannot be read is looked at again.
const WINDOW_AGAIN: Span = Span::from_secs(300);
/// Most openings of a window that one pause is spread over.
const OPENINGS_MAX: usize = 400;

/// A step is true: how long it stands, and what is looked at meanwhile. Answers whether anything is waited for at all.
pub(super) fn begin(
    draft: &mut Draft<'_>,
    promotion: &Promotion,
    rollout: &Rollout,
    (step, attempt): (u32, u32),
) -> Result<bool, Rejection> {
    let Pinned { pipeline, stage, .. } = pinned(draft, promotion)?;
    let now = draft.facts.now;
    let index = rollout.planned();
    let plan = promotion.plan_in(&stage, rollout.live.is_some());
    let action = rollout.action();
    // What was not planned is either a weight of the judge's, which stands as the planned one does, or the command for a
    // failed rollout, which waits for nothing.
    let planned = plan.get(index).filter(|planned| {
        let exposes = |action: StepAction| action.weight().is_some();
        rollout.rollback.is_none() && (Some(planned.action) == action || action.is_some_and(exposes))
    });
    let (mut go_on_at, mut measure_every, mut checks) = (None, None, None);
    if let Some(planned) = planned {
        let gates = stage.checks_at(&plan, index);
        measure_every = planned.judge.map(|judge| judge.every);
        checks = (!gates.is_empty()).then(|| StepChecks {
            gates,
            until: stage.verify_within.after(now),
        });
        let stands = planned.pause > Span::ZERO
            || measure_every.is_some()
            || checks.is_some()
            || planned.go_ahead
            || planned.window.is_some();
        go_on_at = stands.then(|| match planned.window {
            Some(window) => pause_within(draft, promotion, (&pipeline, &stage), window, planned.pause),
            None => planned.pause.after(now),
        });
    }
    draft.emit(
        StreamId::Promotion(promotion.id.clone()),
        Event::StepApplied {
            step,
            attempt,
            go_on_at,
            measure_every,
            checks,
        },
    );
    Ok(go_on_at.is_some())
}

/// Takes the next step if nothing is waited for any more. Answers when to look again, where a window is waited for.
pub(super) fn go_on_if_ready(
    draft: &mut Draft<'_>,
    id: &PromotionId,
    served: Served,
) -> Result<Option<Timestamp>, Rejection> {
    let (promotion, rollout) = rolling(draft, id)?;
    let StepState::Applied {
        go_on_at,
        measure_every,
        checks,
        ..
    } = &rollout.state
    else {
        return Ok(None);
    };
    if rollout.rollback.is_some() || rollout.paused.is_some() || rollout.verification.is_some() {
        return Ok(None);
    }
    if go_on_at.is_some_and(|at| at > draft.facts.now) {
        return Ok(*go_on_at);
    }
    if measure_every.is_some() && !is_ruled(draft, &promotion, &rollout)? {
        return Ok(None);
    }
    if checks.is_some() && !checks_are_satisfied(draft, &promotion)? {
        return Ok(None);
    }
    if let Some(again) = window_opens(draft, &promotion, &rollout)? {
        return Ok(Some(again));
    }
    let Pinned { stage, .. } = pinned(draft, &promotion)?;
    let plan = promotion.plan_in(&stage, rollout.live.is_some());
    let planned = plan.get(rollout.planned());
    if planned.is_some_and(|planned| planned.go_ahead) {
        pause(draft, id, PauseReason::GoAhead, None);
        return Ok(None);
    }
    let ruled = rollout.ruling.as_ref().filter(|(of, _)| *of == rollout.step);
    match ruled.map(|(_, ruling)| ruling.says) {
        Some(RulingKind::Inconclusive) => go_past_the_judge(draft, id, served)?,
        Some(RulingKind::Advance | RulingKind::Wait | RulingKind::RollBack) | None => {
            go_on(draft, id, served)?;
        }
    }
    Ok(None)
}

/// When the window of the step that stands opens, where it has one that is closed now.
pub(super) fn window_opens(
    draft: &Draft<'_>,
    promotion: &Promotion,
    rollout: &Rollout,
) -> Result<Option<Timestamp>, Rejection> {
    let Pinned { pipeline, stage, .. } = pinned(draft, promotion)?;
    let plan = promotion.plan_in(&stage, rollout.live.is_some());
    let window = plan.get(rollout.planned()).and_then(|planned| planned.window);
    Ok(window.and_then(|window| opens_later(draft, promotion, (&pipeline, &stage), window)))
}

/// Whether the judge lets the step that stands be followed by the next.
fn is_ruled(draft: &Draft<'_>, promotion: &Promotion, rollout: &Rollout) -> Result<bool, Rejection> {
    let ruling = rollout.ruling.as_ref().filter(|(of, _)| *of == rollout.step);
    Ok(match ruling.map(|(_, ruling)| ruling.says) {
        Some(RulingKind::Advance) => true,
        Some(RulingKind::Inconclusive) => {
            when_inconclusive(draft, promotion, rollout)? == WhenInconclusive::Advance
        }
        Some(RulingKind::Wait | RulingKind::RollBack) | None => false,
    })
}

/// What the settings of the step that stands say of a judge that could not tell.
pub(super) fn when_inconclusive(
    draft: &Draft<'_>,
    promotion: &Promotion,
    rollout: &Rollout,
) -> Result<WhenInconclusive, Rejection> {
    let Pinned { stage, .. } = pinned(draft, promotion)?;
    let plan = promotion.plan_in(&stage, rollout.live.is_some());
    let judge = plan.get(rollout.planned()).and_then(|planned| planned.judge);
    Ok(judge.map(|judge| judge.inconclusive).unwrap_or_default())
}

/// Whether every check of the step that stands is satisfied.
pub(super) fn checks_are_satisfied(draft: &Draft<'_>, promotion: &Promotion) -> Result<bool, Rejection> {
    let promotion = draft.open_promotion(&promotion.id)?;
    let verdicts = judge_checks(draft, &promotion, CheckOf::Step)?;
    Ok(verdicts.iter().all(|gate| gate.verdict == Verdict::Satisfied))
}

/// A check of the step that stands came back: one refusal takes the rollout back.
pub(super) fn settle(draft: &mut Draft<'_>, id: &PromotionId, served: Served) -> Result<(), Rejection> {
    let promotion = draft.open_promotion(id)?;
    let verdicts = judge_checks(draft, &promotion, CheckOf::Step)?;
    let refused = verdicts.iter().find(|gate| gate.verdict == Verdict::Refused);
    match refused {
        Some(refused) => {
            let says = format!(
                "a check during the rollout failed: {}: {}",
                refused.gate, refused.says
            );
            take_back(draft, id, RollbackReason::VerificationFailed, says)
        }
        None => go_on_if_ready(draft, id, served).map(|_| ()),
    }
}

/// When a pause is over of which only time within a window counts.
fn pause_within(
    draft: &Draft<'_>,
    promotion: &Promotion,
    (pipeline, stage): (&Pipeline, &Stage),
    window: &WindowName,
    pause: Span,
) -> Timestamp {
    let project = draft.project(&promotion.id.stage.project);
    let timetable = Timetable::new(
        pipeline,
        stage,
        project.as_deref(),
        promotion.kind,
        Default::default(),
    );
    let (mut at, mut left) = (draft.facts.now, pause);
    for _ in 0..OPENINGS_MAX {
        match timetable.window_at(window, at) {
            WindowsNow::None => break,
            WindowsNow::Open { until, .. } => {
                let open = Span::between(at, until);
                if open >= left {
                    break;
                }
                left = Span::from_millis(left.as_millis() - open.as_millis());
                at = until;
            }
            WindowsNow::Closed { opening, .. } => at = opening.at,
            // Nobody knows: it is asked again when the pause would be over, and before anything goes on.
            WindowsNow::Never | WindowsNow::Unknown(_) => break,
        }
    }
    left.after(at)
}

/// When a window that is closed now opens; when to look again where nobody knows.
fn opens_later(
    draft: &Draft<'_>,
    promotion: &Promotion,
    (pipeline, stage): (&Pipeline, &Stage),
    window: &WindowName,
) -> Option<Timestamp> {
    let project = draft.project(&promotion.id.stage.project);
    let timetable = Timetable::new(
        pipeline,
        stage,
        project.as_deref(),
        promotion.kind,
        Default::default(),
    );
    match timetable.window_at(window, draft.facts.now) {
        WindowsNow::None | WindowsNow::Open { .. } => None,
        WindowsNow::Closed { opening, .. } => Some(opening.at),
        WindowsNow::Never | WindowsNow::Unknown(_) => Some(WINDOW_AGAIN.after(draft.facts.now)),
    }
}
