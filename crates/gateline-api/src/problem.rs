//! Problem documents: what every refused request is answered with.
//! Document: RFC 9457, with the members `code`, `hint` and `findings` of our own.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::errors::{ErrorEntry, Exit, exit_of};

/// Where the types of problems are described.
const TYPE_BASE: &str = "https://gateline.dev/errors/";

/// Why a request was not fulfilled, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// A URI that names the type of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The type of problem, as a short sentence.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened here and why, as one sentence.
    pub detail: String,
    /// Stable code, as in `release.unknown`.
    pub code: String,
    /// What to do; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
    /// The path that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Every finding about a file that was sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

/// One finding about a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Stable word for the rule, as in `stages.cycle`.
    pub code: String,
    /// What is wrong, in one sentence.
    pub message: String,
    /// The file, as the caller named it.
    pub file: String,
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
    /// What was probably meant, or what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Problem {
    /// A problem of the error table, with what happened here.
    pub fn new(entry: &ErrorEntry, detail: impl Into<String>) -> Self {
        Self::coded(entry.code, entry.status, entry.title, detail, entry.hint)
    }

    /// A problem whose code comes from elsewhere: a rejection of the judgement.
    pub fn coded(code: &str, status: u16, title: &str, detail: impl Into<String>, hint: &str) -> Self {
        Self {
            kind: format!("{TYPE_BASE}{code}"),
            title: title.to_owned(),
            status,
            detail: detail.into(),
            code: code.to_owned(),
            hint: hint.to_owned(),
            instance: None,
            findings: Vec::new(),
        }
    }

    /// The exit code of a command that ends with it.
    pub fn exit(&self) -> Exit {
        exit_of(&self.code, self.status)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Problem {}
