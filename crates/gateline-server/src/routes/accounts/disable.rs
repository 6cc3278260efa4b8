//! `POST /api/v1/accounts/{account}/disable`

use gateline_api::{AccountView, DisableAccount};
use gateline_core::Command;

use crate::auth;
use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<DisableAccount>) -> Result<Vec<AccountView>, Refused> {
    let account = call.path.account.clone();
    let beside = auth::change_password(&account, None);
    call.submit_beside(Command::DisableAccount { account }, beside)
        .await?;
    Ok(views::accounts(&call.app.hub))
}
