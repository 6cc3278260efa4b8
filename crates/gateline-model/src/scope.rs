//! Scopes: what a token may do. Knows no token and no route; what each needs, its declaration says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Everything, tokens too.
    Admin,
    /// Look at everything but secrets.
    Read,
    /// Register releases.
    Register,
    /// Submit evidence.
    SubmitEvidence,
    /// Request, abort, pause, resume and roll back promotions.
    Promote,
    /// Approve for the token's groups.
    Approve,
    /// Waive findings and lift waivers.
    Waive,
    /// Override gates.
    Override,
    /// Declare and lift freezes.
    Freeze,
    /// Open and close incidents.
    Incident,
    /// Apply pipelines, roles and policies.
    Apply,
}

impl Scope {
    /// Every one.
    pub const ALL: [Scope; 11] = [
        Scope::Admin,
        Scope::Read,
        Scope::Register,
        Scope::SubmitEvidence,
        Scope::Promote,
        Scope::Approve,
        Scope::Waive,
        Scope::Override,
        Scope::Freeze,
        Scope::Incident,
        Scope::Apply,
    ];

    /// The word, as JSON writes it.
    pub fn word(self) -> &'static str {
        match self {
            Scope::Admin => "admin",
            Scope::Read => "read",
            Scope::Register => "register",
            Scope::SubmitEvidence => "submit_evidence",
            Scope::Promote => "promote",
            Scope::Approve => "approve",
            Scope::Waive => "waive",
            Scope::Override => "override",
            Scope::Freeze => "freeze",
            Scope::Incident => "incident",
            Scope::Apply => "apply",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_scopes_are_those_of_the_stored_form() {
        for scope in Scope::ALL {
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.word());
        }
    }
}
