//! `GET /api/v1/accounts`

use gateline_api::{AccountView, ListAccounts};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<ListAccounts>) -> Result<Vec<AccountView>, Refused> {
    Ok(views::accounts(&call.app.hub))
}
