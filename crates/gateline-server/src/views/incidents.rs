//! Incidents with who said what of them, and the watch of a stage.

use std::collections::HashMap;

use gateline_api::{IncidentBrief, IncidentQuery, IncidentView, Suspicion, WatchView, WatchedGate, entry};
use gateline_core::{Looked, Noted, Sight, World};
use gateline_model::{
    ActorId, Cause, Done, Event, GateName, ProjectName, PromotionId, Recorded, StageRef, StreamId, Suspect,
};
use gateline_store::{READ_EVENTS_MAX, Search};

use crate::hub::Hub;
use crate::refused::Refused;

/// The incidents that are asked for, as far as they are seen, the newest first.
pub(crate) async fn incidents(
    hub: &Hub,
    sight: &Sight,
    query: &IncidentQuery,
) -> Result<Vec<IncidentView>, Refused> {
    let mut found: Vec<Found> = hub.with_world(|world| {
        let of = world
            .all_incidents()
            .filter(|(name, _)| query.project.as_ref().is_none_or(|wanted| wanted == *name));
        of.flat_map(|(name, state)| state.all().map(move |noted| (name, noted)))
            .filter(|(_, noted)| query.closed || noted.closed_at.is_none())
            .filter(|(name, noted)| sight.sees_incident(name, &noted.incident))
            .map(|(name, noted)| Found::of(world, name, noted))
            .collect()
    });
    found.sort_by_key(|found| (std::cmp::Reverse(found.noted.opened_at), found.project.clone()));
    told(hub, found).await
}

/// One incident.
///
/// # Errors
/// 404 where there is none of this number, or it is not seen.
pub(crate) async fn incident(
    hub: &Hub,
    sight: &Sight,
    project: &ProjectName,
    number: u64,
) -> Result<IncidentView, Refused> {
    let found = hub.with_world(|world| {
        let noted = world.incidents(project)?.get(number)?;
        let seen = sight.sees_incident(project, &noted.incident);
        seen.then(|| Found::of(world, project, noted))
    });
    let found = found.into_iter().collect();
    let unknown = || {
        let detail = format!("project `{project}` has no incident {number}, or closed it long ago");
        Refused::new(&entry::INCIDENT_UNKNOWN, detail)
    };
    told(hub, found).await?.pop().ok_or_else(unknown)
}

/// An incident, and what still stands for it.
struct Found {
    project: ProjectName,
    noted: Noted,
    stops: Vec<PromotionId>,
}

impl Found {
    fn of(world: &World, project: &ProjectName, noted: &Noted) -> Self {
        let suspects = noted.incident.suspects.iter();
        let open = suspects
            .filter(|suspect| noted.closed_at.is_none() && !noted.lifted.contains(&suspect.promotion));
        Self {
            project: project.clone(),
            noted: noted.clone(),
            stops: open
                .filter(|suspect| stands(world, suspect))
                .map(|suspect| suspect.promotion.clone())
                .collect(),
        }
    }
}

/// Whether what was done about a suspect is still so.
fn stands(world: &World, suspect: &Suspect) -> bool {
    let id = &suspect.promotion;
    let rolling = world.promotion(id).and_then(|promotion| promotion.rollout());
    let still = rolling.is_some_and(|rollout| rollout.paused.is_some() && rollout.rollback.is_none());
    let here = world.stage(&id.stage);
    let live = here.and_then(|state| state.live.as_ref());
    match suspect.done {
        Done::Named | Done::RolledBack => false,
        Done::Paused => still,
        Done::Barred => here.is_some_and(|state| state.barred.contains_key(&suspect.release)),
        Done::PersonCalled => still || live.is_some_and(|live| live.promotion == *id),
    }
}

/// With who opened and closed each, and why.
async fn told(hub: &Hub, found: Vec<Found>) -> Result<Vec<IncidentView>, Refused> {
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let opened = events(hub, "incident_opened").await?;
    let closed = events(hub, "incident_closed").await?;
    let view = |Found {
                    project,
                    noted,
                    stops,
                }: Found| {
        let key = (StreamId::Incidents(project.clone()), noted.incident.number);
        let (opened, closed) = (opened.get(&key), closed.get(&key));
        IncidentView {
            incident: (*noted.incident).clone(),
            opened_at: noted.opened_at,
            opened_by: opened.map(|(by, _)| by.clone()),
            reason: opened.and_then(|(_, why)| why.clone()),
            lifted: noted.lifted.into_iter().collect(),
            stops,
            closed_at: noted.closed_at,
            closed_by: closed.map(|(by, _)| by.clone()),
            ended: closed.and_then(|(_, why)| why.clone()),
            cause: noted.cause,
            project,
        }
    };
    Ok(found.into_iter().map(view).collect())
}

type Said = HashMap<(StreamId, u64), (ActorId, Option<String>)>;

/// Who said what last, by incident.
async fn events(hub: &Hub, name: &str) -> Result<Said, Refused> {
    let search = Search {
        event: Some(name.to_owned()),
        limit: READ_EVENTS_MAX,
        ..Search::default()
    };
    let events = hub.read(move |store| store.search(&search)).await?;
    let number = |recorded: &Recorded| match &recorded.event {
        Event::IncidentOpened { incident } => Some(incident.number),
        Event::IncidentClosed { number, .. } => Some(*number),
        _ => None,
    };
    let mut said = Said::new();
    // The newest comes first: it is what stands.
    for recorded in events {
        if let Some(number) = number(&recorded) {
            let why = recorded.private.and_then(|private| private.reason);
            said.entry((recorded.stream, number))
                .or_insert((recorded.actor, why));
        }
    }
    Ok(said)
}

/// The incidents that are open in a stage, oldest first.
pub(super) fn open_in(world: &World, stage: &StageRef) -> Vec<IncidentBrief> {
    let state = world.incidents(&stage.project);
    let open = state.into_iter().flat_map(|state| state.open_in(stage));
    open.map(|noted| IncidentBrief {
        number: noted.incident.number,
        name: noted.incident.name.clone(),
        since: noted.incident.since,
    })
    .collect()
}

/// The incidents that suspect a promotion, the newest first.
pub(super) fn suspicions(world: &World, id: &PromotionId) -> Vec<Suspicion> {
    let state = world.incidents(&id.stage.project);
    let all = state.into_iter().flat_map(|state| state.all());
    all.filter_map(|noted| {
        let suspect = noted.incident.suspect(id)?;
        Some(Suspicion {
            number: noted.incident.number,
            name: noted.incident.name.clone(),
            since: noted.incident.since,
            says: suspect.says.clone(),
            done: suspect.done,
            open: noted.closed_at.is_none(),
            lifted: noted.lifted.contains(id),
            cause: matches!(&noted.cause, Cause::Change { promotion } if promotion == id),
        })
    })
    .collect()
}

/// The watch of a stage, or the last one that there was.
pub(super) fn watch(world: &World, stage: &StageRef) -> Option<WatchView> {
    let state = world.stage(stage)?;
    let watch = state.watch.as_ref()?;
    let ended = watch.ended.as_ref();
    Some(WatchView {
        promotion: watch.promotion.clone(),
        release: watch.release,
        version: world
            .release(&watch.release)
            .map(|state| state.release.version.clone()),
        since: watch.since,
        until: watch.until,
        every: watch.every,
        in_a_row: watch.in_a_row,
        looks: watch.looks(),
        gates: watch
            .gates
            .iter()
            .map(|(gate, looked)| watched(gate, looked))
            .collect(),
        outcome: ended.map(|(outcome, ..)| *outcome),
        says: ended.map(|(_, says, _)| says.clone()),
        ended_at: ended.map(|(.., at)| *at),
    })
}

fn watched(gate: &GateName, looked: &Looked) -> WatchedGate {
    let last = looked.last.as_ref();
    WatchedGate {
        gate: gate.clone(),
        looks: looked.looks,
        failing: looked.failing,
        last: last.map(|look| look.outcome),
        says: last.map(|look| look.says.clone()),
        at: last.map(|look| look.at),
        noise: looked.noise.clone(),
        noise_says: looked.noise.as_ref().map(|noise| noise.says()),
    }
}
