//! Registries: where what is attached to an artifact is looked for. Knows no network.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{SecretRef, Span};

/// The OCI registry that holds an artifact, and what is attached to it.
///
/// It is named apart from the artifact, so that whoever registers a release cannot choose who gets the credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    /// Its host, and port where it has one, as in `registry.example.com` or `127.0.0.1:5000`.
    pub registry: String,
    /// How it is spoken to. Where it is not given: `http` to this very host, `https` to any other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<Transport>,
    /// Who reads there, where it asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Password or access token, by reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretRef>,
    /// How long one look may take, with everything that is fetched.
    #[serde(default = "timeout_default")]
    pub timeout: Span,
}

/// How a registry is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// Encrypted.
    Https,
    /// Open to everybody on the way, credentials too.
    Http,
}

fn timeout_default() -> Span {
    Span::from_secs(30)
}
