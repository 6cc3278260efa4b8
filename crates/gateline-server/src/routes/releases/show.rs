//! `GET /api/v1/releases/{release}`

use gateline_api::{GetRelease, ReleaseView};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<GetRelease>) -> Result<ReleaseView, Refused> {
    views::release(&call.app.hub, &call.sight, &call.path.release).await
}
