//! `POST /api/v1/promotions/{project}/{pipeline}/{stage}/{number}/overrides/{gate}/review`

use gateline_api::{OverridesView, WriteReview};
use gateline_core::Command;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<WriteReview>) -> Result<OverridesView, Refused> {
    call.submit(Command::WriteReview {
        promotion: call.path.id(),
        gate: call.path.gate.clone(),
        text: call.body.reason.clone(),
    })
    .await?;
    views::overrides(&call.app.hub, &call.sight, Some(&call.path.project)).await
}
