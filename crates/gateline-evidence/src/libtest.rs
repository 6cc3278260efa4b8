//! Rust tests as JSON lines: what libtest prints with `--format json`, and nextest with `libtest-json`.
//!
//! Layout: library/test/src/formatters/json.rs of Rust, and nextest's `libtest-json` reporter, which names a test
//! `package::binary$test` and tells only its last try, with `#2` behind the name where that was the second. One event a
//! line; tests are counted by their own events, and a suite's totals are only held against them.

use std::borrow::Cow;
use std::collections::HashSet;

use gateline_model::{FAILED_CASES_MAX, FLAKY_CASES_MAX, Facts, FailedCase, SKIPPED_CASES_MAX, TestFacts};
use serde::Deserialize;

use crate::error::{Fault, says};
use crate::format::FormatRow;
use crate::input::{Input, Line, Lines, PIECE_BYTES_MAX};
use crate::junit::{DURATION_SECS_MAX, nothing_ran};
use crate::read::{Body, Complete, Warnings};
use crate::text;

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "libtest",
    kind: "tests",
    title: "Rust tests as JSON lines, as libtest and nextest (`libtest-json`) write them",
    knows: |head| {
        let first = head.text.lines().next().unwrap_or_default();
        serde_json::from_str::<Event<'_>>(first)
            .is_ok_and(|event| matches!(event.of.as_ref(), "suite" | "test") && event.event.is_some())
    },
    read,
};

/// One line.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type", borrow)]
    of: Cow<'a, str>,
    #[serde(borrow)]
    event: Option<Cow<'a, str>>,
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    stdout: Option<Cow<'a, str>>,
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
    #[serde(borrow)]
    reason: Option<Cow<'a, str>>,
    exec_time: Option<f64>,
    test_count: Option<u64>,
    passed: Option<u64>,
    failed: Option<u64>,
    ignored: Option<u64>,
    measured: Option<u64>,
    filtered_out: Option<u64>,
}

fn read(input: &mut Input<'_>) -> Result<Body, Fault> {
    let mut libtest = Libtest::default();
    let mut lines = Lines::new(input)?;
    while let Some(line) = lines.next()? {
        libtest.line(&line)?;
    }
    libtest.into_body()
}

#[derive(Default)]
struct Libtest {
    facts: TestFacts,
    /// The suite that is open.
    suite: Option<Suite>,
    /// Tests that were started and have not ended.
    running: HashSet<String>,
    incomplete: Option<String>,
    warnings: Warnings,
}

/// An open suite.
#[derive(Default)]
struct Suite {
    /// Where it begins.
    byte: usize,
    tests: u64,
    passed: u64,
    failed: u64,
}

impl Libtest {
    fn line(&mut self, line: &Line<'_>) -> Result<(), Fault> {
        let wrong = |reason: String| match line.ended {
            true => Fault::malformed(line.byte, reason),
            // It may be half of a good one.
            false => Fault::truncated(line.byte, reason),
        };
        if line.over {
            return Err(wrong(format!("a line is longer than {PIECE_BYTES_MAX} bytes")));
        }
        let text = line.text()?;
        if text.trim().is_empty() {
            return Ok(());
        }
        let event: Event<'_> = serde_json::from_str(text).map_err(|error| {
            let says = says(&error);
            let begins = text::one_line(text, 40);
            wrong(format!("`{begins}` is no event of a test run: {says}"))
        })?;
        let word = event.event.as_deref().unwrap_or_default();
        match (event.of.as_ref(), word) {
            ("suite", "started") => self.suite_started(&event, line.byte).map_err(wrong),
            ("suite", "ok" | "failed") => self.suite_ended(&event).map_err(wrong),
            ("test", "started") => {
                self.running.insert(self.name(&event));
                Ok(())
            }
            ("test", "ok" | "failed" | "ignored") => {
                self.test_ended(&event, word);
                Ok(())
            }
            // It runs for long, and ends in another event.
            ("test", "timeout") | ("bench" | "report", _) => Ok(()),
            ("test" | "suite", _) => {
                let reason = format!(
                    "`{}` ended as `{}`, which is no outcome that is known",
                    self.name(&event),
                    text::one_line(word, 40)
                );
                self.incomplete.get_or_insert(reason);
                Ok(())
            }
            (of, _) => {
                let (of, number) = (text::one_line(of, 40), line.number);
                self.warnings
                    .add(|| format!("line {number}: `{of}` is not known and was passed over"));
                Ok(())
            }
        }
    }

    fn name(&self, event: &Event<'_>) -> String {
        text::name(event.name.as_deref().unwrap_or("unnamed"))
    }

    fn suite_started(&mut self, event: &Event<'_>, byte: usize) -> Result<(), String> {
        if self.suite.is_some() {
            return Err("a suite begins before the one above has ended".into());
        }
        self.suite = Some(Suite {
            byte,
            tests: event.test_count.unwrap_or(0),
            ..Suite::default()
        });
        Ok(())
    }

    fn test_ended(&mut self, event: &Event<'_>, word: &str) {
        let name = self.name(event);
        let (case, retried) = match name.rsplit_once('#') {
            Some((case, nth)) if nth.parse::<u32>().is_ok() => (case.to_owned(), true),
            _ => (name, false),
        };
        self.running.remove(&case);
        let facts = &mut self.facts;
        facts.total += 1;
        let secs = event
            .exec_time
            .filter(|secs| (0.0..=DURATION_SECS_MAX).contains(secs));
        facts.took(&case, secs.unwrap_or(0.0));
        match word {
            "ok" => {
                facts.passed += 1;
                facts.flaky += u64::from(retried);
                if retried && facts.flaky_cases.len() < FLAKY_CASES_MAX {
                    facts.flaky_cases.push(case);
                }
            }
            "ignored" => {
                facts.skipped += 1;
                if facts.skipped_cases.len() < SKIPPED_CASES_MAX {
                    facts.skipped_cases.push(case);
                }
            }
            _ => {
                facts.failed += 1;
                let told = [&event.message, &event.stdout, &event.reason];
                let message = told.into_iter().flatten().find(|text| !text.trim().is_empty());
                if facts.failed_cases.len() < FAILED_CASES_MAX {
                    facts.failed_cases.push(FailedCase {
                        name: case,
                        file: None,
                        line: None,
                        message: text::message(message.map_or("", |text| text)),
                    });
                }
            }
        }
        if let Some(suite) = &mut self.suite {
            suite.passed += u64::from(word == "ok");
            suite.failed += u64::from(word == "failed");
        }
    }

    fn suite_ended(&mut self, event: &Event<'_>) -> Result<(), String> {
        let suite = self.suite.take().ok_or("a suite ends that did not begin")?;
        let secs = event
            .exec_time
            .filter(|secs| (0.0..=DURATION_SECS_MAX).contains(secs));
        self.facts.duration_secs += secs.unwrap_or(0.0);
        let said = |count: Option<u64>| count.unwrap_or(0);
        let (passed, failed) = (said(event.passed), said(event.failed));
        // nextest ends a suite while tests of it still run, and tells them in another one.
        let running = self.running.len() as u64;
        let ended = [event.ignored, event.measured, event.filtered_out, Some(running)]
            .into_iter()
            .fold(passed.saturating_add(failed), |sum, count| {
                sum.saturating_add(said(count))
            });
        let contradiction = if passed > suite.passed || failed > suite.failed {
            Some(format!(
                "a suite says {passed} passed and {failed} failed, but its tests show {} and {}",
                suite.passed, suite.failed
            ))
        } else if suite.tests > ended {
            Some(format!(
                "a suite began with {} tests and ended with {ended}",
                suite.tests
            ))
        } else if event.event.as_deref() == Some("failed") && suite.failed == 0 {
            Some("a suite failed, but none of its tests did".to_owned())
        } else {
            None
        };
        if let Some(reason) = contradiction {
            self.incomplete.get_or_insert(reason);
        }
        Ok(())
    }

    fn into_body(mut self) -> Result<Body, Fault> {
        if let Some(suite) = self.suite {
            return Err(Fault::truncated(
                suite.byte,
                "the suite that begins here has no end",
            ));
        }
        if !self.running.is_empty() {
            let count = self.running.len();
            self.incomplete
                .get_or_insert(format!("{count} tests were started and have no end"));
        }
        let nothing = nothing_ran(&self.facts);
        Ok(Body {
            facts: Facts::Tests(self.facts),
            complete: Complete::unless(nothing.or(self.incomplete)),
            warnings: self.warnings,
        })
    }
}
