//! `GET /api/v1/overrides`

use gateline_api::{ListOverrides, OverridesView};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<ListOverrides>) -> Result<OverridesView, Refused> {
    views::overrides(&call.app.hub, &call.sight, call.query.project.as_ref()).await
}
