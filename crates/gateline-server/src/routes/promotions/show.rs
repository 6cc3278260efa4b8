//! `GET /api/v1/promotions/{project}/{pipeline}/{stage}/{number}`

use gateline_api::{GetPromotion, PromotionView};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<GetPromotion>) -> Result<PromotionView, Refused> {
    views::promotion(&call.app.hub, &call.path.id()).await
}
