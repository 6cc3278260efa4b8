//! `GET /api/v1/waivers`

use gateline_api::{ListWaivers, WaiverView};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<ListWaivers>) -> Result<Vec<WaiverView>, Refused> {
    views::waivers(&call.app.hub, &call.sight, &call.query).await
}
