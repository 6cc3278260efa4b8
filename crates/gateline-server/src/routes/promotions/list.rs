//! `GET /api/v1/promotions`

use gateline_api::{ListPromotions, Page, PromotionSummary};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<ListPromotions>) -> Result<Page<PromotionSummary>, Refused> {
    views::promotions(&call.app.hub, &call.sight, call.query).await
}
