//! JUnit XML: flat or nested suites of cases, in the dialects of pytest, nextest, vitest, Surefire and their kin.
//!
//! Cases are counted one by one; the totals in the attributes are only held against what was counted. There is no
//! standard; the layout follows the Surefire 3 schema (flaky and rerun elements), GoogleTest and pytest's `xunit2`.
//! A report that contradicts itself is incomplete: a list with a hole in it says nothing about what fell through.

mod case;

use gateline_model::{
    FAILED_CASES_MAX, FLAKY_CASES_MAX, Facts, MESSAGE_CHARS_MAX, SKIPPED_CASES_MAX, SUITES_MAX, TestFacts,
};

use self::case::{Case, End, tells_of_trouble};
use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::Input;
use crate::read::{Body, Complete, Warnings};
use crate::text;
use crate::xml::{Attributes, Doctype, Piece, Xml};

/// Longest duration that is believed, in seconds (about 30 years); a longer one counts as not given.
pub const DURATION_SECS_MAX: f64 = 1e9;
/// Attributes of a suite that are counts.
const COUNTS: [&str; 6] = ["tests", "failures", "errors", "failed", "skipped", "disabled"];

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "junit",
    kind: "tests",
    title: "JUnit XML, as pytest, nextest, vitest and most test runners write it",
    knows: |head| head.has_root(&["testsuites", "testsuite"]),
    read,
};

fn read(input: &mut Input<'_>) -> Result<Body, Fault> {
    let mut xml = Xml::new(input, &["testsuites", "testsuite"], Doctype::Refused)?;
    let mut junit = Junit::default();
    while let Some(piece) = xml.next()? {
        match piece {
            Piece::Start(tag) => junit.start(tag.name(), &tag.attributes()?, tag.at)?,
            Piece::End => junit.end(),
            Piece::Text(text) => junit.text(&text),
            Piece::Nothing => {}
        }
    }
    Ok(junit.into_body())
}

/// A duration that can be believed.
pub(crate) fn secs(text: &str) -> Option<f64> {
    let text = text.trim();
    let secs: f64 = match text.split_once(',') {
        // `7,200.5`, as older versions of Surefire write it. `0,123` is another thing.
        Some((first, _)) if first != "0" => without_commas(text)?.parse().ok()?,
        Some(_) => return None,
        None => text.parse().ok()?,
    };
    (0.0..=DURATION_SECS_MAX).contains(&secs).then_some(secs)
}

/// A number whose thousands are set off by commas, without them; `None` if they set off anything else.
fn without_commas(text: &str) -> Option<String> {
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let is_grouped = (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3);
    (is_grouped && !text[whole.len()..].contains(',')).then(|| text.replace(',', ""))
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

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    cases: u64,
    /// Failures and errors together.
    problems: u64,
    /// Cases that were skipped, whatever else befell them.
    skips: u64,
}

#[derive(Debug, Default)]
struct Suite {
    name: String,
    /// What its attributes say.
    said: Counts,
    /// What was counted before it began.
    before: Counts,
    /// Its own duration, and the sum of what is in it.
    secs: Option<f64>,
    inner_secs: f64,
}

#[derive(Default)]
struct Junit {
    facts: TestFacts,
    open: Vec<Element>,
    /// `failure` and `error` elements, of which one case may have several, and cases that ended so without one.
    problems: u64,
    /// `skipped` elements, and cases whose attributes say so.
    skips: u64,
    /// Whether its tool counts more than cases as `tests`.
    counts_more: bool,
    incomplete: Option<String>,
    warnings: Warnings,
}

impl Junit {
    fn start(&mut self, name: &str, attributes: &Attributes<'_>, at: usize) -> Result<(), Fault> {
        let message = || text::message(attributes.get("message").unwrap_or_default());
        let element = match (name, self.open.last_mut()) {
            ("testsuites" | "testsuite", None) | ("testsuite", Some(Element::Suite(_))) => {
                Element::Suite(self.suite(name, attributes))
            }
            ("testcase", Some(Element::Suite(_))) => Element::Case(self.case(attributes)),
            // A suite that could not be set up has no case to say so.
            (problem @ ("failure" | "error"), Some(Element::Suite(suite))) => {
                let mut case = Case::named(suite.name.clone());
                case.problem(problem == "failure");
                case.failed.message = message();
                self.problems += 1;
                self.count(case);
                Element::Other
            }
            (problem @ ("failure" | "error"), Some(Element::Case(case))) => {
                case.problem(problem == "failure");
                case.is_counted = true;
                self.problems += 1;
                Element::Problem {
                    message: message(),
                    body: String::new(),
                }
            }
            // It failed when it was run again too; the element beside it is the one that is counted.
            (rerun @ ("rerunFailure" | "rerunError"), Some(Element::Case(case))) => {
                case.problem(rerun == "rerunFailure");
                Element::Other
            }
            ("skipped", Some(Element::Case(case))) => {
                case.end_at_least(End::Skipped);
                self.skips += 1;
                Element::Other
            }
            ("flakyFailure" | "flakyError", Some(Element::Case(case))) => {
                case.flaky = true;
                Element::Other
            }
            ("properties" | "property" | "system-out" | "system-err", Some(Element::Case(_))) => {
                Element::Other
            }
            ("testsuites" | "testsuite" | "testcase", Some(_)) => {
                let reason = format!("a `{name}` stands where none may be");
                return Err(Fault::malformed(at, reason));
            }
            (_, Some(Element::Case(case))) => {
                let (name, case) = (text::one_line(name, 40), &case.failed.name);
                if tells_of_trouble(&name) {
                    let reason = format!("case `{case}` has a `{name}`, which is no outcome that is known");
                    self.incomplete.get_or_insert(reason);
                } else {
                    self.warnings
                        .add(|| format!("case `{case}` has a `{name}`, which was passed over"));
                }
                Element::Other
            }
            // What is not known may hold how a case ended.
            (name, Some(Element::Other | Element::Suite(_))) if tells_of_trouble(name) => {
                let name = text::one_line(name, 40);
                self.incomplete
                    .get_or_insert(format!("a `{name}` stands where none is known"));
                Element::Other
            }
            (_, _) => Element::Other,
        };
        self.open.push(element);
        Ok(())
    }

    fn suite(&mut self, element: &str, attributes: &Attributes<'_>) -> Suite {
        let name = text::name(attributes.get("name").unwrap_or("unnamed"));
        let suites = &mut self.facts.suites;
        if element == "testsuite" && suites.len() < SUITES_MAX && !suites.contains(&name) {
            suites.push(name.clone());
        }
        // pytest counts subtests that it does not list (its root or, before version 8, its suite has this name);
        // Catch2 counts assertions (and never says its host).
        self.counts_more |=
            matches!(name.as_str(), "pytest tests" | "pytest") || attributes.get("hostname") == Some("tbd");
        let [cases, failures, errors, failed, skipped, disabled] = COUNTS.map(|count| {
            let said = attributes.get(count).unwrap_or("0").trim();
            said.parse::<u64>().unwrap_or_else(|_| {
                let said = text::one_line(said, 40);
                let reason = format!("suite `{name}` says `{count}` is `{said}`, which is no count");
                self.incomplete.get_or_insert(reason);
                0
            })
        });
        Suite {
            name,
            said: Counts {
                cases,
                // Some say `failed` in place of the two.
                problems: failures.saturating_add(errors).max(failed),
                // Some count what is disabled as skipped too.
                skips: skipped.max(disabled),
            },
            before: self.counted(),
            secs: attributes.get("time").and_then(secs),
            inner_secs: 0.0,
        }
    }

    fn case(&mut self, attributes: &Attributes<'_>) -> Case {
        let (case, unknown) = Case::new(attributes);
        self.skips += u64::from(case.end == End::Skipped);
        if let Some(word) = unknown {
            let name = &case.failed.name;
            let reason = format!("case `{name}` ended as `{word}`, which is no outcome that is known");
            self.incomplete.get_or_insert(reason);
        }
        case
    }

    fn end(&mut self) {
        // The parser refuses an end without its start, so there is always one to close.
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
                self.problems += u64::from(!case.is_counted && case.end >= End::Errored);
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

    fn text(&mut self, chunk: &str) {
        if let Some(Element::Problem { body, .. }) = self.open.last_mut() {
            // White space will be folded: keep some more than will be shown.
            let kept = body.chars().count();
            body.extend(chunk.chars().take((4 * MESSAGE_CHARS_MAX).saturating_sub(kept)));
        }
    }

    fn count(&mut self, case: Case) {
        let facts = &mut self.facts;
        facts.total += 1;
        facts.took(&case.failed.name, case.secs);
        match case.end {
            End::Passed => facts.passed += 1,
            End::Skipped => facts.skipped += 1,
            End::Errored => facts.errored += 1,
            End::Failed => facts.failed += 1,
        }
        match case.end {
            End::Passed if case.flaky => {
                facts.flaky += 1;
                if facts.flaky_cases.len() < FLAKY_CASES_MAX {
                    facts.flaky_cases.push(case.failed.name);
                }
            }
            End::Errored | End::Failed if facts.failed_cases.len() < FAILED_CASES_MAX => {
                facts.failed_cases.push(case.failed);
            }
            End::Skipped if facts.skipped_cases.len() < SKIPPED_CASES_MAX => {
                facts.skipped_cases.push(case.failed.name);
            }
            End::Passed | End::Skipped | End::Errored | End::Failed => {}
        }
    }

    fn counted(&self) -> Counts {
        Counts {
            cases: self.facts.total,
            problems: self.problems,
            skips: self.skips,
        }
    }

    fn compare_with_its_totals(&mut self, suite: &Suite) {
        let counted = self.counted();
        let cases = counted.cases - suite.before.cases;
        let problems = counted.problems - suite.before.problems;
        let skips = counted.skips - suite.before.skips;
        let (cases_said, problems_said, skips_said) =
            (suite.said.cases, suite.said.problems, suite.said.skips);
        let name = &suite.name;
        if problems_said > problems {
            let reason = format!(
                "suite `{name}` says {problems_said} failed or errored, but its cases show {problems}"
            );
            self.incomplete.get_or_insert(reason);
        }
        if cases_said > cases && self.counts_more {
            self.warnings
                .add(|| format!("suite `{name}` says {cases_said} tests and lists {cases}"));
        } else if cases_said > cases {
            let reason = format!("suite `{name}` says {cases_said} tests, but lists {cases}");
            self.incomplete.get_or_insert(reason);
        }
        if skips_said > skips && self.counts_more {
            self.warnings
                .add(|| format!("suite `{name}` says {skips_said} skipped and shows {skips}"));
        } else if skips_said > skips {
            let reason = format!("suite `{name}` says {skips_said} skipped, but its cases show {skips}");
            self.incomplete.get_or_insert(reason);
        }
    }

    fn into_body(self) -> Body {
        let nothing = nothing_ran(&self.facts);
        Body {
            facts: Facts::Tests(self.facts),
            complete: Complete::unless(nothing.or(self.incomplete)),
            warnings: self.warnings,
        }
    }
}

/// Why a run of tests says nothing, however it ended.
pub(crate) fn nothing_ran(facts: &TestFacts) -> Option<String> {
    match facts.total {
        0 => Some("the report has no test case: nothing was tested".to_owned()),
        total if total == facts.skipped => Some(format!("all {total} test cases were skipped")),
        _ => None,
    }
}
