//! Failures: why a command did not do what it was asked, with its exit code.
//! Every one says what, why, and what to do.

use std::fmt::Display;
use std::io;

use gateline_api::{Exit, Finding, Problem};
use serde_json::json;

use crate::render::{Line, Page};

/// Why a command ended without doing what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// Stable code, as in `release.unknown`.
    pub code: String,
    /// What did not work. Nothing is printed where this is empty.
    pub what: String,
    /// Why.
    pub why: String,
    /// What to do.
    pub hint: String,
    /// Findings about a file that was sent.
    pub findings: Box<[Finding]>,
}

impl Failure {
    fn new(exit: Exit, code: &str, what: impl Display, why: impl Display) -> Self {
        Self {
            exit,
            code: code.to_owned(),
            what: what.to_string(),
            why: why.to_string(),
            hint: String::new(),
            findings: Box::default(),
        }
    }

    /// The command or its input is wrong.
    pub fn usage(what: impl Display, why: impl Display) -> Self {
        Self::new(Exit::Usage, "cli.usage", what, why)
    }

    /// Policy or permission refuses it.
    pub fn refused(code: &str, what: impl Display, why: impl Display) -> Self {
        Self::new(Exit::Refused, code, what, why)
    }

    /// It could not be found out.
    pub fn unknown(what: impl Display, why: impl Display) -> Self {
        Self::new(Exit::Unknown, "cli.unknown", what, why)
    }

    /// A bug of ours.
    pub fn bug(why: impl Display) -> Self {
        Self::new(Exit::Bug, "bug", "Gateline has a bug", why).hint("report it with these lines")
    }

    /// Something that was named does not exist.
    pub fn no_such(code: &str, what: impl Display, why: impl Display) -> Self {
        Self::new(Exit::Usage, code, what, why)
    }

    /// What to do.
    pub fn hint(mut self, hint: impl Display) -> Self {
        self.hint = hint.to_string();
        self
    }

    /// Output that nobody reads any more ends the command in silence, as `gateline log | head` does.
    pub fn of_output(err: &io::Error) -> Self {
        if err.kind() == io::ErrorKind::BrokenPipe {
            return Self::new(Exit::Done, "", "", "");
        }
        Self::unknown("could not write the output", err)
    }

    /// For a person.
    pub fn page(&self) -> Page {
        let mut page = Page::default();
        page.line(Line::new().bad("error").strong(format!(": {}", self.what)));
        for why in self.why.lines() {
            page.line(Line::new().plain(format!("  {why}")));
        }
        for finding in &*self.findings {
            let Finding {
                code,
                message,
                file,
                line,
                column,
                help,
            } = finding;
            page.line(Line::new().plain(format!("  {file}:{line}:{column}: {message} [{code}]")));
            if let Some(help) = help {
                page.line(Line::new().plain(format!("    {help}")));
            }
        }
        if !self.hint.is_empty() {
            page.gap();
            page.hint(&self.hint);
        }
        page
    }

    /// For a program.
    pub fn json(&self) -> serde_json::Value {
        let Self {
            exit,
            code,
            what,
            why,
            hint,
            findings,
        } = self;
        json!({"error": {
            "code": code, "what": what, "why": why, "hint": hint, "findings": findings, "exit": exit.code(),
        }})
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let exit = problem.exit();
        let Problem {
            kind: _,
            title,
            status: _,
            detail,
            code,
            hint,
            instance: _,
            findings,
        } = problem;
        Self {
            exit,
            code,
            what: title,
            why: detail,
            hint,
            findings: findings.into(),
        }
    }
}
