//! `POST /api/v1/promotions/{project}/{pipeline}/{stage}/{number}/abort`

use gateline_api::{Abort, PromotionView};
use gateline_core::Command;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<Abort>) -> Result<PromotionView, Refused> {
    let promotion = call.path.id();
    let reason = call.body.reason.clone();
    call.submit(Command::Abort {
        promotion: promotion.clone(),
        reason,
    })
    .await?;
    views::promotion(&call.app.hub, &promotion).await
}
