//! `POST /api/v1/promotions/{project}/{pipeline}/{stage}/{number}/overrides/{gate}/confirm`

use gateline_api::{ConfirmOverride, PromotionView};
use gateline_core::Command;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<ConfirmOverride>) -> Result<PromotionView, Refused> {
    let promotion = call.path.id();
    call.submit(Command::ConfirmOverride {
        promotion: promotion.clone(),
        gate: call.path.gate.clone(),
        asked_at: call.body.asked_at,
    })
    .await?;
    views::promotion(&call.app.hub, &promotion).await
}
