//! `POST /api/v1/promotions/{project}/{pipeline}/{stage}/{number}/advance`

use gateline_api::{Advance, PromotionView};
use gateline_core::Command;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<Advance>) -> Result<PromotionView, Refused> {
    let promotion = call.path.id();
    let reason = call.body.reason.clone();
    call.submit(Command::Advance {
        promotion: promotion.clone(),
        reason,
    })
    .await?;
    views::promotion(&call.app.hub, &promotion).await
}
