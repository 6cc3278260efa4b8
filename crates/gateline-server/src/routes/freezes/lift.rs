//! `POST /api/v1/freezes/{project}/{name}/lift`

use gateline_api::{FreezePath, FreezeView, LiftFreeze};
use gateline_core::Command;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<LiftFreeze>) -> Result<Vec<FreezeView>, Refused> {
    let FreezePath { project, name } = call.path.clone();
    let reason = call.body.reason.clone();
    call.submit(Command::LiftFreeze {
        project: project.clone(),
        name,
        reason,
    })
    .await?;
    views::freezes(&call.app.hub, &call.sight, Some(&project)).await
}
