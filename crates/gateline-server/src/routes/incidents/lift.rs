//! `POST /api/v1/projects/{project}/incidents/{number}/lift`

use gateline_api::{IncidentPath, IncidentView, LiftSuspect, LiftSuspectRequest};
use gateline_core::Command;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<LiftSuspect>) -> Result<IncidentView, Refused> {
    let IncidentPath { project, number } = call.path.clone();
    let LiftSuspectRequest { promotion, reason } = call.body.clone();
    views::incident(&call.app.hub, &call.sight, &project, number).await?;
    call.submit(Command::LiftSuspect {
        project: project.clone(),
        number,
        promotion,
        reason,
    })
    .await?;
    views::incident(&call.app.hub, &call.sight, &project, number).await
}
