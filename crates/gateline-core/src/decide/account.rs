//! Deciding about local accounts: whether there is one, and whether it may be used. Knows no password: what is kept of it
//! stands in rows beside the log, and comes and goes with the events of this file.

use gateline_model::{AccountName, Event, StreamId};

use super::{private, server_project};
use crate::draft::Draft;
use crate::rejection::Rejection;
use crate::state::Account;

/// Most local accounts: more people than that have a provider of identities.
pub const ACCOUNTS_MAX: usize = 1_000;

/// Makes an account; one that is disabled is opened again.
pub(super) fn make(draft: &mut Draft<'_>, account: &AccountName) -> Result<(), Rejection> {
    let state = draft.project(&server_project());
    let accounts = state.as_ref().map(|state| &state.accounts);
    match accounts.and_then(|accounts| accounts.get(account)) {
        Some(Account::Open) => {
            return Err(Rejection::conflict(
                "account.exists",
                format!("there is an account `{account}` already"),
                "give it another password with `gateline account password NAME`",
            ));
        }
        Some(Account::Disabled) | None => {}
    }
    if account.as_str() == crate::Actor::gateline().id.as_str() {
        return Err(Rejection::forbidden(
            "account.reserved",
            format!("`{account}` is Gateline itself"),
            "give the account another name",
        ));
    }
    if accounts.is_some_and(|accounts| accounts.len() >= ACCOUNTS_MAX && !accounts.contains_key(account)) {
        return Err(Rejection::conflict(
            "account.too_many",
            format!("there are {ACCOUNTS_MAX} accounts, the limit (ACCOUNTS_MAX)"),
            "let people sign in with a provider: docs/guides/sign-in.md",
        ));
    }
    emit(
        draft,
        Event::AccountMade {
            account: account.clone(),
        },
    );
    Ok(())
}

/// Gives an account another password.
pub(super) fn set_password(draft: &mut Draft<'_>, account: &AccountName) -> Result<(), Rejection> {
    open(draft, account)?;
    emit(
        draft,
        Event::PasswordSet {
            account: account.clone(),
        },
    );
    Ok(())
}

/// Lets nobody in with an account any more.
pub(super) fn disable(draft: &mut Draft<'_>, account: &AccountName) -> Result<(), Rejection> {
    open(draft, account)?;
    emit(
        draft,
        Event::AccountDisabled {
            account: account.clone(),
        },
    );
    Ok(())
}

fn open(draft: &mut Draft<'_>, account: &AccountName) -> Result<(), Rejection> {
    let state = draft.project(&server_project());
    match state.as_ref().and_then(|state| state.accounts.get(account)) {
        Some(Account::Open) => Ok(()),
        Some(Account::Disabled) => Err(Rejection::conflict(
            "account.disabled",
            format!("account `{account}` is disabled"),
            "open it again, with a new password, with `gateline account create NAME`",
        )),
        None => Err(Rejection::unknown(
            "account.unknown",
            format!("there is no account `{account}`"),
            "list them with `gateline account list`",
        )),
    }
}

fn emit(draft: &mut Draft<'_>, event: Event) {
    let text = private(draft, None);
    draft.emit_with(StreamId::Project(server_project()), event, text);
}
