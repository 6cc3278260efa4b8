//! What a release is made of: the components of a bill of materials.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FactRow, SHOWN_MAX, row};

/// Components kept in [`SbomFacts::components`]. What looks at single components cannot judge a bill of more.
pub const COMPONENTS_MAX: usize = 10_000;
/// Licences kept of one component.
pub const LICENCES_MAX: usize = 32;

/// A bill of materials (SBOM).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SbomFacts {
    /// The format and version of the document, as in `CycloneDX 1.6`.
    pub spec: String,
    /// The tools that wrote it, as in `syft 1.18.1`.
    pub tools: Vec<String>,
    /// What it describes, as the document names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Components in the document, the described one left out.
    pub total: u64,
    /// Components without a version.
    pub without_version: u64,
    /// Components without any licence.
    pub without_licence: u64,
    /// Components without a package URL.
    pub without_purl: u64,
    /// Whether the document says which component depends on which.
    pub relations: bool,
    /// The components in the order of the file; at most [`COMPONENTS_MAX`].
    pub components: Vec<Component>,
}

/// One component.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Component {
    /// Its name, with its group.
    pub name: String,
    /// Its version; empty where the document has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Its package URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purl: Option<String>,
    /// Its licences as SPDX expressions or ids where the document has such, else as names; at most [`LICENCES_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub licences: Vec<String>,
}

impl SbomFacts {
    /// Whether each component that was counted is also kept.
    pub fn all_kept(&self) -> bool {
        self.components.len() as u64 == self.total
    }

    pub(super) fn says(&self) -> String {
        format!(
            "{} components, {} without a licence ({})",
            self.total, self.without_licence, self.spec
        )
    }

    pub(super) fn rows(&self) -> Vec<FactRow> {
        let mut rows = vec![
            row("document", &self.spec),
            row("tools", self.tools.join(", ")),
            row("components", self.total),
            row("without version", self.without_version),
            row("without licence", self.without_licence),
            row("without purl", self.without_purl),
            row("dependencies", if self.relations { "told" } else { "not told" }),
        ];
        rows.extend(self.subject.iter().map(|subject| row("describes", subject)));
        rows.extend(
            self.components
                .iter()
                .take(SHOWN_MAX)
                .map(|component| row("component", component)),
        );
        let more = self.components.len().saturating_sub(SHOWN_MAX);
        rows.extend((more > 0).then(|| row("components", format!("and {more} more"))));
        rows
    }
}

impl std::fmt::Display for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.name)?;
        if !self.version.is_empty() {
            write!(f, " {}", self.version)?;
        }
        match self.licences.is_empty() {
            true => Ok(()),
            false => write!(f, " ({})", self.licences.join(", ")),
        }
    }
}
