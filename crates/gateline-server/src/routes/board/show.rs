//! `GET /api/v1/board`

use gateline_api::{Board, GetBoard};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<GetBoard>) -> Result<Board, Refused> {
    Ok(views::board(&call.app.hub, &call.sight, &call.query))
}
