//! Deciding how incidents end: a suspect is not to blame, it is over, and what had caused it.

use gateline_model::{Cause, Done, Event, PauseReason, ProjectName, StreamId};

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
        && noted.incident.suspect(promotion).is_none()
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
        return Err(Rejection::invalid(
            "incident.cause",
            format!("`{promotion}` is no suspect of incident {number}"),
            &hint,
        ));
    }
    if noted.closed_at.is_some() && (*cause == Cause::NotTold || *cause == noted.cause) {
        return Err(Rejection::conflict(
            "incident.closed",
            format!("incident {number} is closed: {}", noted.cause),
            "say what caused it, or leave it",
        ));
    }
    let text = private(draft, Some(why));
    let closed = Event::IncidentClosed {
        number,
        cause: cause.clone(),
    };
    draft.emit_with(StreamId::Incidents(project.clone()), closed, text);
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
    let Some(suspect) = noted.incident.suspect(promotion).cloned() else {
        return Err(Rejection::unknown(
            "incident.suspect",
            format!("`{promotion}` is no suspect of incident {number}"),
            &format!("see them with `gateline incident show {number} --project {project}`"),
        ));
    };
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
    let text = private(draft, Some(why));
    let lifted = Event::SuspectLifted {
        number,
        promotion: promotion.clone(),
    };
    draft.emit_with(StreamId::Incidents(project.clone()), lifted, text);
    let state = draft.incidents(project);
    if state.open.values().any(|other| other.suspects(promotion)) {
        // Another incident still holds it.
        return Ok(());
    }
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
