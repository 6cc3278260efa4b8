//! `GET /api/v1/projects/{project}/incidents/{number}`

use gateline_api::{GetIncident, IncidentPath, IncidentView};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<GetIncident>) -> Result<IncidentView, Refused> {
    let IncidentPath { project, number } = &call.path;
    views::incident(&call.app.hub, &call.sight, project, *number).await
}
