//! `GET /api/v1/freezes`

use gateline_api::{FreezeView, ListFreezes};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<ListFreezes>) -> Result<Vec<FreezeView>, Refused> {
    views::freezes(&call.app.hub, &call.sight, call.query.project.as_ref()).await
}
