//! `POST /api/v1/accounts/{account}/password`

use gateline_api::{AccountView, SetPassword};
use gateline_core::Command;

use crate::auth;
use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<SetPassword>) -> Result<Vec<AccountView>, Refused> {
    let account = call.path.account.clone();
    let beside = auth::kept_of(&account, &call.body.password).await?;
    call.submit_beside(Command::SetPassword { account }, beside)
        .await?;
    Ok(views::accounts(&call.app.hub))
}
