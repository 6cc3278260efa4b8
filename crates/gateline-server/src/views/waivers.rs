//! Waivers, with the reasons that were given: those in force, and those that a decision rests on.

use gateline_api::{WaiverQuery, WaiverView};
use gateline_core::authority::Object;
use gateline_core::{Project, Sight};
use gateline_model::{Event, ProjectName, Waiver, WaiverId};
use jiff::Timestamp;

use super::declared::{Declared, declared, events};
use super::log::erased;
use crate::hub::Hub;
use crate::refused::Refused;

const GRANTED: &str = "waiver_granted";

fn granted(event: &Event) -> Option<&Waiver> {
    match event {
        Event::WaiverGranted { waiver } => Some(waiver),
        _ => None,
    }
}

/// The waivers in force that are asked for, those that end first in front.
pub(crate) async fn waivers(
    hub: &Hub,
    sight: &Sight,
    query: &WaiverQuery,
) -> Result<Vec<WaiverView>, Refused> {
    let now = Timestamp::now();
    let wanted = |waiver: &&Waiver| {
        let of = query.pipeline.as_ref();
        of.is_none_or(|only| *only == waiver.pipeline) && now < waiver.until
    };
    let in_force = |name: &ProjectName, project: &Project| {
        let about = |waiver: &Waiver| Object {
            project: name.clone(),
            pipeline: Some(waiver.pipeline.clone()),
            stage: waiver.stage.clone(),
        };
        let granted = project.waivers.values().filter(wanted);
        granted.map(|waiver| (about(waiver), waiver.clone())).collect()
    };
    let id = |waiver: &Waiver| waiver.id().to_string();
    let named = |event: &Event| granted(event).map(id);
    let mut found = declared(hub, sight, query.project.as_ref(), GRANTED, in_force, id, named).await?;
    found.sort_by(|one, other| {
        let key = |one: &Declared<Waiver>| (one.project.clone(), one.what.until, one.what.finding.clone());
        key(one).cmp(&key(other))
    });
    let view = |Declared {
                    project,
                    what: waiver,
                    by: _,
                    reason,
                    erased,
                }: Declared<Waiver>| WaiverView {
        id: waiver.id(),
        project,
        waiver,
        reason,
        erased,
    };
    Ok(found.into_iter().map(view).collect())
}

/// The waivers of these ids, in force or not: what a decision rests on is told also when it has ended.
pub(crate) async fn waivers_of(
    hub: &Hub,
    project: &ProjectName,
    ids: &[WaiverId],
) -> Result<Vec<WaiverView>, Refused> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let events = events(hub, Some(project), GRANTED).await?;
    let mut found: Vec<WaiverView> = Vec::new();
    for recorded in events {
        let Some(waiver) = granted(&recorded.event) else {
            continue;
        };
        let id = waiver.id();
        // The newest comes first: it is what stands.
        if ids.contains(&id) && !found.iter().any(|one| one.id == id) {
            found.push(WaiverView {
                id,
                project: project.clone(),
                waiver: waiver.clone(),
                erased: hub.with_world(|world| erased(world, &recorded)),
                reason: recorded.private.and_then(|private| private.reason),
            });
        }
    }
    Ok(found)
}
