//! `POST /api/v1/promotions/{project}/{pipeline}/{stage}/{number}/refuse`

use gateline_api::{PromotionView, Refuse, RefuseRequest};
use gateline_core::Command;
use gateline_model::Answered;

use crate::call::Call;
use crate::refused::Refused;
use crate::{signing, views};

pub(crate) async fn handle(call: Call<Refuse>) -> Result<PromotionView, Refused> {
    let promotion = call.path.id();
    let RefuseRequest {
        no,
        question,
        reason,
        signed,
    } = call.body.clone();
    let answer = (Some(no).into(), reason.as_str());
    let answered = Answered::Promotion(promotion.clone());
    let signed = signing::of_call(&call, &answered, answer, signed.as_ref()).await?;
    let (signed, signed_to, kept) = signing::parts(signed);
    let command = Command::Refuse {
        promotion: promotion.clone(),
        no,
        question: question.or(signed_to),
        reason,
        signed,
    };
    call.submit_with(command, kept).await?;
    views::promotion(&call.app.hub, &promotion).await
}
