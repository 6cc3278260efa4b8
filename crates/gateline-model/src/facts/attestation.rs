//! What signed statements say, and who signed them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{FactRow, row};
use crate::Digest;

/// Statements kept in [`AttestationFacts::statements`].
pub const STATEMENTS_MAX: usize = 100;
/// Subjects kept of one statement.
pub const SUBJECTS_MAX: usize = 100;
/// Bytes of JSON kept of the external parameters of a provenance; larger ones make the report incomplete.
pub const PARAMETERS_BYTES_MAX: usize = 64 * 1024;

/// Statements about artifacts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AttestationFacts {
    /// The statements, in the order in which they were found; at most [`STATEMENTS_MAX`].
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Statement {
    /// What sort of statement, as in `https://slsa.dev/provenance/v1`; a bare signature has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicate_type: Option<String>,
    /// SHA-256 digests of what it is about; at most [`SUBJECTS_MAX`].
    pub subjects: Vec<Digest>,
    /// Whether and by whom it is signed.
    pub signature: Signature,
    /// What a provenance says, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<Provenance>,
    /// What a test result, a verification summary or the like came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
}

/// Whether and by whom a statement is signed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Signature {
    /// Nobody looked yet: a gate looks, with the keys that it trusts.
    Unchecked,
    /// It holds.
    Verified {
        /// The signer: the key that the gate names, or the identity in the certificate.
        signer: String,
        /// Who vouches for that identity, for a certificate.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        issuer: Option<String>,
    },
    /// It does not hold.
    Broken {
        /// Why.
        reason: String,
    },
}

/// How an artifact was built (SLSA provenance v1).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Provenance {
    /// Who built it.
    pub builder: String,
    /// By which process.
    pub build_type: String,
    /// The source repository, where the parameters or dependencies tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The ref in it, as in `refs/heads/main`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ref: Option<String>,
    /// The commit, where it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// What the caller could set, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Value>,
    /// Digest over the inputs (parameters and resolved dependencies): two builds of the same inputs share it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Digest>,
    /// The run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invocation: Option<String>,
}

impl Signature {
    pub(super) fn says(&self) -> String {
        match self {
            Signature::Unchecked => "signature not looked at yet".to_owned(),
            Signature::Verified { signer, issuer: None } => format!("signed by {signer}"),
            Signature::Verified {
                signer,
                issuer: Some(issuer),
            } => format!("signed by {signer} (vouched for by {issuer})"),
            Signature::Broken { reason } => format!("signature does not hold: {reason}"),
        }
    }
}

impl AttestationFacts {
    pub(super) fn says(&self) -> String {
        match self.statements.as_slice() {
            [] => "no statement".to_owned(),
            [one] => one.says(),
            [first, rest @ ..] => format!("{}, and {} more statements", first.says(), rest.len()),
        }
    }

    pub(super) fn rows(&self) -> Vec<FactRow> {
        self.statements.iter().flat_map(Statement::rows).collect()
    }
}

impl Statement {
    fn says(&self) -> String {
        let what = self.predicate_type.as_deref().unwrap_or("bare signature");
        let result = self
            .result
            .iter()
            .map(|result| format!(" {result}"))
            .collect::<String>();
        format!("{what}{result}, {}", self.signature.says())
    }

    fn rows(&self) -> Vec<FactRow> {
        let mut rows = vec![row("statement", self.says())];
        rows.extend(self.subjects.iter().map(|subject| row("subject", subject)));
        if let Some(provenance) = &self.provenance {
            let Provenance {
                builder,
                build_type,
                source,
                source_ref,
                commit,
                parameters,
                inputs: _,
                invocation,
            } = provenance;
            rows.push(row("builder", builder));
            rows.push(row("build type", build_type));
            rows.extend(source.iter().map(|source| row("source", source)));
            rows.extend(source_ref.iter().map(|at| row("ref", at)));
            rows.extend(commit.iter().map(|commit| row("commit", commit)));
            rows.extend(
                parameters
                    .iter()
                    .map(|(name, value)| row("parameter", format!("{name} = {value}"))),
            );
            rows.extend(invocation.iter().map(|run| row("invocation", run)));
        }
        rows
    }
}
