//! `POST /api/v1/tokens/{id}/revoke`

use gateline_api::{RevokeToken, TokenView};
use gateline_core::Command;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<RevokeToken>) -> Result<Vec<TokenView>, Refused> {
    call.submit(Command::RevokeToken {
        id: call.path.id.clone(),
    })
    .await?;
    Ok(views::tokens(&call.app.hub))
}
