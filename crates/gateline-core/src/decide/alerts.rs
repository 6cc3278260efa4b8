//! Deciding about alerts that come in: which open an incident, which end one, and which change nothing.

use std::collections::BTreeMap;

use gateline_model::{
    ALERTS_MAX, Alert, Cause, Event, INCIDENT_LABEL_BYTES_MAX, INCIDENT_LABELS_MAX, INCIDENT_NAME_BYTES_MAX,
    INCIDENT_STAGES_MAX, IncidentSource, ProjectName, StageRef, StreamId, limits::TEXT_BYTES_MAX,
};

use super::incidents::{New, has_room_or_stops, matching, record, suspects, touched};
use super::private;
use crate::draft::Draft;
use crate::rejection::Rejection;
use crate::state::Incidents;
use crate::world::World;

/// How many alerts of a delivery fire, touch a stage and are no incident: there was no room for them.
pub fn unheard(world: &World, project: &ProjectName, alerts: &[Alert]) -> usize {
    let (Some(state), nothing) = (world.project(project), Incidents::default()) else {
        return 0;
    };
    let incidents = world.incidents(project).map_or(&nothing, |incidents| incidents);
    let is_unheard = |alert: &&Alert| {
        let heard = incidents.of_alert(&alert.fingerprint).is_some()
            || incidents.was_closed(&alert.fingerprint, alert.since);
        alert.firing && !heard && !matching(state, &alert.labels).is_empty()
    };
    alerts.iter().filter(is_unheard).count()
}

/// Alerts came in: one that fires opens an incident where a stage matches it, one that is resolved closes its own. What came
/// before, and what matches nothing, changes nothing.
pub(super) fn hear(draft: &mut Draft<'_>, project: &ProjectName, alerts: &[Alert]) -> Result<(), Rejection> {
    if alerts.len() > ALERTS_MAX {
        return Err(Rejection::invalid(
            "alerts.too_many",
            format!(
                "the delivery has {} alerts; the limit is {ALERTS_MAX} (ALERTS_MAX)",
                alerts.len()
            ),
            "let the sender group them, as with `max_alerts`",
        ));
    }
    // What is over makes room for what is not.
    for alert in alerts.iter().filter(|alert| !alert.firing) {
        resolved(draft, project, alert);
    }
    for alert in alerts.iter().filter(|alert| alert.firing) {
        match fires(draft, project, alert) {
            // One that there is no room for must not keep out what else was told.
            Err(rejection) if draft.proposed().is_empty() => return Err(rejection),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn fires(draft: &mut Draft<'_>, project: &ProjectName, alert: &Alert) -> Result<(), Rejection> {
    let state = draft.incidents(project);
    // A firing that a person closed goes on until it is resolved; it is told again and again meanwhile.
    let known = state.of_alert(&alert.fingerprint).is_some();
    if known || state.was_closed(&alert.fingerprint, alert.since) {
        return Ok(());
    }
    let mut stages: Vec<StageRef> = touched(draft, project, &alert.labels).into_iter().collect();
    if stages.is_empty() {
        return Ok(());
    }
    stages.truncate(INCIDENT_STAGES_MAX);
    // A sender whose clock is ahead has not seen the future.
    let since = alert.since.min(draft.facts.now);
    let suspects = suspects(draft, &stages, since);
    has_room_or_stops(draft, project, &suspects)?;
    let cut = |text: &str, most: usize| text[..text.floor_char_boundary(most)].to_owned();
    let said = cut(alert.says.trim(), TEXT_BYTES_MAX);
    let text = private(draft, (!said.is_empty()).then_some(said));
    let new = New {
        name: cut(&alert.name, INCIDENT_NAME_BYTES_MAX),
        source: IncidentSource::Alert {
            fingerprint: alert.fingerprint.clone(),
        },
        labels: kept(&alert.labels),
        stages,
        since,
        suspects,
    };
    record(draft, project, new, text);
    Ok(())
}

/// The labels that there is room for: whatever a sender makes up must not keep its alert out.
fn kept(labels: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let short = |text: &str| text.len() <= INCIDENT_LABEL_BYTES_MAX;
    let fitting = labels.iter().filter(|(name, value)| short(name) && short(value));
    let pairs = fitting.map(|(name, value)| (name.clone(), value.clone()));
    pairs.take(INCIDENT_LABELS_MAX).collect()
}

fn resolved(draft: &mut Draft<'_>, project: &ProjectName, alert: &Alert) {
    let state = draft.incidents(project);
    let Some(noted) = state.of_alert(&alert.fingerprint) else {
        return;
    };
    // The end of an earlier firing, which came late.
    if alert.until.is_some_and(|until| until < noted.incident.since) {
        return;
    }
    let closed = Event::IncidentClosed {
        number: noted.incident.number,
        cause: Cause::NotTold,
    };
    let text = private(draft, None);
    draft.emit_with(StreamId::Incidents(project.clone()), closed, text);
}
