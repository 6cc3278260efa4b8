//! Which lines a change adds: what coverage of new lines is measured against.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FactRow, LineSet, SHOWN_MAX, row};

/// Files kept in [`PatchFacts::files`]; a patch of more is incomplete.
pub const PATCH_FILES_MAX: usize = 5_000;

/// A patch (unified diff).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PatchFacts {
    /// Lines that it adds.
    pub added: u64,
    /// Lines that it removes.
    pub removed: u64,
    /// Files that it touches, in the order of the patch; at most [`PATCH_FILES_MAX`].
    pub files: Vec<PatchFile>,
}

/// One file of a patch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PatchFile {
    /// Its path after the change.
    pub path: String,
    /// Its path before the change, where that was another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// The lines that are new, as they are numbered after the change.
    pub added: LineSet,
}

impl PatchFile {
    /// Its paths before and after the change.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.was.as_deref().into_iter().chain([self.path.as_str()])
    }
}

impl PatchFacts {
    pub(super) fn says(&self) -> String {
        format!(
            "{} files, {} lines added, {} removed",
            self.files.len(),
            self.added,
            self.removed
        )
    }

    pub(super) fn rows(&self) -> Vec<FactRow> {
        let mut rows = vec![row("added", self.added), row("removed", self.removed)];
        rows.extend(
            self.files
                .iter()
                .take(SHOWN_MAX)
                .map(|file| row("file", format!("{} +{}", file.path, file.added.count()))),
        );
        let more = self.files.len().saturating_sub(SHOWN_MAX);
        rows.extend((more > 0).then(|| row("files", format!("and {more} more"))));
        rows
    }
}
