//! What a live check saw.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AttestationFacts, FactRow, row};
use crate::ruling::figure;
use crate::{Digest, PolicyReading};

/// What a live check saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum Reading {
    /// One number from a metric source.
    Metric {
        /// The number. Always finite: a source that answers NaN or infinity leaves `errored` evidence without a reading.
        value: f64,
        /// The query that was asked.
        query: String,
        /// The name of the source that answered.
        source: String,
    },
    /// One answer to one HTTP request.
    Http {
        /// The HTTP status code.
        status: u16,
        /// From the request to the end of the answer, in milliseconds.
        latency_ms: u64,
        /// Whether the body was as asked for; absent where nothing was asked of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body_matched: Option<bool>,
        /// The address that was asked.
        url: String,
    },
    /// One run of a command.
    Command {
        /// The exit code.
        exit_code: i32,
        /// How long it ran, in seconds; finite.
        seconds: f64,
        /// The end of what it printed.
        output_tail: String,
        /// The digest of all that it printed, where it was kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output_digest: Option<String>,
    },
    /// One look at the reported attestations, with the keys that a gate trusts.
    Attestation {
        /// Digest of the keys that were trusted.
        keys: Digest,
        /// Digest of the list of reports that were looked at.
        reports: Digest,
        /// The statements, each with whether its signature holds.
        found: AttestationFacts,
    },
    /// One run of a policy module.
    Policy(PolicyReading),
}

impl Reading {
    pub(super) fn says(&self) -> String {
        match self {
            Reading::Metric { value, query, source } => {
                format!("{} from {source} for `{query}`", figure(*value))
            }
            Reading::Http {
                status,
                latency_ms,
                url,
                body_matched: _,
            } => {
                format!("{status} in {latency_ms} ms from {url}")
            }
            Reading::Command {
                exit_code,
                seconds,
                output_tail: _,
                output_digest: _,
            } => {
                format!("exit code {exit_code} after {seconds:.1} s")
            }
            Reading::Attestation {
                found,
                keys: _,
                reports: _,
            } => found.says(),
            Reading::Policy(ran) => ran.says(),
        }
    }

    pub(super) fn rows(&self) -> Vec<FactRow> {
        match self {
            Reading::Attestation { found, .. } => found.rows(),
            Reading::Policy(ran) => ran.rows(),
            Reading::Metric { .. } | Reading::Http { .. } | Reading::Command { .. } => {
                vec![row("reading", self.says())]
            }
        }
    }
}
