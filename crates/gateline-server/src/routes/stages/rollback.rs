//! `POST /api/v1/stages/{project}/{pipeline}/{stage}/rollback`

use gateline_api::{PromotionView, RollBack};
use gateline_core::Command;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<RollBack>) -> Result<PromotionView, Refused> {
    let stage = call.path.reference();
    let reason = call.body.reason.clone();
    let receipt = call
        .submit(Command::RollBack {
            stage: stage.clone(),
            reason,
        })
        .await?;
    let hub = &call.app.hub;
    views::promotion(hub, &views::opened(hub, &receipt, &stage, None)?).await
}
