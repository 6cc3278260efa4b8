//! Tests that ran.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FactRow, percent, row};
#[cfg(doc)]
use super::{MESSAGE_CHARS_MAX, NAME_CHARS_MAX};

/// Failed cases kept in [`TestFacts::failed_cases`]. Fifty fill a page; the whole list is in the reported file.
pub const FAILED_CASES_MAX: usize = 50;
/// Names kept in [`TestFacts::flaky_cases`].
pub const FLAKY_CASES_MAX: usize = 50;
/// Cases kept in [`TestFacts::slow_cases`]. Whoever wants to make a run faster begins with the first.
pub const SLOW_CASES_MAX: usize = 10;
/// Names kept in [`TestFacts::skipped_cases`].
pub const SKIPPED_CASES_MAX: usize = 50;
/// Suite names kept in [`TestFacts::suites`].
pub const SUITES_MAX: usize = 100;

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
    /// Names of flaky cases in the order of the file; at most [`FLAKY_CASES_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flaky_cases: Vec<String>,
    /// How long the run took, in seconds, as the report says; finite and never negative.
    pub duration_secs: f64,
    /// Failed and errored cases in the order of the file; at most [`FAILED_CASES_MAX`].
    pub failed_cases: Vec<FailedCase>,
    /// The cases that took longest, the slowest first; at most [`SLOW_CASES_MAX`], none where the report tells no times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slow_cases: Vec<SlowCase>,
    /// Names of skipped cases in the order of the file; at most [`SKIPPED_CASES_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped_cases: Vec<String>,
}

/// A test case and how long it took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SlowCase {
    /// Class and name of the case; at most [`NAME_CHARS_MAX`] characters.
    pub name: String,
    /// How long it took, in seconds; finite and more than none.
    pub secs: f64,
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

impl TestFacts {
    /// Skipped cases, in percent of all; `None` where there are no cases.
    pub fn skipped_percent(&self) -> Option<f64> {
        percent(self.skipped, self.total)
    }

    /// Keeps a case with the slowest, if it is one of them.
    pub fn took(&mut self, name: &str, secs: f64) {
        let at = self.slow_cases.partition_point(|slow| slow.secs >= secs);
        if secs > 0.0 && at < SLOW_CASES_MAX {
            self.slow_cases.truncate(SLOW_CASES_MAX - 1);
            let name = name.to_owned();
            self.slow_cases.insert(at, SlowCase { name, secs });
        }
    }

    pub(super) fn says(&self) -> String {
        let TestFacts {
            total,
            passed,
            failed,
            errored,
            skipped,
            ..
        } = self;
        format!("{passed} passed, {failed} failed, {errored} errored, {skipped} skipped of {total}")
    }

    pub(super) fn rows(&self) -> Vec<FactRow> {
        let mut rows = vec![
            row("tests", format!("{} in {:.1}s", self.total, self.duration_secs)),
            row("passed", format!("{}, {} of them flaky", self.passed, self.flaky)),
            row("failed", self.failed),
            row("errored", self.errored),
            row("skipped", self.skipped),
        ];
        rows.extend(self.suites.iter().map(|suite| row("suite", suite)));
        rows.extend(
            self.failed_cases
                .iter()
                .map(|case| row("case", format!("{}: {}", case.name, case.message))),
        );
        rows.extend(self.flaky_cases.iter().map(|case| row("flaky", case)));
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_slowest_cases_are_kept_and_the_slowest_is_first() {
        let mut facts = TestFacts::default();
        for secs in [3.0, 0.0, 7.0, 1.0, 5.0] {
            facts.took("case", secs);
        }
        let kept: Vec<f64> = facts.slow_cases.iter().map(|slow| slow.secs).collect();
        assert_eq!(kept, [7.0, 5.0, 3.0, 1.0]);
        for _ in 0..SLOW_CASES_MAX {
            facts.took("slower", 9.0);
        }
        assert_eq!(facts.slow_cases.len(), SLOW_CASES_MAX);
        assert!(facts.slow_cases.iter().all(|slow| slow.name == "slower"));
    }
}
