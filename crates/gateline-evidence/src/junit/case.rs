//! One test case of JUnit XML, and the words for how it ended.

use gateline_model::FailedCase;

use crate::junit::secs;
use crate::text;
use crate::xml::Attributes;

/// A test case.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) failed: FailedCase,
    pub(super) end: End,
    pub(super) flaky: bool,
    /// An element that tells how it failed was counted.
    pub(super) is_counted: bool,
    pub(super) secs: f64,
}

/// How a case ended; the last of those that apply counts.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(super) enum End {
    Passed,
    Skipped,
    Errored,
    Failed,
}

impl Case {
    /// The case, and the word for its end where that is of trouble and not known.
    pub(super) fn new(attributes: &Attributes<'_>) -> (Case, Option<String>) {
        let name = [attributes.get("classname"), attributes.get("name")];
        let name: Vec<_> = name
            .into_iter()
            .flatten()
            .filter(|part| !part.is_empty())
            .collect();
        let mut case = Case::named(text::name(&name.join(" ")));
        case.failed.file = attributes.get("file").map(text::name);
        case.failed.line = attributes.get("line").and_then(|line| line.parse().ok());
        case.secs = attributes.get("time").and_then(secs).unwrap_or(0.0);
        let mut unknown = None;
        // GoogleTest, CTest and their kin say it in an attribute only.
        for word in ["status", "result", "outcome"]
            .into_iter()
            .filter_map(|name| attributes.get(name))
        {
            match end_of(word) {
                Some(end) => case.end_at_least(end),
                None => unknown = Some(text::one_line(word, 40)),
            }
        }
        // NUnit 2 and its kin.
        let is = |name, word: &str| {
            attributes
                .get(name)
                .is_some_and(|said| said.eq_ignore_ascii_case(word))
        };
        if is("executed", "false") {
            case.end_at_least(End::Skipped);
        }
        if is("success", "false") {
            case.end_at_least(End::Failed);
        }
        (case, unknown)
    }

    pub(super) fn named(name: String) -> Case {
        let failed = FailedCase {
            name,
            file: None,
            line: None,
            message: String::new(),
        };
        Case {
            failed,
            end: End::Passed,
            flaky: false,
            is_counted: false,
            secs: 0.0,
        }
    }

    pub(super) fn problem(&mut self, failed: bool) {
        self.end_at_least(if failed { End::Failed } else { End::Errored });
    }

    pub(super) fn end_at_least(&mut self, end: End) {
        if self.end < end {
            self.end = end;
        }
    }
}

/// How a case ended, by the words of the tools; `None` for a word that is not known.
fn end_of(word: &str) -> Option<End> {
    let mut word = word.to_ascii_lowercase();
    word.retain(|c| !matches!(c, ' ' | '_' | '-'));
    match word.as_str() {
        // GoogleTest and CTest write `run`, and GoogleTest `completed`; an empty word says nothing.
        "" | "pass" | "passed" | "success" | "successful" | "succeeded" | "ok" | "run" | "completed" => {
            Some(End::Passed)
        }
        "notrun" | "notexecuted" | "disabled" | "skip" | "skipped" | "suppressed" | "ignored" | "pending"
        | "inconclusive" => Some(End::Skipped),
        "error" | "errored" => Some(End::Errored),
        "fail" | "failed" | "failure" => Some(End::Failed),
        _ => None,
    }
}

/// Whether a word that is not known may well mean that a case did not pass.
pub(super) fn tells_of_trouble(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    let signs = [
        "fail",
        "error",
        "skip",
        "abort",
        "timeout",
        "timedout",
        "crash",
        "broken",
        "ignor",
        "disab",
        "invalid",
        "unknown",
        "undefined",
        "notrun",
        "panic",
        "cancel",
        "exception",
        "interrupt",
        "killed",
    ];
    signs.iter().any(|sign| word.contains(sign))
}
