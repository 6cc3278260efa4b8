//! JUnit XML: flat or nested suites of cases, in the dialects of pytest, nextest, vitest, Surefire and their kin.
//!
//! Cases are counted one by one; the totals in the attributes are only held against what was counted. There is no
//! standard; the layout follows the Surefire 3 schema (flaky and rerun elements) and pytest's `xunit2`.
//! Document types are refused, and no entity beyond the five predefined ones is known, so nothing can be expanded.

mod xml;

use gateline_model::{FAILED_CASES_MAX, Facts, FailedCase, MESSAGE_CHARS_MAX, SUITES_MAX, TestFacts};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use self::xml::Attributes;
use crate::error::Fault;
use crate::format::FormatRow;
use crate::read::{Body, Complete, Warnings};
use crate::text;

pub use self::xml::{DURATION_SECS_MAX, XML_ATTRIBUTES_MAX};

/// Deepest nesting of elements. Suites in use nest to about 10.
pub const XML_DEPTH_MAX: usize = 64;

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "junit",
    title: "JUnit XML, as pytest, nextest, vitest and most test runners write it",
    knows: |head| head.has_root(&["testsuites", "testsuite"]),
    read: |input| read(&input.whole()?),
};

fn read(text: &str) -> Result<Body, Fault> {
    let mut reader = Reader::from_str(text);
    let mut junit = Junit::default();
    loop {
        let at = reader.buffer_position() as usize;
        let event = reader
            .read_event()
            .map_err(|error| xml::fault(error, reader.error_position() as usize))?;
        match event {
            Event::Start(start) => junit.start(&start, at)?,
            Event::Empty(start) => {
                junit.start(&start, at)?;
                junit.end();
            }
            Event::End(_) => junit.end(),
            Event::Text(text) => junit.text(&text, at)?,
            Event::CData(text) => junit.text(&text, at)?,
            Event::GeneralRef(entity) => junit.text(&xml::resolved(&entity, at)?, at)?,
            Event::DocType(_) => return Err(Fault::malformed(at, "document types (DTD) are refused")),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => return junit.into_body(text),
        }
    }
}

/// An open element.
#[derive(Debug)]
enum Element {
    /// `testsuites` or `testsuite`.
    Suite(Suite),
    /// `testcase`.
    Case(Case),
    /// `failure` or `error` and their attribute and text.
    Problem { message: String, body: String },
    /// Anything else; what it holds says nothing about the tests.
    Other,
}

#[derive(Debug, Default)]
struct Suite {
    name: String,
    /// What its attributes say: cases, and failures and errors together.
    said: (u64, u64),
    /// Cases and problems that were counted before it began.
    before: (u64, u64),
    /// Its own duration, and the sum of what is in it.
    secs: Option<f64>,
    inner_secs: f64,
}

#[derive(Debug)]
struct Case {
    failed: FailedCase,
    end: End,
    flaky: bool,
    secs: f64,
}

/// How a case ended; the last of those that apply counts.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
enum End {
    Passed,
    Skipped,
    Errored,
    Failed,
}

#[derive(Default)]
struct Junit {
    facts: TestFacts,
    open: Vec<Element>,
    root_seen: bool,
    /// `failure` and `error` elements; one case may have several.
    problems: u64,
    incomplete: Option<String>,
    warnings: Warnings,
}

impl Junit {
    fn start(&mut self, start: &BytesStart<'_>, at: usize) -> Result<(), Fault> {
        if self.open.len() == XML_DEPTH_MAX {
            return Err(Fault::malformed(
                at,
                format!("elements nested deeper than {XML_DEPTH_MAX}"),
            ));
        }
        let attributes = Attributes::of(start, at)?;
        let name = start.local_name();
        let name: &str = name.as_ref();
        let element = match (name, self.open.last_mut()) {
            ("testsuites" | "testsuite", None) if self.root_seen => {
                return Err(Fault::malformed(at, "a second root element"));
            }
            ("testsuites" | "testsuite", None) => Element::Suite(self.suite(name, &attributes)),
            (_, None) => {
                let reason = format!(
                    "the root element is `{}`, not `testsuites`",
                    text::one_line(name, 40)
                );
                return Err(Fault::malformed(at, reason));
            }
            ("testsuite", Some(Element::Suite(_))) => Element::Suite(self.suite(name, &attributes)),
            ("testcase", Some(Element::Suite(_))) => Element::Case(Case::new(&attributes)),
            // A suite that could not be set up has no case to say so.
            (problem @ ("failure" | "error"), Some(Element::Suite(suite))) => {
                let mut case = Case::new(&Attributes::default());
                case.failed.name = suite.name.clone();
                case.problem(problem);
                case.failed.message = text::message(attributes.get("message").unwrap_or_default());
                self.problems += 1;
                self.count(case);
                Element::Other
            }
            (problem @ ("failure" | "error"), Some(Element::Case(case))) => {
                case.problem(problem);
                self.problems += 1;
                let message = text::message(attributes.get("message").unwrap_or_default());
                Element::Problem {
                    message,
                    body: String::new(),
                }
            }
            ("skipped", Some(Element::Case(case))) => {
                case.end_at_least(End::Skipped);
                Element::Other
            }
            ("flakyFailure" | "flakyError", Some(Element::Case(case))) => {
                case.flaky = true;
                Element::Other
            }
            ("testsuites" | "testsuite" | "testcase", Some(_)) => {
                return Err(Fault::malformed(
                    at,
                    format!("a `{name}` stands where none may be"),
                ));
            }
            (_, Some(_)) => Element::Other,
        };
        self.root_seen = true;
        self.open.push(element);
        Ok(())
    }

    fn suite(&mut self, element: &str, attributes: &Attributes<'_>) -> Suite {
        let name = text::name(attributes.get("name").unwrap_or("unnamed"));
        let suites = &mut self.facts.suites;
        if element == "testsuite" && suites.len() < SUITES_MAX && !suites.contains(&name) {
            suites.push(name.clone());
        }
        let bad = attributes
            .number("failures")
            .saturating_add(attributes.number("errors"));
        Suite {
            name,
            said: (attributes.number("tests"), bad),
            before: (self.facts.total, self.problems),
            secs: attributes.secs(),
            inner_secs: 0.0,
        }
    }

    fn end(&mut self) {
        // The reader refuses an end without its start, so there is always one to close.
        let (closed, parent) = (self.open.pop(), self.open.last_mut());
        match (closed, parent) {
            (Some(Element::Suite(suite)), parent) => {
                let secs = suite.secs.unwrap_or(suite.inner_secs);
                match parent {
                    Some(Element::Suite(parent)) => parent.inner_secs += secs,
                    _ => self.facts.duration_secs = secs,
                }
                self.compare_with_its_totals(&suite);
            }
            (Some(Element::Case(case)), parent) => {
                if let Some(Element::Suite(parent)) = parent {
                    parent.inner_secs += case.secs;
                }
                self.count(case);
            }
            (Some(Element::Problem { message, body }), Some(Element::Case(case))) => {
                // Most tools begin the text with the message and go on; pytest's text shows the source instead.
                let body = text::message(&body);
                let message = if body.starts_with(&message) { body } else { message };
                if case.failed.message.is_empty() {
                    case.failed.message = message;
                }
            }
            (Some(Element::Problem { .. } | Element::Other) | None, _) => {}
        }
    }

    fn text(&mut self, chunk: &str, at: usize) -> Result<(), Fault> {
        match self.open.last_mut() {
            Some(Element::Problem { body, .. }) => {
                // White space will be folded: keep some more than will be shown.
                let kept = body.chars().count();
                body.extend(chunk.chars().take((4 * MESSAGE_CHARS_MAX).saturating_sub(kept)));
                Ok(())
            }
            Some(_) => Ok(()),
            None if chunk.trim_start_matches('\u{feff}').trim().is_empty() => Ok(()),
            None => Err(Fault::malformed(at, "text outside of the root element")),
        }
    }

    fn count(&mut self, case: Case) {
        self.facts.total += 1;
        match case.end {
            End::Passed => self.facts.passed += 1,
            End::Skipped => self.facts.skipped += 1,
            End::Errored => self.facts.errored += 1,
            End::Failed => self.facts.failed += 1,
        }
        let bad = matches!(case.end, End::Errored | End::Failed);
        if case.flaky && case.end == End::Passed {
            self.facts.flaky += 1;
        }
        if bad && self.facts.failed_cases.len() < FAILED_CASES_MAX {
            self.facts.failed_cases.push(case.failed);
        }
    }

    fn compare_with_its_totals(&mut self, suite: &Suite) {
        let cases = self.facts.total - suite.before.0;
        let problems = self.problems - suite.before.1;
        let (cases_said, problems_said) = suite.said;
        let name = &suite.name;
        if problems_said > problems {
            let reason = format!(
                "suite `{name}` says {problems_said} failed or errored, but its cases show {problems}"
            );
            self.incomplete.get_or_insert(reason);
        }
        // No more than a warning: pytest counts subtests here that it does not list.
        if cases_said > cases {
            self.warnings
                .add(|| format!("suite `{name}` says {cases_said} tests and lists {cases}"));
        }
    }

    fn into_body(self, text: &str) -> Result<Body, Fault> {
        let Junit {
            facts,
            open,
            root_seen,
            incomplete,
            warnings,
            ..
        } = self;
        if !open.is_empty() {
            return Err(Fault::truncated(
                text.len(),
                format!("{} elements are still open", open.len()),
            ));
        }
        if !root_seen {
            return Err(Fault::truncated(text.len(), "there is no root element"));
        }
        let nothing = match facts.total {
            0 => Some("the report has no test case: nothing was tested".to_owned()),
            total if total == facts.skipped => Some(format!("all {total} test cases were skipped")),
            _ => None,
        };
        Ok(Body {
            facts: Facts::Tests(facts),
            complete: Complete::unless(nothing.or(incomplete)),
            warnings,
        })
    }
}

impl Case {
    fn new(attributes: &Attributes<'_>) -> Case {
        let name = [attributes.get("classname"), attributes.get("name")];
        let name = name
            .into_iter()
            .flatten()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        // GoogleTest and its kin say it in an attribute only.
        let end = match attributes.get("status").unwrap_or_default() {
            "notrun" | "disabled" | "skipped" => End::Skipped,
            "error" => End::Errored,
            "fail" | "failed" => End::Failed,
            _ => End::Passed,
        };
        let failed = FailedCase {
            name: text::name(&name),
            file: attributes.get("file").map(text::name),
            line: attributes.get("line").and_then(|line| line.parse().ok()),
            message: String::new(),
        };
        Case {
            failed,
            end,
            flaky: false,
            secs: attributes.secs().unwrap_or(0.0),
        }
    }

    fn problem(&mut self, element: &str) {
        self.end_at_least(if element == "failure" {
            End::Failed
        } else {
            End::Errored
        });
    }

    fn end_at_least(&mut self, end: End) {
        if self.end < end {
            self.end = end;
        }
    }
}
