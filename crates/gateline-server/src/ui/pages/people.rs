//! The page of people and roles.

use gateline_api::Named;
use gateline_model::{ActorId, ProjectName};
use maud::Markup;
use serde::Deserialize;

use super::name;
use crate::refused::Refused;
use crate::ui::people::{Shown, page};
use crate::ui::visit::Visit;
use crate::{seen, views};

/// What the address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PeopleAddress {
    project: String,
    who: String,
}

pub(in crate::ui) async fn people(visit: Visit) -> Result<Markup, Refused> {
    let PeopleAddress { project, who } = visit.query()?;
    let (hub, now) = (&visit.app.hub, visit.visitor.now);
    let projects = views::project_names(hub, &visit.sight);
    let project: Option<ProjectName> = name(&project)?;
    if let Some(project) = &project {
        seen::refuse_unseen(hub, &visit.sight, &[Named::Project(project.clone())]).await?;
    }
    // Where nothing is declared there is little to see.
    let declared = hub.with_world(|world| {
        let has_roles = |name: &&ProjectName| world.project(name).is_some_and(|one| one.roles.is_some());
        projects.iter().find(has_roles).cloned()
    });
    let first = declared.or_else(|| projects.first().cloned());
    let project = project.or(first);
    let actor: Option<ActorId> = name(&who)?;
    let looks = &visit.caller.actor;
    let view = project.map(|project| views::people_of(hub, &project, looks, now));
    let asked = view.as_ref().zip(actor).map(|(view, actor)| {
        let teams = views::teams_of(hub, &view.project, &actor, now);
        (teams, views::may_of(hub, &view.project, &actor, now))
    });
    let shown = Shown {
        projects: &projects,
        view: view.as_ref(),
        who: who.trim(),
        asked: asked.as_ref().map(|(teams, answers)| (&teams[..], &answers[..])),
    };
    Ok(page(&visit.visitor, &shown))
}
