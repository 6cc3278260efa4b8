//! Deciding how incidents end: a suspect is not to blame, it is over, and what had caused it.

use gateline_model::{Cause, Done, Event, PauseReason, ProjectName, PromotionId, StreamId, Suspect};

use super::{private, reason, steer};
use crate::command::Command;
use crate::draft::Draft;
use crate::rejection::Rejection;
use crate::state::Noted;

fn noted(draft: &Draft<'_>, project: &ProjectName, number: u64) -> Result<Noted, Rejection> {
    let state = draft.incidents(project);
    state.get(number).cloned().ok_or_else(|| {
        Rejection::unknown(
            "incident.unknown",
            format!("project `{project}` has no incident {number}, or closed it long ago"),
            &format!("list them with `gateline incident list --closed --project {project}`"),
        )
    })
}

/// The suspect of an incident that a person speaks of, or that it is none.
fn suspect<'a>(noted: &'a Noted, promotion: &PromotionId) -> Result<&'a Suspect, String> {
    let incident = &noted.incident;
    let is_none = || format!("`{promotion}` is no suspect of incident {}", incident.number);
    incident.suspect(promotion).ok_or_else(is_none)
}

/// Records what a person said of an incident, and why.
fn say(draft: &mut Draft<'_>, project: &ProjectName, said: Event, why: String) {
    let text = private(draft, Some(why));
    draft.emit_with(StreamId::Incidents(project.clone()), said, text);
}

/// An incident is over; or what had caused one is said afterwards.
pub(super) fn close(draft: &mut Draft<'_>, command: &Command) -> Result<(), Rejection> {
    let Command::CloseIncident {
        project,
        number,
        cause,
        reason: why,
    } = command
    else {
        return Ok(());
    };
    let (number, why) = (*number, reason(why)?);
    let noted = noted(draft, project, number)?;
    if let Cause::Change { promotion } = cause
        && let Err(says) = suspect(&noted, promotion)
    {
        let known: Vec<String> = noted
            .incident
            .suspects
            .iter()
            .map(|suspect| suspect.promotion.to_string())
            .collect();
        let hint = match known.is_empty() {
            true => "it has none: close it without a cause of ours".to_owned(),
            false => format!("its suspects are {}", known.join(", ")),
        };
        return Err(Rejection::invalid("incident.cause", says, &hint));
    }
    if noted.closed_at.is_some() && (*cause == Cause::NotTold || *cause == noted.cause) {
        return Err(Rejection::conflict(
            "incident.closed",
            format!("incident {number} is closed: {}", noted.cause),
            "say what caused it, or leave it",
        ));
    }
    let closed = Event::IncidentClosed {
        number,
        cause: cause.clone(),
    };
    say(draft, project, closed, why);
    Ok(())
}

/// A person says that a suspect did not cause an incident: what it was stopped for is lifted.
pub(super) fn lift(draft: &mut Draft<'_>, command: &Command) -> Result<(), Rejection> {
    let Command::LiftSuspect {
        project,
        number,
        promotion,
        reason: why,
    } = command
    else {
        return Ok(());
    };
    let (number, why) = (*number, reason(why)?);
    let noted = noted(draft, project, number)?;
    let suspect = suspect(&noted, promotion).map_err(|says| {
        let hint = format!("see them with `gateline incident show {number} --project {project}`");
        Rejection::unknown("incident.suspect", says, &hint)
    })?;
    if noted.closed_at.is_some() {
        return Err(Rejection::conflict(
            "incident.closed",
            format!("incident {number} is closed"),
            "resume what still stands with `gateline resume`, and lift a bar with `gateline release unbar`",
        ));
    }
    if noted.lifted.contains(promotion) {
        return Ok(());
    }
    let lifted = Event::SuspectLifted {
        number,
        promotion: promotion.clone(),
    };
    say(draft, project, lifted, why);
    let state = draft.incidents(project);
    match state.open.values().any(|other| other.suspects(promotion)) {
        // Another incident still holds it.
        true => Ok(()),
        false => let_go(draft, suspect),
    }
}

/// Undoes what was done about a suspect, as far as it still stands.
fn let_go(draft: &mut Draft<'_>, suspect: &Suspect) -> Result<(), Rejection> {
    let promotion = &suspect.promotion;
    let stage = &promotion.stage;
    let barred = draft.stage(stage).barred.get(&suspect.release) == Some(promotion);
    if suspect.done == Done::Barred && barred {
        let lifted = Event::BarLifted {
            release: suspect.release,
        };
        draft.emit(StreamId::Stage(stage.clone()), lifted);
    }
    let Some(rolling) = draft
        .promotion(promotion)
        .and_then(|state| state.rollout().cloned())
    else {
        return Ok(());
    };
    let stands = rolling
        .paused
        .is_some_and(|(why, _)| why == PauseReason::Incident);
    if stands && rolling.rollback.is_none() {
        let stream = StreamId::Promotion(promotion.clone());
        draft.emit(stream, Event::RolloutResumed {});
        steer::go_on_from(draft, promotion, &rolling)?;
    }
    Ok(())
}
