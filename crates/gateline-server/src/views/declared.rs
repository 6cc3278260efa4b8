//! What projects have declared and not ended (freezes, waivers), each with who declared it and why.

use std::collections::HashMap;

use gateline_api::ErasedView;
use gateline_core::authority::Object;
use gateline_core::{Project, Sight};
use gateline_model::{ActorId, Event, ProjectName, Recorded, StreamId};
use gateline_store::{READ_EVENTS_MAX, Search};

use super::log::erased;
use crate::hub::Hub;
use crate::refused::Refused;

/// One thing that was declared.
pub(super) struct Declared<T> {
    pub(super) project: ProjectName,
    pub(super) what: T,
    pub(super) by: Option<ActorId>,
    /// None where it was erased.
    pub(super) reason: Option<String>,
    pub(super) erased: Option<ErasedView>,
}

/// What a project, or each, has declared, as far as it is seen. `of` finds it in a project's state, with what it is about;
/// `name` finds it by its name in its events.
pub(super) async fn declared<T>(
    hub: &Hub,
    sight: &Sight,
    project: Option<&ProjectName>,
    event: &str,
    of: impl Fn(&ProjectName, &Project) -> Vec<(Object, T)>,
    name: impl Fn(&T) -> String,
    named: impl Fn(&Event) -> Option<String>,
) -> Result<Vec<Declared<T>>, Refused> {
    let found: Vec<(ProjectName, T)> = hub.with_world(|world| {
        let projects = world
            .projects()
            .filter(|(name, _)| project.is_none_or(|wanted| wanted == *name));
        projects
            .flat_map(|(name, state)| of(name, state).into_iter().map(|what| (name.clone(), what)))
            .filter(|(_, (object, _))| sight.sees(object))
            .map(|(name, (_, what))| (name, what))
            .collect()
    });
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let events = events(hub, project, event).await?;
    // The newest comes first: it is what stands.
    let mut newest: HashMap<(&StreamId, String), &Recorded> = HashMap::new();
    for recorded in &events {
        if let Some(name) = named(&recorded.event) {
            newest.entry((&recorded.stream, name)).or_insert(recorded);
        }
    }
    let declared = |(project, what): (ProjectName, T)| {
        let stream = StreamId::Project(project.clone());
        let event = newest.get(&(&stream, name(&what)));
        Declared {
            by: event.map(|event| event.actor.clone()),
            reason: event.and_then(|event| event.private.as_ref()?.reason.clone()),
            erased: event.and_then(|event| hub.with_world(|world| erased(world, event))),
            project,
            what,
        }
    };
    Ok(found.into_iter().map(declared).collect())
}

/// Events of this name of a project, or of all, the newest first.
pub(super) async fn events(
    hub: &Hub,
    project: Option<&ProjectName>,
    event: &str,
) -> Result<Vec<Recorded>, Refused> {
    let search = Search {
        stream: project.cloned().map(StreamId::Project),
        event: Some(event.to_owned()),
        limit: READ_EVENTS_MAX,
        ..Search::default()
    };
    Ok(hub.read(move |store| store.search(&search)).await?)
}
