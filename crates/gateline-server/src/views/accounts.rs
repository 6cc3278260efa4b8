//! Local accounts, and the sessions of whoever asks. No hash of a password and no id of a session leaves the server.

use gateline_api::{AccountView, SessionView};
use gateline_core::{Account, Credential};
use gateline_model::AccountName;
use jiff::{SignedDuration, Timestamp};

use crate::auth::{By, Caller, SESSION_IDLE_SECS_MAX};
use crate::hub::Hub;
use crate::refused::Refused;

/// The local accounts, by name.
pub(crate) fn accounts(hub: &Hub) -> Vec<AccountView> {
    hub.with_world(|world| {
        let server = world.project(&gateline_core::server_project());
        let accounts = server.into_iter().flat_map(|server| &server.accounts);
        accounts
            .map(|(account, is)| AccountView {
                account: account.clone(),
                disabled: *is == Account::Disabled,
            })
            .collect()
    })
}

/// The account by whose password the one who asks came in; none for a provider's people and for tokens.
pub(crate) fn own_account(hub: &Hub, caller: &Caller) -> Option<AccountName> {
    if caller.actor.shown != Credential::Session {
        return None;
    }
    let name: AccountName = caller.actor.id.as_str().parse().ok()?;
    let open = accounts(hub)
        .iter()
        .any(|account| account.account == name && !account.disabled);
    open.then_some(name)
}

/// Whether somebody can come in with a local account.
pub(crate) fn has_accounts(hub: &Hub) -> bool {
    accounts(hub).iter().any(|account| !account.disabled)
}

/// The sessions of whoever asks that are not over, the newest first.
pub(crate) async fn sessions(hub: &Hub, caller: &Caller) -> Result<Vec<SessionView>, Refused> {
    let actor = caller.actor.id.clone();
    let found = hub.read(move |store| store.sessions(&actor)).await?;
    let now = Timestamp::now();
    let idle = SignedDuration::from_secs(SESSION_IDLE_SECS_MAX);
    let live = found
        .into_iter()
        .filter(|session| now < session.ends && now <= session.used + idle);
    Ok(live
        .map(|session| SessionView {
            this: caller.by == By::Session(session.id),
            provider: session.provider,
            agent: session.agent,
            began: session.began,
            used: session.used,
            ends: session.ends,
        })
        .collect())
}
