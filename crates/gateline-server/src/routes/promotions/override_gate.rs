//! `POST /api/v1/promotions/{project}/{pipeline}/{stage}/{number}/override`

use gateline_api::{OverrideGate, OverrideRequest, PromotionView};
use gateline_core::Command;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<OverrideGate>) -> Result<PromotionView, Refused> {
    let promotion = call.path.id();
    let OverrideRequest { gate, until, reason } = call.body.clone();
    call.submit(Command::Override {
        promotion: promotion.clone(),
        gate,
        until,
        reason,
    })
    .await?;
    views::promotion(&call.app.hub, &promotion).await
}
