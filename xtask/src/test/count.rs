//! Counting: what the test runners say of themselves, read from their summary lines.

use std::fmt;
use std::iter::Sum;

/// How many passed and failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: u64,
    pub failed: u64,
}

impl Counts {
    /// A step that is one thing, and passed.
    pub const ONE_PASSED: Counts = Counts { passed: 1, failed: 0 };
    /// A step that is one thing, and failed.
    pub const ONE_FAILED: Counts = Counts { passed: 0, failed: 1 };
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            passed: sum.passed + one.passed,
            failed: sum.failed + one.failed,
        })
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// Reads nextest's summary line; none where there is none, as after a build that failed.
pub fn of_nextest(lines: &[String]) -> Option<Counts> {
    let line = lines
        .iter()
        .rfind(|line| line.trim_start().starts_with("Summary ["))?;
    let (_, told) = line.split_once("run:")?;
    Some(of_words(told))
}

/// Adds up the lines with which the standard runner ends each crate's doc tests.
pub fn of_doc_tests(lines: &[String]) -> Counts {
    lines
        .iter()
        .filter(|line| line.starts_with("test result:"))
        .map(|line| of_words(line))
        .sum()
}

/// Sums `3 passed`, `1 failed`, `2 timed out` and `1 exec failed`.
fn of_words(text: &str) -> Counts {
    let mut counts = Counts::default();
    for part in text.split([',', ';', '.', '(', ')']) {
        let Some((number, what)) = part.trim().split_once(' ') else {
            continue;
        };
        let Ok(number) = number.parse::<u64>() else {
            continue;
        };
        match what.trim() {
            "passed" => counts.passed += number,
            "failed" | "timed out" | "exec failed" => counts.failed += number,
            _ => {}
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nextest(line: &str) -> Option<Counts> {
        of_nextest(&["    Starting 3 tests".to_owned(), line.to_owned()])
    }

    #[test]
    fn nextests_summaries_are_counted() {
        let row = |passed, failed| Some(Counts { passed, failed });
        assert_eq!(
            nextest("     Summary [   1.234s] 12 tests run: 12 passed, 0 skipped"),
            row(12, 0)
        );
        assert_eq!(
            nextest("     Summary [   0.1s] 1 test run: 1 passed (1 slow), 2 skipped"),
            row(1, 0)
        );
        assert_eq!(
            nextest(
                "     Summary [   9.1s] 7/9 tests run: 3 passed (1 slow, 1 flaky), 2 failed, 1 timed out, 1 exec failed, 0 skipped"
            ),
            row(3, 4)
        );
        assert_eq!(nextest("error: could not compile `gateline-core`"), None);
    }

    #[test]
    fn doc_tests_of_all_crates_are_added_up() {
        let lines = [
            "running 2 tests",
            "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s",
            "test result: FAILED. 1 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s",
        ]
        .map(str::to_owned);
        assert_eq!(of_doc_tests(&lines), Counts { passed: 3, failed: 3 });
    }

    #[test]
    fn the_closing_line_is_the_count_alone() {
        assert_eq!(Counts { passed: 3, failed: 0 }.to_string(), "3 passed, 0 failed");
    }
}
