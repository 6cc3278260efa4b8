//! Deciding about incidents: which stages one touches, which changes are suspects, what is done about those, and how it ends.
//! Nothing here moves a release on: an incident pauses, bars and takes back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gateline_model::{
    ALERTS_MAX, Alert, Cause, Done, Event, INCIDENT_LABEL_BYTES_MAX, INCIDENT_LABELS_MAX,
    INCIDENT_NAME_BYTES_MAX, INCIDENT_STAGES_MAX, INCIDENTS_OPEN_MAX, Incident, IncidentRules, IncidentSource,
    IncidentThen, OnFailure, PauseReason, Private, ProjectName, PromotionId, RollbackReason, SUSPECTS_MAX, Span,
    StageRef, StreamId, Suspect, limits::TEXT_BYTES_MAX,
};
use jiff::Timestamp;

use super::{private, reason, rollout, steer, unknown_stage, watch};
use crate::command::Command;
use crate::decision::pinned;
use crate::draft::Draft;
use crate::rejection::Rejection;
use crate::state::{Noted, Watching};
use crate::suspects::{Standing, Suspected, suspected};

/// An actor says that something is wrong.
pub(super) fn open(draft: &mut Draft<'_>, command: &Command) -> Result<(), Rejection> {
    let Command::OpenIncident {
        project,
        name,
        stages,
        labels,
        since,
        reason: why,
    } = command
    else {
        return Ok(());
    };
    let why = reason(why)?;
    let name = name.trim();
    if name.is_empty() || name.len() > INCIDENT_NAME_BYTES_MAX {
        let says = format!(
            "an incident's name has 1 to {INCIDENT_NAME_BYTES_MAX} bytes (INCIDENT_NAME_BYTES_MAX); this one has {}",
            name.len()
        );
        return Err(Rejection::invalid(
            "incident.name",
            says,
            "say in a few words what is wrong; the rest is the reason's",
        ));
    }
    check_labels(labels)?;
    let now = draft.facts.now;
    let since = since.unwrap_or(now);
    if since > now {
        return Err(Rejection::invalid(
            "incident.since",
            format!("the incident would begin at {since}, which is not yet"),
            "give the moment when it was first seen, or leave it out",
        ));
    }
    if draft.project(project).is_none() {
        return Err(Rejection::unknown(
            "project.unknown",
            format!("there is no project `{project}`"),
            "a project is there once a pipeline of it was applied",
        ));
    }
    has_room(draft, project)?;
    let mut touched: BTreeSet<StageRef> = touched(draft, project, labels);
    for stage in stages {
        let pipeline = draft.pipeline_in_force(&stage.project, &stage.pipeline)?;
        if pipeline.stage(&stage.stage).is_none() {
            return Err(unknown_stage(&pipeline, &stage.stage));
        }
        if stage.project != *project {
            return Err(Rejection::invalid(
                "incident.project",
                format!("`{stage}` is not of project `{project}`"),
                "open an incident in each project",
            ));
        }
        touched.insert(stage.clone());
    }
    if touched.len() > INCIDENT_STAGES_MAX {
        return Err(Rejection::invalid(
            "incident.stages",
            format!(
                "the incident would touch {} stages; the limit is {INCIDENT_STAGES_MAX} (INCIDENT_STAGES_MAX)",
                touched.len()
            ),
            "name those where it is seen",
        ));
    }
    let text = private(draft, Some(why));
    let new = New {
        name: name.to_owned(),
        source: IncidentSource::Actor,
        labels: labels.clone(),
        stages: touched.into_iter().collect(),
        since,
    };
    record(draft, project, new, text);
    Ok(())
}

fn check_labels(labels: &BTreeMap<String, String>) -> Result<(), Rejection> {
    let long = |text: &String| text.len() > INCIDENT_LABEL_BYTES_MAX;
    if labels.len() > INCIDENT_LABELS_MAX || labels.iter().any(|(name, value)| long(name) || long(value)) {
        let says = format!(
            "an incident has at most {INCIDENT_LABELS_MAX} labels (INCIDENT_LABELS_MAX) of at most {INCIDENT_LABEL_BYTES_MAX} bytes each (INCIDENT_LABEL_BYTES_MAX)"
        );
        return Err(Rejection::invalid(
            "incident.labels",
            says,
            "give those that stages match",
        ));
    }
    Ok(())
}

fn has_room(draft: &Draft<'_>, project: &ProjectName) -> Result<(), Rejection> {
    let open = draft.incidents(project).open.len();
    if open < INCIDENTS_OPEN_MAX {
        return Ok(());
    }
    Err(Rejection::conflict(
        "incident.too_many",
        format!("project `{project}` has {open} open incidents; the limit is {INCIDENTS_OPEN_MAX} (INCIDENTS_OPEN_MAX)"),
        "close those that are over",
    ))
}

/// The stages of a project whose rules match these labels.
fn touched(
    draft: &Draft<'_>,
    project: &ProjectName,
    labels: &BTreeMap<String, String>,
) -> BTreeSet<StageRef> {
    let Some(state) = draft.project(project) else {
        return BTreeSet::new();
    };
    let pipelines = state.in_force.keys().filter_map(|name| state.pipeline(name));
    let matching = pipelines.flat_map(|pipeline| {
        let stages = pipeline.stages.iter();
        stages
            .filter(|stage| stage.incidents.matches(labels))
            .map(|stage| pipeline.stage_ref(&stage.name))
    });
    matching.collect()
}

/// An incident that is about to be opened.
struct New {
    name: String,
    source: IncidentSource,
    labels: BTreeMap<String, String>,
    stages: Vec<StageRef>,
    since: Timestamp,
}

/// Opens an incident: finds its suspects, records it, and does about them what their stages say.
fn record(draft: &mut Draft<'_>, project: &ProjectName, new: New, text: Private) {
    let number = draft.incidents(project).last + 1;
    let mut found: Vec<(Suspected, IncidentThen)> = Vec::new();
    for stage in &new.stages {
        let rules = rules(draft, stage);
        let suspects = suspected(draft, stage, new.since, rules.within);
        let rolling = suspects.iter().any(|one| one.standing == Standing::Rolling);
        found.extend(suspects.into_iter().map(|suspect| {
            // What is live is not taken back while something likelier is.
            let then = match (rules.then, suspect.standing) {
                (IncidentThen::RollBack, Standing::Live) if rolling => IncidentThen::Tell,
                (then, _) => then,
            };
            (suspect, then)
        }));
    }
    found.sort_by_key(|(suspect, _)| suspect.rank);
    found.truncate(SUSPECTS_MAX);
    let suspects = found
        .iter()
        .map(|(suspect, then)| suspect.clone().named(what_to_do(draft, suspect, *then)))
        .collect();
    act(draft, project, number, new, suspects, text);
}

/// What the stage of a change says of incidents: the version in force.
fn rules(draft: &Draft<'_>, stage: &StageRef) -> IncidentRules {
    let pipeline = draft.pipeline_in_force(&stage.project, &stage.pipeline).ok();
    let stage = pipeline.as_ref().and_then(|pipeline| pipeline.stage(&stage.stage));
    stage.map(|stage| stage.incidents.clone()).unwrap_or_default()
}

/// What will be done about a suspect, as far as it can be.
fn what_to_do(draft: &Draft<'_>, suspect: &Suspected, then: IncidentThen) -> Done {
    match (suspect.standing, then) {
        (_, IncidentThen::Tell) | (Standing::Over, _) | (Standing::Live, IncidentThen::Pause) => Done::Named,
        (Standing::Rolling, IncidentThen::Pause | IncidentThen::Bar) => Done::Paused,
        (Standing::Live, IncidentThen::Bar) => Done::Barred,
        (Standing::Rolling, IncidentThen::RollBack) => match is_taken_back(draft, suspect) {
            true => Done::RolledBack,
            false => Done::PersonCalled,
        },
        (Standing::Live, IncidentThen::RollBack) => {
            let mut tried = Draft::new_on(draft);
            let stage = &suspect.promotion.stage;
            match watch::go_back(&mut tried, stage, suspect.release, &suspect.promotion) {
                Ok(()) => Done::RolledBack,
                Err(_) => Done::PersonCalled,
            }
        }
    }
}

/// Whether what rolls out may be taken back by itself, and its stage has it so.
fn is_taken_back(draft: &Draft<'_>, suspect: &Suspected) -> bool {
    let release = draft.release(&suspect.release);
    let irreversible = release.is_some_and(|state| state.release.change.irreversible);
    let pinned = draft
        .promotion(&suspect.promotion)
        .and_then(|promotion| pinned(draft, &promotion).ok());
    !irreversible && pinned.is_some_and(|pinned| pinned.stage.on_failure == OnFailure::RollBack)
}

fn act(
    draft: &mut Draft<'_>,
    project: &ProjectName,
    number: u64,
    new: New,
    suspects: Vec<Suspect>,
    text: Private,
) {
    let New {
        name,
        source,
        labels,
        stages,
        since,
    } = new;
    let incident = Arc::new(Incident {
        number,
        name,
        source,
        labels,
        stages,
        since,
        suspects,
    });
    let opened = Event::IncidentOpened {
        incident: incident.clone(),
    };
    draft.emit_with(StreamId::Incidents(project.clone()), opened, text);
    for suspect in &incident.suspects {
        do_it(draft, &incident, suspect);
    }
}

/// Does what was said. What fails all the same is parked by its own rules; nothing is left half-done.
fn do_it(draft: &mut Draft<'_>, incident: &Incident, suspect: &Suspect) {
    let id = &suspect.promotion;
    let rolling = draft.promotion(id).and_then(|state| state.rollout().cloned());
    match (suspect.done, rolling) {
        (Done::Named, _) => {}
        (Done::Paused | Done::PersonCalled, Some(rolling)) => {
            if rolling.paused.is_none() && rolling.rollback.is_none() {
                let why = PauseReason::Incident;
                draft.emit(StreamId::Promotion(id.clone()), Event::RolloutPaused { why });
            }
        }
        (Done::RolledBack, Some(_)) => {
            let says = format!("incident {}: {}", incident.number, incident.name);
            let _: Result<(), Rejection> = rollout::take_back(draft, id, RollbackReason::Incident, says);
        }
        (Done::Barred, _) => {
            if !draft.stage(&id.stage).barred.contains_key(&suspect.release) {
                let barred = Event::ReleaseBarred {
                    release: suspect.release,
                    promotion: id.clone(),
                };
                draft.emit(StreamId::Stage(id.stage.clone()), barred);
            }
        }
        (Done::RolledBack, None) => {
            let _: Result<(), String> = watch::go_back(draft, &id.stage, suspect.release, id);
        }
        (Done::Paused | Done::PersonCalled, None) => {}
    }
}

/// A watch failed, and the stage asks for a person; or it cannot be taken back by itself, and why.
pub(super) fn open_for_watch(
    draft: &mut Draft<'_>,
    stage: &StageRef,
    watch: &Watching,
    says: String,
    why_not: Option<String>,
) {
    let project = stage.project.clone();
    if draft.incidents(&project).open.len() >= INCIDENTS_OPEN_MAX {
        // So many are open that one more tells nobody anything: that the watch failed is in the record.
        return;
    }
    let now = draft.facts.now;
    let rules = rules(draft, stage);
    let since_watched = Span::between(watch.since, now).plus(Span::from_millis(1));
    let found = suspected(draft, stage, now, rules.within.max(since_watched));
    let mut name = String::from("watch failed");
    let mut suspects = Vec::new();
    for suspect in found {
        if suspect.promotion != watch.promotion {
            let done = what_to_do(draft, &suspect, rules.then);
            suspects.push(suspect.named(done));
            continue;
        }
        let done = match &why_not {
            Some(_) => Done::PersonCalled,
            None => what_to_do(draft, &suspect, rules.then),
        };
        let why_not = why_not.iter().map(|why| format!("; not taken back: {why}"));
        let why_not: String = why_not.collect();
        let suspect = suspect.because(|version| {
            name = format!("watch of {version} failed: {says}");
            format!("{version} is live and its watch failed{why_not}")
        });
        suspects.push(suspect.named(done));
    }
    name.truncate(name.floor_char_boundary(INCIDENT_NAME_BYTES_MAX));
    let new = New {
        name,
        source: IncidentSource::Watch {
            promotion: watch.promotion.clone(),
        },
        labels: BTreeMap::new(),
        stages: vec![stage.clone()],
        since: now,
    };
    let number = draft.incidents(&project).last + 1;
    act(draft, &project, number, new, suspects, Private::default());
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
    has_room(draft, project)?;
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
        // A sender whose clock is ahead has not seen the future.
        since: alert.since.min(draft.facts.now),
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

fn noted(draft: &Draft<'_>, project: &ProjectName, number: u64) -> Result<Noted, Rejection> {
    let state = draft.incidents(project);
    state.get(number).cloned().ok_or_else(|| {
        Rejection::unknown(
            "incident.unknown",
            format!("project `{project}` has no incident {number}, or closed it long ago"),
            "list them with `gateline incident list`",
        )
    })
}

/// An incident is over; or what had caused one is said afterwards.
pub(super) fn close(
    draft: &mut Draft<'_>,
    project: &ProjectName,
    number: u64,
    cause: &Cause,
    why: &str,
) -> Result<(), Rejection> {
    let why = reason(why)?;
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
pub(super) fn lift(
    draft: &mut Draft<'_>,
    project: &ProjectName,
    number: u64,
    promotion: &PromotionId,
    why: &str,
) -> Result<(), Rejection> {
    let why = reason(why)?;
    let noted = noted(draft, project, number)?;
    let Some(suspect) = noted.incident.suspect(promotion).cloned() else {
        return Err(Rejection::unknown(
            "incident.suspect",
            format!("`{promotion}` is no suspect of incident {number}"),
            "see them with `gateline incident show`",
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
    let Some(rolling) = draft.promotion(promotion).and_then(|state| state.rollout().cloned()) else {
        return Ok(());
    };
    let stands = rolling.paused.is_some_and(|(why, _)| why == PauseReason::Incident);
    if stands && rolling.rollback.is_none() {
        let stream = StreamId::Promotion(promotion.clone());
        draft.emit(stream, Event::RolloutResumed {});
        steer::go_on_from(draft, promotion, &rolling)?;
    }
    Ok(())
}
