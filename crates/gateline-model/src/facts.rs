//! Facts: what a piece of evidence says, in numbers a gate can judge.
//!
//! Read from tool output by `gateline-evidence`, or seen by a live check. Lists are bounded and texts are shortened
//! when they are read; counts never are. Knows no threshold: whether the numbers are good enough is for a gate to say.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Failed cases kept in [`TestFacts::failed_cases`]. Fifty fill a page; the whole list is in the reported file.
pub const FAILED_CASES_MAX: usize = 50;
/// Findings kept in [`FindingFacts::top`], the worst first.
pub const FINDINGS_MAX: usize = 50;
/// Suite names kept in [`TestFacts::suites`].
pub const SUITES_MAX: usize = 100;
/// Tool names kept in [`FindingFacts::tools`].
pub const TOOLS_MAX: usize = 20;
/// Characters kept of the name of a suite, case, rule, tool or file.
pub const NAME_CHARS_MAX: usize = 200;
/// Characters kept of the message of a failed case or a finding.
pub const MESSAGE_CHARS_MAX: usize = 400;

/// What a piece of evidence says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Facts {
    /// Tests that ran.
    Tests(TestFacts),
    /// Code that the tests reached.
    Coverage(CoverageFacts),
    /// Findings of linters and scanners.
    Findings(FindingFacts),
    /// What a live check saw.
    Reading(Reading),
}

impl Facts {
    /// The word for this kind of facts, as in the stored form.
    pub fn kind(&self) -> &'static str {
        match self {
            Facts::Tests(_) => "tests",
            Facts::Coverage(_) => "coverage",
            Facts::Findings(_) => "findings",
            Facts::Reading(_) => "reading",
        }
    }
}

/// Tests that ran. Always `total == passed + failed + errored + skipped`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TestFacts {
    /// Names of the suites in the order of the file, each once; at most [`SUITES_MAX`].
    pub suites: Vec<String>,
    /// Cases in the report, skipped ones included.
    pub total: u64,
    /// Cases that passed, flaky ones included.
    pub passed: u64,
    /// Cases in which an assertion failed.
    pub failed: u64,
    /// Cases that could not be run to their end.
    pub errored: u64,
    /// Cases that were not run.
    pub skipped: u64,
    /// Cases that failed first and passed when run again; counted in `passed` too.
    pub flaky: u64,
    /// How long the run took, in seconds, as the report says; finite and never negative.
    pub duration_secs: f64,
    /// Failed and errored cases in the order of the file; at most [`FAILED_CASES_MAX`].
    pub failed_cases: Vec<FailedCase>,
}

/// A test case that failed or errored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FailedCase {
    /// Class and name of the case; at most [`NAME_CHARS_MAX`] characters.
    pub name: String,
    /// The file of the case, where the report names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in that file, where the report names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// What went wrong, on one line; at most [`MESSAGE_CHARS_MAX`] characters, empty if the report is silent.
    pub message: String,
}

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

fn percent(hit: u64, total: u64) -> Option<f64> {
    (total > 0).then(|| hit as f64 * 100.0 / total as f64)
}

/// How grave a finding is, in SARIF's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingLevel {
    /// A serious problem.
    Error,
    /// A problem.
    Warning,
    /// A hint, or a small problem.
    Note,
    /// Nothing to mend: the tool only tells.
    None,
}

impl FindingLevel {
    /// Every level, the gravest first.
    pub const ALL: [FindingLevel; 4] = [
        FindingLevel::Error,
        FindingLevel::Warning,
        FindingLevel::Note,
        FindingLevel::None,
    ];

    /// The word for this level.
    pub fn name(self) -> &'static str {
        match self {
            FindingLevel::Error => "error",
            FindingLevel::Warning => "warning",
            FindingLevel::Note => "note",
            FindingLevel::None => "none",
        }
    }
}

/// Findings of linters and scanners.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FindingFacts {
    /// Names of the tools, each once; at most [`TOOLS_MAX`].
    pub tools: Vec<String>,
    /// Runs of tools in the report.
    pub runs: u64,
    /// Findings of level `error`; like all counts here without the suppressed ones.
    pub errors: u64,
    /// Findings of level `warning`.
    pub warnings: u64,
    /// Findings of level `note`.
    pub notes: u64,
    /// Findings of level `none`.
    pub none: u64,
    /// Findings that the tool itself says were accepted, in its source comments or settings; in no other count.
    pub suppressed: u64,
    /// The gravest findings, then in the order of the file; at most [`FINDINGS_MAX`].
    pub top: Vec<Finding>,
}

impl FindingFacts {
    /// How many findings have exactly this level.
    pub fn count(&self, level: FindingLevel) -> u64 {
        match level {
            FindingLevel::Error => self.errors,
            FindingLevel::Warning => self.warnings,
            FindingLevel::Note => self.notes,
            FindingLevel::None => self.none,
        }
    }
}

/// One thing that a linter or scanner found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The rule that was broken; absent where the tool names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// How grave it is.
    pub level: FindingLevel,
    /// What is wrong, on one line; at most [`MESSAGE_CHARS_MAX`] characters.
    pub message: String,
    /// Where it is, as the tool writes it (a path or a URI).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in that file, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
}

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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_stored_flat_with_both_tags() {
        let facts = Facts::Reading(Reading::Metric {
            value: 2.0,
            query: "up".into(),
            source: "prometheus".into(),
        });
        let stored = serde_json::to_string(&facts).expect("facts are plain data");
        let flat = r#"{"kind":"reading","of":"metric","value":2.0,"query":"up","source":"prometheus"}"#;
        assert_eq!(stored, flat);
        assert_eq!(serde_json::from_str::<Facts>(&stored).expect("reads back"), facts);
    }

    #[test]
    fn the_stored_tag_is_the_kind() {
        for facts in [
            Facts::Tests(TestFacts::default()),
            Facts::Coverage(CoverageFacts::default()),
            Facts::Findings(FindingFacts::default()),
        ] {
            let stored = serde_json::to_value(&facts).expect("facts are plain data");
            assert_eq!(stored["kind"], facts.kind());
            assert_eq!(
                serde_json::from_value::<Facts>(stored).expect("reads back"),
                facts
            );
        }
    }

    #[test]
    fn coverage_of_nothing_has_no_percentage() {
        assert_eq!(CoverageFacts::default().lines_percent(), None);
        let half = CoverageFacts {
            lines_total: 8,
            lines_hit: 4,
            ..CoverageFacts::default()
        };
        assert_eq!(half.lines_percent(), Some(50.0));
        assert_eq!(half.branches_percent(), None);
    }

    #[test]
    fn an_absent_number_is_left_out_of_the_stored_form() {
        let stored = serde_json::to_string(&CoverageFacts::default()).expect("facts are plain data");
        assert!(!stored.contains("branches"), "{stored}");
    }
}
