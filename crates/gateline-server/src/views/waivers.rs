//! Waivers that are in force, with the reasons that were given.

use gateline_api::{WaiverQuery, WaiverView};
use gateline_model::{Event, ProjectName, Recorded, StreamId, Waiver};
use gateline_store::{READ_EVENTS_MAX, Search};
use jiff::Timestamp;

use crate::hub::Hub;
use crate::refused::Refused;

/// The waivers in force that are asked for, those that end first in front.
pub(crate) async fn waivers(hub: &Hub, query: &WaiverQuery) -> Result<Vec<WaiverView>, Refused> {
    let now = Timestamp::now();
    let wanted = |project: &ProjectName, waiver: &Waiver| {
        query.project.as_ref().is_none_or(|only| only == project)
            && query
                .pipeline
                .as_ref()
                .is_none_or(|only| *only == waiver.pipeline)
            && now < waiver.until
    };
    let mut granted: Vec<(ProjectName, Waiver)> = hub.with_world(|world| {
        let all = world
            .projects()
            .flat_map(|(name, state)| state.waivers.values().map(move |waiver| (name, waiver)));
        all.filter(|(project, waiver)| wanted(project, waiver))
            .map(|(project, waiver)| (project.clone(), waiver.clone()))
            .collect()
    });
    granted.sort_by(|(project, waiver), (other, before)| {
        (project, waiver.until, &waiver.finding).cmp(&(other, before.until, &before.finding))
    });
    if granted.is_empty() {
        return Ok(Vec::new());
    }
    let search = Search {
        stream: query.project.clone().map(StreamId::Project),
        event: Some("waiver_granted".to_owned()),
        limit: READ_EVENTS_MAX,
        ..Search::default()
    };
    let events = hub.read(move |store| store.search(&search)).await?;
    let view = |(project, waiver): (ProjectName, Waiver)| WaiverView {
        id: waiver.id(),
        reason: grant(&events, &waiver).and_then(|event| event.private.as_ref()?.reason.clone()),
        project,
        waiver,
    };
    Ok(granted.into_iter().map(view).collect())
}

fn grant<'a>(events: &'a [Recorded], waiver: &Waiver) -> Option<&'a Recorded> {
    events.iter().find(
        |recorded| matches!(&recorded.event, Event::WaiverGranted { waiver: granted } if granted == waiver),
    )
}
