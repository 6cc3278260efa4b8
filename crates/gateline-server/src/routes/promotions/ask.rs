//! `POST /api/v1/promotions/{project}/{pipeline}/{stage}/{number}/ask`

use gateline_api::{AskPerson, PromotionView};
use gateline_core::Command;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<AskPerson>) -> Result<PromotionView, Refused> {
    let promotion = call.path.id();
    let who = call.body.who.clone();
    call.submit(Command::AskPerson {
        promotion: promotion.clone(),
        who,
    })
    .await?;
    views::promotion(&call.app.hub, &promotion).await
}
