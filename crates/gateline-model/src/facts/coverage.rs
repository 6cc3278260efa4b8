//! Code that the tests reached.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FactRow, LineSet, percent, row};

/// Files kept in [`CoverageFacts::by_file`]; a report of more keeps none.
pub const COVERED_FILES_MAX: usize = 5_000;
/// Ranges of lines kept in all of [`CoverageFacts::by_file`]; a report of more keeps none.
pub const COVERED_RANGES_MAX: usize = 100_000;

/// Code that the tests reached.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CoverageFacts {
    /// Source files measured.
    pub files: u64,
    /// Lines that could be reached.
    pub lines_total: u64,
    /// Lines that were reached; never more than `lines_total`.
    pub lines_hit: u64,
    /// Branches that could be taken; absent where the tool recorded none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branches_total: Option<u64>,
    /// Branches that were taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branches_hit: Option<u64>,
    /// Functions that could be entered; absent where the tool recorded none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub functions_total: Option<u64>,
    /// Functions that were entered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub functions_hit: Option<u64>,
    /// Lines of each file, by path; empty where the tool tells only totals, or where they are more than are kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_file: Vec<FileLines>,
}

/// Which lines of one file were reached and which were not.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FileLines {
    /// The path as the tool writes it.
    pub path: String,
    /// Lines that were reached.
    pub hit: LineSet,
    /// Lines that could be reached and were not.
    pub missed: LineSet,
}

impl CoverageFacts {
    /// Lines reached, in percent of those that could be; `None` if nothing was measured.
    pub fn lines_percent(&self) -> Option<f64> {
        percent(self.lines_hit, self.lines_total)
    }

    /// Branches taken, in percent; `None` if the tool recorded none.
    pub fn branches_percent(&self) -> Option<f64> {
        percent(self.branches_hit?, self.branches_total?)
    }

    /// Functions entered, in percent; `None` if the tool recorded none.
    pub fn functions_percent(&self) -> Option<f64> {
        percent(self.functions_hit?, self.functions_total?)
    }
}

impl CoverageFacts {
    pub(super) fn says(&self) -> String {
        match self.lines_percent() {
            Some(percent) => {
                format!(
                    "{percent:.1}% of lines ({} of {})",
                    self.lines_hit, self.lines_total
                )
            }
            None => "no line was measured".to_owned(),
        }
    }

    pub(super) fn rows(&self) -> Vec<FactRow> {
        let share = |percent: Option<f64>, hit: u64, total: u64| match percent {
            Some(percent) => format!("{percent:.2}% ({hit} of {total})"),
            None => "nothing was measured".to_owned(),
        };
        let mut rows = vec![
            row("files", self.files),
            row(
                "lines",
                share(self.lines_percent(), self.lines_hit, self.lines_total),
            ),
        ];
        if let (Some(hit), Some(total)) = (self.branches_hit, self.branches_total) {
            rows.push(row("branches", share(self.branches_percent(), hit, total)));
        }
        if let (Some(hit), Some(total)) = (self.functions_hit, self.functions_total) {
            rows.push(row("functions", share(self.functions_percent(), hit, total)));
        }
        rows
    }
}
