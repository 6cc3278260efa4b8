//! `POST /api/v1/accounts`

use gateline_api::{AccountView, MakeAccount};
use gateline_core::Command;

use crate::auth;
use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<MakeAccount>) -> Result<Vec<AccountView>, Refused> {
    let account = call.body.account.clone();
    let beside = auth::kept_of(&account, &call.body.password).await?;
    call.submit_beside(Command::MakeAccount { account }, beside)
        .await?;
    Ok(views::accounts(&call.app.hub))
}
