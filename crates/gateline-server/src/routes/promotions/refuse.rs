//! `POST /api/v1/promotions/{project}/{pipeline}/{stage}/{number}/refuse`

use gateline_api::{PromotionView, Refuse, RefuseRequest};
use gateline_core::Command;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<Refuse>) -> Result<PromotionView, Refused> {
    let promotion = call.path.id();
    let RefuseRequest { no, question, reason } = call.body.clone();
    call.submit(Command::Refuse {
        promotion: promotion.clone(),
        no,
        question,
        reason,
    })
    .await?;
    views::promotion(&call.app.hub, &promotion).await
}
