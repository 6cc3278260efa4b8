//! `GET /api/v1/releases`

use gateline_api::{ListReleases, Page, ReleaseSummary};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<ListReleases>) -> Result<Page<ReleaseSummary>, Refused> {
    views::releases(&call.app.hub, &call.sight, call.query).await
}
