//! Evidence: the immutable record that a check or a reporter leaves, bound to artifact digests.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ActorId, Digest, Facts, StageName};

/// Evidence is called by the digest of its record.
pub type EvidenceId = Digest;

/// What an observation came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The world said yes.
    Passed,
    /// The world said no.
    Failed,
    /// We could not find out. Never a pass.
    Errored,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outcome::Passed => "passed",
            Outcome::Failed => "failed",
            Outcome::Errored => "errored",
        })
    }
}

/// What was found out, or why it could not be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Found {
    /// The facts that were read. Gates judge them; evidence itself judges nothing.
    Facts {
        /// The facts.
        facts: Facts,
    },
    /// The tool did not look, its file could not be read, or the source did not answer.
    Errored {
        /// What went wrong and what to do.
        reason: String,
        /// The kind of facts that it would have had, where the format was known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<String>,
        /// The tools that it is from, or the suites that it has, as far as they were read.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        from: Vec<String>,
    },
}

/// One record, as reported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The artifacts that it speaks of.
    pub artifacts: Vec<Digest>,
    /// The stage that it was made in or for, where that matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<StageName>,
    /// The name that the reporter gave it, as in `unit`: gates may ask for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What was found.
    pub found: Found,
    /// The raw bytes, kept by digest; none for a live check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<Digest>,
    /// The format that the bytes were in, as in `junit`.
    pub format: String,
    /// What is odd about it, for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Who submitted it.
    pub by: ActorId,
    /// When it was recorded.
    pub at: Timestamp,
}

impl Evidence {
    /// The kind of facts that it has or would have had.
    pub fn kind(&self) -> Option<&str> {
        match &self.found {
            Found::Facts { facts } => Some(facts.kind()),
            Found::Errored { of, .. } => of.as_deref(),
        }
    }

    /// The tools or suites that it is known by, as far as they were read.
    pub fn sources(&self) -> &[String] {
        match &self.found {
            Found::Facts { facts } => facts.sources(),
            Found::Errored { from, .. } => from,
        }
    }

    /// The record's id.
    pub fn id(&self) -> EvidenceId {
        Digest::of_json(self)
    }
}
