//! The tests of a module: rules `test_NAME`, run as `opa test` runs them, with the lines that they covered.

use std::collections::BTreeSet;

use jiff::Timestamp;
use regorus::Value;
use serde::Serialize;

use super::ask::RunOf;
use super::load::{Module, Test};
use super::on_large_stack;

/// What all tests of a module came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suite {
    /// Each test, in the order of files and lines.
    pub tests: Vec<Run>,
    /// Each source without tests, by path.
    pub coverage: Vec<FileCoverage>,
}

/// One test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Its file.
    pub file: String,
    /// The line that it begins in.
    pub line: u32,
    /// Its package.
    pub package: String,
    /// Its name.
    pub name: String,
    /// What it came to.
    #[serde(flatten)]
    pub outcome: TestOutcome,
    /// What it printed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<String>,
}

/// What a test came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum TestOutcome {
    /// It is true.
    Passed,
    /// It is anything else, or not defined.
    Failed,
    /// It could not be found out.
    Errored {
        /// Why.
        why: String,
    },
    /// Its name begins with `todo_`.
    Skipped,
}

/// The lines of one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileCoverage {
    /// Its path.
    pub file: String,
    /// Lines that a test ran.
    pub covered: BTreeSet<u32>,
    /// Lines that none ran.
    pub not_covered: BTreeSet<u32>,
}

impl Suite {
    /// Whether there is a test, and none failed or errored.
    pub fn passed(&self) -> bool {
        let is_good = |run: &Run| matches!(run.outcome, TestOutcome::Passed | TestOutcome::Skipped);
        self.tests.iter().any(|run| run.outcome == TestOutcome::Passed) && self.tests.iter().all(is_good)
    }

    /// Covered lines and all lines that can be.
    pub fn lines(&self) -> (usize, usize) {
        let covered = self.coverage.iter().map(|file| file.covered.len()).sum();
        let not: usize = self.coverage.iter().map(|file| file.not_covered.len()).sum();
        (covered, covered + not)
    }
}

impl Module {
    /// Runs the tests, each within the limits of one input.
    ///
    /// # Errors
    /// Why none could be run.
    pub fn test(&self, now: Timestamp) -> Result<Suite, String> {
        on_large_stack(|| self.run_tests(now)).flatten()
    }

    fn run_tests(&self, now: Timestamp) -> Result<Suite, String> {
        let mut coverage: Vec<FileCoverage> = Vec::new();
        let mut tests = Vec::new();
        for test in &self.tests {
            let mut run = RunOf::new(self, now);
            run.engine.set_enable_coverage(true);
            let outcome = outcome(&mut run, test);
            let report = run.engine.get_coverage_report().map_err(|err| err.to_string())?;
            for file in report.files {
                let found = coverage.iter_mut().find(|known| known.file == file.path);
                let Some(known) = found else {
                    coverage.push(FileCoverage {
                        file: file.path,
                        covered: file.covered,
                        not_covered: file.not_covered,
                    });
                    continue;
                };
                known.covered.extend(&file.covered);
                let FileCoverage {
                    covered, not_covered, ..
                } = known;
                not_covered.retain(|line| !covered.contains(line));
            }
            tests.push(Run {
                file: test.file.clone(),
                line: test.line,
                package: test.package.join("."),
                name: test.rule.clone(),
                outcome,
                output: run.engine.take_prints().unwrap_or_default(),
            });
        }
        coverage.retain(|file| !file.file.ends_with("_test.rego"));
        coverage.sort_by(|a, b| a.file.cmp(&b.file));
        Ok(Suite { tests, coverage })
    }
}

fn outcome(run: &mut RunOf, test: &Test) -> TestOutcome {
    if test.rule.starts_with("todo_") {
        return TestOutcome::Skipped;
    }
    match run.value(&test.package, &test.rule) {
        Ok(Value::Bool(true)) => TestOutcome::Passed,
        Ok(_) => TestOutcome::Failed,
        Err(why) => TestOutcome::Errored { why },
    }
}
