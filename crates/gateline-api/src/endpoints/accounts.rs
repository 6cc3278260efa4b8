//! Local accounts, and the sessions of browsers. A password is written, never read back.

use gateline_model::{AccountName, Scope};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Empty;
use crate::endpoint::{endpoint, needs};

endpoint! {
    /// Lists the local accounts.
    ListAccounts: Get "/api/v1/accounts", needs(Scope::Admin),
    path Empty, query Empty, body Empty, reply Vec<AccountView>
}
endpoint! {
    /// Makes a local account with its password, or opens a disabled one again with a new password.
    MakeAccount: Post "/api/v1/accounts", needs(Scope::Admin),
    path Empty, query Empty, body AccountRequest as Secret, reply Vec<AccountView>
}
endpoint! {
    /// Gives a local account another password, and ends its sessions.
    SetPassword: Post "/api/v1/accounts/{account}/password", needs(Scope::Admin),
    path AccountPath, query Empty, body PasswordRequest as Secret, reply Vec<AccountView>
}
endpoint! {
    /// Lets nobody in with a local account any more, and ends its sessions.
    DisableAccount: Post "/api/v1/accounts/{account}/disable", needs(Scope::Admin),
    path AccountPath, query Empty, body Empty as None, reply Vec<AccountView>
}
endpoint! {
    /// Lists the sessions of whoever asks.
    ListSessions: Get "/api/v1/sessions", needs(Scope::Read),
    path Empty, query Empty, body Empty, reply Vec<SessionView>
}
endpoint! {
    /// Ends all sessions of whoever asks, but the one that asks.
    EndSessions: Post "/api/v1/sessions/end", needs(Scope::Read),
    path Empty, query Empty, body Empty as None, reply Vec<SessionView>
}

/// A local account in a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountPath {
    /// Its name.
    pub account: AccountName,
}

/// A password on its way in. Shown nowhere, not even in our own messages.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Password(pub String);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// A local account to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountRequest {
    /// Its name, which is its actor's id too.
    pub account: AccountName,
    /// Its password.
    pub password: Password,
}

/// A new password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordRequest {
    /// The password.
    pub password: Password,
}

/// A local account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountView {
    /// Its name.
    pub account: AccountName,
    /// Whether it lets nobody in any more.
    pub disabled: bool,
}

/// A browser that somebody signed in with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionView {
    /// By whose word: `local`, `token`, or the name of a provider.
    pub provider: String,
    /// What the browser calls itself.
    pub agent: String,
    /// When it began.
    pub began: Timestamp,
    /// When it was used last.
    pub used: Timestamp,
    /// When it ends at the latest.
    pub ends: Timestamp,
    /// Whether it is the one that asks.
    pub this: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_in_no_message() {
        let request = PasswordRequest {
            password: Password("hunter2".into()),
        };
        assert!(!format!("{request:?}").contains("hunter2"));
        assert_eq!(
            serde_json::to_string(&request).unwrap(),
            r#"{"password":"hunter2"}"#
        );
    }
}
