//! The server itself: its description, its health and its numbers; logging in and out with a browser.

use gateline_model::Scope;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::endpoint::{endpoint, needs};
use crate::{Empty, Rule};

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
    /// Trades a token for a session cookie.
    LogIn: Post "/login", Rule::Open,
    path Empty, query Empty, body LogInForm as Form, reply Empty as None
}
endpoint! {
    /// Takes the session cookie back.
    LogOut: Post "/logout", Rule::Open,
    path Empty, query Empty, body Empty as None, reply Empty as None
}

/// The form of the login page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogInForm {
    /// The token's secret.
    pub token: String,
    /// The page to go to then: a path of this server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
