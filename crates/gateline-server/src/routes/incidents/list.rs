//! `GET /api/v1/incidents`

use gateline_api::{IncidentView, ListIncidents};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<ListIncidents>) -> Result<Vec<IncidentView>, Refused> {
    views::incidents(&call.app.hub, &call.sight, &call.query).await
}
