//! `POST /api/v1/accounts/{account}/password`

use gateline_api::{AccountView, Password, SetPassword, entry};
use gateline_core::Command;
use gateline_model::AccountName;
use gateline_store::PasswordChange;

use crate::auth::{PasswordError, hash_password};
use crate::call::Call;
use crate::hub::Beside;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<SetPassword>) -> Result<Vec<AccountView>, Refused> {
    let account = call.path.account.clone();
    let beside = beside(&account, &call.body.password).await?;
    call.submit_beside(Command::SetPassword { account }, beside)
        .await?;
    Ok(views::accounts(&call.app.hub))
}

/// What is kept of an account's new password.
pub(super) async fn beside(account: &AccountName, password: &Password) -> Result<Beside, Refused> {
    let hash = hash_password(&password.0).await.map_err(|err| match err {
        PasswordError::Short | PasswordError::Long | PasswordError::Plain => {
            Refused::new(&entry::PASSWORD, err.to_string())
        }
        PasswordError::Machine(_) => Refused::new(&entry::UNAVAILABLE, err.to_string()),
    })?;
    Ok(change(account, Some(hash)))
}

pub(super) fn change(account: &AccountName, hash: Option<String>) -> Beside {
    let account = account
        .as_str()
        .parse()
        .expect("an account's name is an actor's id");
    Beside {
        passwords: vec![PasswordChange { account, hash }],
        ..Beside::default()
    }
}
