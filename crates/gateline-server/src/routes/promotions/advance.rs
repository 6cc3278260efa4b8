//! `POST /api/v1/promotions/{project}/{pipeline}/{stage}/{number}/advance`

use gateline_api::{Advance, AdvanceRequest, PromotionView};
use gateline_core::Command;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<Advance>) -> Result<PromotionView, Refused> {
    let promotion = call.path.id();
    let AdvanceRequest { step, weight, reason } = call.body.clone();
    call.submit(Command::Advance {
        promotion: promotion.clone(),
        step,
        weight,
        reason,
    })
    .await?;
    views::promotion(&call.app.hub, &promotion).await
}
