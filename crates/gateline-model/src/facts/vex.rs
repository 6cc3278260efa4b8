//! Which vulnerabilities a supplier says do or do not matter.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FactRow, SHOWN_MAX, row};

/// Statements kept in [`VexFacts::statements`]; a document of more is incomplete.
pub const VEX_STATEMENTS_MAX: usize = 5_000;
/// Products kept of one statement.
pub const VEX_PRODUCTS_MAX: usize = 100;

/// A VEX document (OpenVEX, or the vulnerabilities of a CycloneDX one).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VexFacts {
    /// Who says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// What is said, in the order of the file; at most [`VEX_STATEMENTS_MAX`]. A later one wins.
    pub statements: Vec<VexStatement>,
}

/// What is said of one vulnerability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VexStatement {
    /// The names of the vulnerability, as in `CVE-2026-1234`.
    pub vulnerability: Vec<String>,
    /// What it is about: package URLs or digests, as the document writes them; empty for the whole release.
    /// At most [`VEX_PRODUCTS_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<String>,
    /// The parts of those products that it is about, where it is not about the whole: elsewhere it says nothing of them.
    /// At most [`VEX_PRODUCTS_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<String>,
    /// What is said.
    pub status: VexStatus,
    /// Why, in the format's word or the author's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub justification: Option<String>,
}

/// What is said of a vulnerability, in OpenVEX's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VexStatus {
    /// It does no harm here.
    NotAffected,
    /// It does harm.
    Affected,
    /// It is mended in this version.
    Fixed,
    /// Nobody knows yet.
    UnderInvestigation,
}

impl VexStatus {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            VexStatus::NotAffected => "not_affected",
            VexStatus::Affected => "affected",
            VexStatus::Fixed => "fixed",
            VexStatus::UnderInvestigation => "under_investigation",
        }
    }
}

impl VexFacts {
    pub(super) fn says(&self) -> String {
        let clear = |one: &&VexStatement| matches!(one.status, VexStatus::NotAffected | VexStatus::Fixed);
        let cleared = self.statements.iter().filter(clear).count();
        format!(
            "{} statements, {cleared} of them clear a vulnerability",
            self.statements.len()
        )
    }

    pub(super) fn rows(&self) -> Vec<FactRow> {
        let mut rows: Vec<FactRow> = self.author.iter().map(|author| row("author", author)).collect();
        rows.extend(self.statements.iter().take(SHOWN_MAX).map(|one| {
            let why = one.justification.as_deref().unwrap_or("no reason given");
            row(
                one.status.name(),
                format!("{}: {why}", one.vulnerability.join(", ")),
            )
        }));
        let more = self.statements.len().saturating_sub(SHOWN_MAX);
        rows.extend((more > 0).then(|| row("statements", format!("and {more} more"))));
        rows
    }
}
