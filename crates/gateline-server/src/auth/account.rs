//! Local accounts at the door: whether a name and a password belong together, how often that may be tried, and what is
//! kept of a new password. One rule for the login page, the page of one's own password and the API.

use std::net::IpAddr;

use gateline_api::{Password, entry};
use gateline_model::{AccountName, ActorId};
use gateline_store::PasswordChange;

use super::{PasswordError, hash_password, password_matches};
use crate::call::App;
use crate::hub::Beside;
use crate::refused::Refused;

/// The actor whose name and password these are. The same work and the same answer, whether there is such an account, it
/// is disabled, or the password is wrong.
///
/// # Errors
/// Too many tries, or they do not belong together.
pub(crate) async fn prove(
    app: &App,
    account: &str,
    Password(password): &Password,
    from: Option<IpAddr>,
) -> Result<ActorId, Refused> {
    let throttle = &app.access.throttle;
    throttle.try_once(account, from).map_err(|secs| {
        let why = format!(
            "too many passwords were tried for this account, or from this address; try again in {secs} s"
        );
        Refused::new(&entry::THROTTLED, why).after(secs)
    })?;
    let actor: Option<ActorId> = account.parse().ok();
    let looked_up = actor.clone();
    let hash = app.hub.read(move |store| match looked_up {
        Some(actor) => store.password(&actor),
        None => Ok(None),
    });
    let matches = password_matches(password, hash.await?).await;
    let Some(actor) = actor.filter(|_| matches) else {
        return Err(Refused::new(
            &entry::WRONG_PASSWORD,
            "the name and the password do not belong together",
        ));
    };
    throttle.succeeded(account, from);
    Ok(actor)
}

/// What is kept of an account's new password.
///
/// # Errors
/// What the password lacks.
pub(crate) async fn kept(account: &AccountName, Password(password): &Password) -> Result<Beside, Refused> {
    let hash = hash_password(password).await.map_err(|err| match err {
        PasswordError::Short | PasswordError::Long | PasswordError::Plain => {
            Refused::new(&entry::PASSWORD, err.to_string())
        }
        PasswordError::Machine(_) => Refused::new(&entry::UNAVAILABLE, err.to_string()),
    })?;
    Ok(change(account, Some(hash)))
}

/// An account's password, changed to this hash or taken away. Either ends its sessions.
pub(crate) fn change(account: &AccountName, hash: Option<String>) -> Beside {
    let account = account
        .as_str()
        .parse()
        .expect("an account's name is an actor's id");
    Beside {
        passwords: vec![PasswordChange { account, hash }],
        ..Beside::default()
    }
}
