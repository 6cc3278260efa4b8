//! `POST /api/v1/promotions/{project}/{pipeline}/{stage}/{number}/approve`

use gateline_api::{Approve, ApproveRequest, PromotionView};
use gateline_core::Command;
use gateline_model::{Answer, Answered};

use crate::call::Call;
use crate::refused::Refused;
use crate::{signing, views};

pub(crate) async fn handle(call: Call<Approve>) -> Result<PromotionView, Refused> {
    let promotion = call.path.id();
    let ApproveRequest {
        question,
        comment,
        signed,
    } = call.body.clone();
    let text = comment.as_deref().unwrap_or_default();
    let answer = (Answer::Approve, text);
    let answered = Answered::Promotion(promotion.clone());
    let signed = signing::of_call(&call, &answered, answer, signed.as_ref()).await?;
    let (signed, signed_to, kept) = signing::parts(signed);
    let command = Command::Approve {
        promotion: promotion.clone(),
        question: question.or(signed_to),
        comment,
        signed,
    };
    call.submit_with(command, kept).await?;
    views::promotion(&call.app.hub, &promotion).await
}
