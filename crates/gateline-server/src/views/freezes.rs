//! Freezes that are declared and not lifted, with who declared them and why.

use gateline_api::FreezeView;
use gateline_core::authority::Object;
use gateline_core::{Project, Sight};
use gateline_model::{Event, Freeze, ProjectName};
use jiff::Timestamp;

use super::declared::{Declared, declared};
use crate::hub::Hub;
use crate::refused::Refused;

/// The freezes of a project, or of all.
pub(crate) async fn freezes(
    hub: &Hub,
    sight: &Sight,
    project: Option<&ProjectName>,
) -> Result<Vec<FreezeView>, Refused> {
    let named = |event: &Event| match event {
        Event::FreezeDeclared { freeze } => Some(freeze.name.to_string()),
        _ => None,
    };
    let name = |freeze: &Freeze| freeze.name.to_string();
    let of = |name: &ProjectName, project: &Project| {
        let about = |freeze: &Freeze| match &freeze.pipeline {
            Some(pipeline) => Object::pipeline(pipeline),
            None => Object::project(name),
        };
        let declared = project.freezes.values();
        declared.map(|freeze| (about(freeze), freeze.clone())).collect()
    };
    let mut found = declared(hub, sight, project, "freeze_declared", of, name, named).await?;
    found.sort_by(|one, other| {
        let key = |one: &Declared<Freeze>| (one.project.clone(), one.what.from, one.what.name.clone());
        key(one).cmp(&key(other))
    });
    let now = Timestamp::now();
    let calendars = |project: &ProjectName| {
        let of = |world: &gateline_core::World| world.project(project).map(|state| state.calendars.clone());
        hub.with_world(of).unwrap_or_default()
    };
    let view = |Declared {
                    project,
                    what: freeze,
                    by,
                    reason,
                    erased,
                }: Declared<Freeze>| {
        let next = freeze.next(now, &calendars(&project)).ok().flatten();
        FreezeView {
            in_force: freeze.is_in_force(now, &calendars(&project)),
            next,
            by,
            reason,
            erased,
            project,
            freeze,
        }
    };
    Ok(found.into_iter().map(view).collect())
}
