//! A statement with what proves who signed it. Checks nothing: `gateline-evidence` does.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::form::canonical;

/// A statement with what proves who signed it. Kept as canonical JSON beside the log, so that it can be looked at again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedStatement {
    /// The statement, byte for byte.
    pub statement: String,
    /// The key, by fingerprint.
    pub key: String,
    /// What the key made.
    pub proof: Proof,
}

/// What a key makes when it signs. Bytes are in base64url without padding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Proof {
    /// An SSH key's signature, as `ssh-keygen -Y sign` writes it.
    Ssh {
        /// From BEGIN to END.
        signature: String,
    },
    /// A passkey's assertion (Web Authentication, `AuthenticatorAssertionResponse`).
    Passkey {
        /// What the browser says that was asked, by whom.
        client_data: String,
        /// What the authenticator says of itself.
        authenticator_data: String,
        /// Its signature over both.
        signature: String,
    },
}

impl SignedStatement {
    /// Its one form: what is kept, and called by its digest.
    pub fn text(&self) -> String {
        canonical(self)
    }
}
