//! `GET /api/v1/tokens`

use gateline_api::{ListTokens, TokenView};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<ListTokens>) -> Result<Vec<TokenView>, Refused> {
    Ok(views::tokens(&call.app.hub))
}
