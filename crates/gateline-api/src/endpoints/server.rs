//! The server itself: its description, its health and its numbers; logging in and out with a browser.

use gateline_model::{ProviderName, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::endpoint::{endpoint, needs};
use crate::{Empty, Password, Rule};

endpoint! {
    /// Describes the API: this document.
    GetOpenapi: Get "/api/openapi.json", Rule::Open,
    path Empty, query Empty, body Empty, reply serde_json::Value
}
endpoint! {
    /// Gives the server's numbers in OpenMetrics form.
    GetMetrics: Get "/metrics", needs(Scope::Read),
    path Empty, query Empty, body Empty, reply Empty as Text
}
endpoint! {
    /// Answers while the process lives.
    GetLiveness: Get "/healthz", Rule::Open,
    path Empty, query Empty, body Empty, reply Empty as Text
}
endpoint! {
    /// Answers 200 while the server decides, 503 with the reason while it does not.
    GetReadiness: Get "/readyz", Rule::Open,
    path Empty, query Empty, body Empty, reply Empty as Text
}
endpoint! {
    /// Trades a token, or a local account's name and password, for a session cookie.
    LogIn: Post "/login", Rule::Open,
    path Empty, query Empty, body LogInForm as Form, reply Empty as None
}
endpoint! {
    /// Sends a browser to a provider of identities to sign in there.
    BeginSignIn: Get "/login/{provider}", Rule::Open,
    path ProviderPath, query NextQuery, body Empty, reply Empty as None
}
endpoint! {
    /// Takes a browser that a provider sends back, and gives it a session cookie.
    EndSignIn: Get "/login/{provider}/callback", Rule::Open,
    path ProviderPath, query ProviderAnswer, body Empty, reply Empty as None
}
endpoint! {
    /// Ends the session and takes its cookie back.
    LogOut: Post "/logout", Rule::Open,
    path Empty, query Empty, body Empty as None, reply Empty as None
}

/// The form of the login page: a token, or an account with its password.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogInForm {
    /// The token's secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Password>,
    /// The local account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Its password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Password>,
    /// The page to go to then: a path of this server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A provider of identities in a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProviderPath {
    /// Its name in the server's settings.
    pub provider: ProviderName,
}

crate::named::of_the_server! { ProviderPath }

/// Where to go after a sign-in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NextQuery {
    /// A path of this server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What a provider sends a browser back with. Providers add parameters of their own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProviderAnswer {
    /// The code to redeem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The state that was sent along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The provider's own address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    /// Why there is no code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
