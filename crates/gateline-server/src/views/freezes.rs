//! Freezes that are declared and not lifted, with who declared them and why.

use gateline_api::FreezeView;
use gateline_model::{Event, Freeze, ProjectName, Recorded, StreamId};
use gateline_store::{READ_EVENTS_MAX, Search};
use jiff::Timestamp;

use crate::hub::Hub;
use crate::refused::Refused;

/// The freezes of a project, or of all.
pub(crate) async fn freezes(hub: &Hub, project: Option<&ProjectName>) -> Result<Vec<FreezeView>, Refused> {
    let mut declared: Vec<(ProjectName, Freeze)> = hub.with_world(|world| {
        let projects = world
            .projects()
            .filter(|(name, _)| project.is_none_or(|wanted| wanted == *name));
        projects
            .flat_map(|(name, state)| {
                state
                    .freezes
                    .values()
                    .map(|freeze| (name.clone(), freeze.clone()))
            })
            .collect()
    });
    declared.sort_by(|(project, freeze), (other, before)| {
        (project, freeze.from, &freeze.name).cmp(&(other, before.from, &before.name))
    });
    if declared.is_empty() {
        return Ok(Vec::new());
    }
    let search = Search {
        stream: project.map(|project| StreamId::Project(project.clone())),
        event: Some("freeze_declared".to_owned()),
        limit: READ_EVENTS_MAX,
        ..Search::default()
    };
    let events = hub.read(move |store| store.search(&search)).await?;
    let now = Timestamp::now();
    let view = |(project, freeze): (ProjectName, Freeze)| {
        let event = declaration(&events, &project, &freeze);
        FreezeView {
            in_force: freeze.is_in_force(now),
            by: event.map(|event| event.actor.clone()),
            reason: event.and_then(|event| event.private.as_ref()?.reason.clone()),
            project,
            freeze,
        }
    };
    Ok(declared.into_iter().map(view).collect())
}

fn declaration<'a>(events: &'a [Recorded], project: &ProjectName, freeze: &Freeze) -> Option<&'a Recorded> {
    events.iter().find(|recorded| {
        recorded.stream == StreamId::Project(project.clone())
            && matches!(&recorded.event, Event::FreezeDeclared { freeze: declared } if declared == freeze)
    })
}
