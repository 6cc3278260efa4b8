//! `GET /api/v1/log/checkpoint`

use gateline_api::{Checkpoint, GetCheckpoint};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<GetCheckpoint>) -> Result<Checkpoint, Refused> {
    views::checkpoint(&call.app.hub).await
}
