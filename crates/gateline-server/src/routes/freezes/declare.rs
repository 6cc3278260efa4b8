//! `POST /api/v1/freezes`

use gateline_api::{DeclareFreeze, FreezeRequest, FreezeView, Named};
use gateline_core::Command;
use gateline_model::{Event, Freeze, PipelineRef};
use jiff::Timestamp;

use crate::call::Call;
use crate::refused::Refused;
use crate::seen;

pub(crate) async fn handle(call: Call<DeclareFreeze>) -> Result<FreezeView, Refused> {
    let FreezeRequest {
        project,
        name,
        pipeline,
        stages,
        from,
        until,
        recurs,
        exempt,
        applies_to_rollback,
        reason,
    } = call.body.clone();
    // A project's freeze before the project has a pipeline is most often a misspelt name.
    seen::refuse_unseen(&call.app.hub, &call.sight, &[Named::Project(project.clone())]).await?;
    let pipeline = pipeline.map(|pipeline| PipelineRef {
        project: project.clone(),
        pipeline,
    });
    let now = Timestamp::now();
    let freeze = Freeze {
        name,
        pipeline,
        stages,
        from: from.unwrap_or(now),
        until,
        recurs,
        exempt,
        applies_to_rollback,
    };
    let command = Command::DeclareFreeze {
        project: project.clone(),
        freeze: freeze.clone(),
        reason: reason.clone(),
    };
    let receipt = call.submit(command).await?;
    let declared = receipt.events.iter().find_map(|recorded| match &recorded.event {
        Event::FreezeDeclared { freeze } => Some(freeze.clone()),
        _ => None,
    });
    let freeze = declared.unwrap_or(freeze);
    let state = call.app.hub.with_world(|world| world.project(&project).cloned());
    let calendars = state.map(|state| state.calendars.clone()).unwrap_or_default();
    Ok(FreezeView {
        project,
        in_force: freeze.is_in_force(now, &calendars),
        next: freeze.next(now, &calendars).ok().flatten(),
        freeze,
        by: Some(call.actor()?.id),
        reason: Some(reason.trim().to_owned()),
        erased: None,
    })
}
