//! `GET /api/v1/stages/{project}/{pipeline}/{stage}`

use gateline_api::{GetStage, StageView};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<GetStage>) -> Result<StageView, Refused> {
    views::stage(&call.app.hub, &call.path.reference()).await
}
