//! `POST /api/v1/promotions/{project}/{pipeline}/{stage}/{number}/overrides/{gate}/withdraw`

use gateline_api::{PromotionView, WithdrawOverride};
use gateline_core::Command;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<WithdrawOverride>) -> Result<PromotionView, Refused> {
    let promotion = call.path.id();
    call.submit(Command::WithdrawOverride {
        promotion: promotion.clone(),
        gate: call.path.gate.clone(),
        reason: call.body.reason.clone(),
    })
    .await?;
    views::promotion(&call.app.hub, &promotion).await
}
