//! `POST /api/v1/projects/{project}/incidents/{number}/close`

use gateline_api::{CloseIncident, CloseRequest, IncidentPath, IncidentView};
use gateline_core::Command;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<CloseIncident>) -> Result<IncidentView, Refused> {
    let IncidentPath { project, number } = call.path.clone();
    let CloseRequest { cause, reason } = call.body.clone();
    views::incident(&call.app.hub, &call.sight, &project, number).await?;
    call.submit(Command::CloseIncident {
        project: project.clone(),
        number,
        cause,
        reason,
    })
    .await?;
    views::incident(&call.app.hub, &call.sight, &project, number).await
}
