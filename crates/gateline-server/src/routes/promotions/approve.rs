//! `POST /api/v1/promotions/{project}/{pipeline}/{stage}/{number}/approve`

use gateline_api::{Approve, ApproveRequest, PromotionView};
use gateline_core::Command;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<Approve>) -> Result<PromotionView, Refused> {
    let promotion = call.path.id();
    let ApproveRequest { question, comment } = call.body.clone();
    call.submit(Command::Approve {
        promotion: promotion.clone(),
        question,
        comment,
        signed: None,
    })
    .await?;
    views::promotion(&call.app.hub, &promotion).await
}
