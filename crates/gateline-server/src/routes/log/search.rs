//! `GET /api/v1/log`

use gateline_api::{LogPage, SearchLog};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<SearchLog>) -> Result<LogPage, Refused> {
    views::log(&call.app.hub, &call.sight, call.query).await
}
