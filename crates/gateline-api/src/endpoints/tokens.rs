//! Tokens: what lets an actor in. A secret is shown once and kept by nobody but its owner.

use gateline_model::{ActorId, GroupName, Scope, TokenId};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Empty;
use crate::endpoint::{endpoint, needs};

endpoint! {
    /// Lists the tokens that were issued and not revoked, without their secrets.
    ListTokens: Get "/api/v1/tokens", needs(Scope::Admin),
    path Empty, query Empty, body Empty, reply Vec<TokenView>
}
endpoint! {
    /// Makes a token. Its secret is in this reply and nowhere else.
    IssueToken: Post "/api/v1/tokens", needs(Scope::Admin),
    path Empty, query Empty, body TokenRequest, reply TokenReply
}
endpoint! {
    /// Withdraws a token at once.
    RevokeToken: Post "/api/v1/tokens/{id}/revoke", needs(Scope::Admin),
    path TokenPath, query Empty, body Empty as None, reply Vec<TokenView>
}

/// A token in a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenPath {
    /// Its id.
    pub id: TokenId,
}

/// A token to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// Its id.
    pub id: TokenId,
    /// Whose identity it carries.
    pub actor: ActorId,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Groups that it may approve for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupName>,
    /// When it ends; never where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// A new token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenReply {
    /// Its id.
    pub id: TokenId,
    /// The secret. It cannot be shown again.
    pub token: String,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// A token without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenView {
    /// Its id.
    pub id: TokenId,
    /// Whose identity it carries.
    pub actor: ActorId,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Groups that it may approve for.
    pub groups: Vec<GroupName>,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Whether its time is over.
    pub expired: bool,
}
