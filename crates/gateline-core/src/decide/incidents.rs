//! Deciding about incidents: which stages one touches, which changes are suspects, and what is done about those.
//! Nothing here moves a release on: an incident pauses, bars and takes back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gateline_model::{
    Done, Event, INCIDENT_LABEL_BYTES_MAX, INCIDENT_LABELS_MAX, INCIDENT_NAME_BYTES_MAX, INCIDENT_STAGES_MAX,
    INCIDENTS_OPEN_MAX, Incident, IncidentRules, IncidentSource, IncidentThen, OnFailure, PauseReason,
    Private, ProjectName, RollbackReason, SUSPECTS_MAX, Span, StageRef, StreamId, Suspect,
};
use jiff::Timestamp;

use super::{private, reason, rollout, unknown_stage, watch};
use crate::command::Command;
use crate::decision::pinned;
use crate::draft::Draft;
use crate::rejection::Rejection;
use crate::state::{Project, Watching};
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
    let stages: Vec<StageRef> = touched.into_iter().collect();
    let text = private(draft, Some(why));
    let new = New {
        name: name.to_owned(),
        source: IncidentSource::Actor,
        labels: labels.clone(),
        since,
        suspects: suspects(draft, &stages, since),
        stages,
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
        format!(
            "project `{project}` has {open} open incidents; the limit is {INCIDENTS_OPEN_MAX} (INCIDENTS_OPEN_MAX)"
        ),
        "close those that are over",
    ))
}

/// The stages of a project whose rules match these labels.
pub(super) fn touched(
    draft: &Draft<'_>,
    project: &ProjectName,
    labels: &BTreeMap<String, String>,
) -> BTreeSet<StageRef> {
    draft
        .project(project)
        .map(|state| matching(&state, labels))
        .unwrap_or_default()
}

/// The same, of the project itself.
pub(super) fn matching(state: &Project, labels: &BTreeMap<String, String>) -> BTreeSet<StageRef> {
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
pub(super) struct New {
    pub name: String,
    pub source: IncidentSource,
    pub labels: BTreeMap<String, String>,
    pub stages: Vec<StageRef>,
    pub since: Timestamp,
    pub suspects: Vec<Suspect>,
}

/// Opens an incident: records it, and does about its suspects what was said.
pub(super) fn record(draft: &mut Draft<'_>, project: &ProjectName, new: New, text: Private) {
    let New {
        name,
        source,
        labels,
        stages,
        since,
        suspects,
    } = new;
    let incident = Arc::new(Incident {
        number: draft.incidents(project).last + 1,
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

/// The suspects of an incident that touches these stages, with what their stages say is done about them.
pub(super) fn suspects(draft: &Draft<'_>, stages: &[StageRef], since: Timestamp) -> Vec<Suspect> {
    let found = find(draft, stages, since).into_iter();
    let named = found.map(|(suspect, then)| {
        let done = what_to_do(draft, &suspect, then);
        suspect.named(done)
    });
    named.collect()
}

/// What changed on these stages before an incident began, the likeliest first, and what their stages say of it.
fn find(draft: &Draft<'_>, stages: &[StageRef], since: Timestamp) -> Vec<(Suspected, IncidentThen)> {
    let mut found: Vec<(Suspected, IncidentThen)> = Vec::new();
    for stage in stages {
        let rules = rules(draft, stage);
        let suspects = suspected(draft, stage, since, rules.within);
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
    found
}

/// What the stage of a change says of incidents: the version in force.
fn rules(draft: &Draft<'_>, stage: &StageRef) -> IncidentRules {
    let pipeline = draft.pipeline_in_force(&stage.project, &stage.pipeline).ok();
    let stage = pipeline
        .as_ref()
        .and_then(|pipeline| pipeline.stage(&stage.stage));
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

/// What there is still to do about a suspect: what stands already is not stopped twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Still {
    Nothing,
    Pause,
    /// Out of its rollout.
    TakeBack,
    Bar,
    /// To what was live before.
    GoBack,
}

fn still(draft: &Draft<'_>, suspect: &Suspect) -> Still {
    let id = &suspect.promotion;
    let promotion = draft.promotion(id);
    let rolling = promotion.as_ref().and_then(|state| state.rollout());
    let goes_back = rolling.is_some_and(|rolling| rolling.rollback.is_some());
    let stands = rolling.is_none_or(|rolling| rolling.paused.is_some());
    let barred = || draft.stage(&id.stage).barred.contains_key(&suspect.release);
    match suspect.done {
        Done::Paused | Done::PersonCalled if !goes_back && !stands => Still::Pause,
        Done::RolledBack if rolling.is_none() => Still::GoBack,
        Done::RolledBack if !goes_back => Still::TakeBack,
        Done::Barred if !barred() => Still::Bar,
        Done::Named | Done::Paused | Done::PersonCalled | Done::RolledBack | Done::Barred => Still::Nothing,
    }
}

/// Whether an incident with these suspects may be opened by itself. However many are open: what goes on now is stopped all
/// the same.
pub(super) fn has_room_or_stops(
    draft: &Draft<'_>,
    project: &ProjectName,
    suspects: &[Suspect],
) -> Result<(), Rejection> {
    let mut still = suspects.iter().map(|suspect| still(draft, suspect));
    match still.any(|still| still != Still::Nothing) {
        true => Ok(()),
        false => has_room(draft, project),
    }
}

/// Does what was said. What fails all the same is parked by its own rules; nothing is left half-done.
fn do_it(draft: &mut Draft<'_>, incident: &Incident, suspect: &Suspect) {
    let id = &suspect.promotion;
    let says = || format!("incident {}: {}", incident.number, incident.name);
    match still(draft, suspect) {
        Still::Nothing => {}
        Still::Pause => rollout::pause(draft, id, PauseReason::Incident, Some(says())),
        Still::TakeBack => {
            let _: Result<(), Rejection> = rollout::take_back(draft, id, RollbackReason::Incident, says());
        }
        Still::Bar => {
            let barred = Event::ReleaseBarred {
                release: suspect.release,
                promotion: id.clone(),
            };
            draft.emit(StreamId::Stage(id.stage.clone()), barred);
        }
        Still::GoBack => {
            let _: Result<(), String> = watch::go_back(draft, &id.stage, suspect.release, id);
        }
    }
}

/// The incident of a watch that failed, where the stage asks for a person or it cannot be taken back by itself, and why.
/// # Errors
/// Why there is no room for it: so many are open, and it would stop nothing.
pub(super) fn of_watch(
    draft: &Draft<'_>,
    stage: &StageRef,
    watch: &Watching,
    says: &str,
    why_not: Option<&str>,
) -> Result<New, Rejection> {
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
    has_room_or_stops(draft, &stage.project, &suspects)?;
    name.truncate(name.floor_char_boundary(INCIDENT_NAME_BYTES_MAX));
    Ok(New {
        name,
        source: IncidentSource::Watch {
            promotion: watch.promotion.clone(),
        },
        labels: BTreeMap::new(),
        stages: vec![stage.clone()],
        since: now,
        suspects,
    })
}
