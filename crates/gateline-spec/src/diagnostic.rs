//! Diagnostics: what is wrong with a pipeline file, where, and what was meant.
//! Knows no rule; the readers find, this shows.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

use crate::secret;

/// Most diagnostics reported for one file: nobody reads the hundred-and-first before mending the first.
pub const DIAGNOSTICS_MAX: usize = 100;

/// One finding about a pipeline file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Stable word for the rule, as in `stages.cycle`.
    pub code: &'static str,
    /// Whether the file can be used all the same.
    pub severity: Severity,
    /// What is wrong, in one sentence.
    pub message: String,
    /// The file, as the caller named it.
    pub file: String,
    /// Line of the offending text, from 1.
    pub line: usize,
    /// Column of the offending text in characters, from 1.
    pub column: usize,
    /// Bytes of the file that are wrong.
    pub span: Range<usize>,
    /// What was probably meant, or what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Whether the offending text may be a secret, which is then shown to nobody.
    #[serde(skip)]
    hidden: bool,
}

/// Whether a file with the finding can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, but hardly anybody means it.
    Warning,
}

/// Every finding about one file, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(transparent)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            write!(f, "{}{diagnostic}", if index > 0 { "\n" } else { "" })?;
        }
        Ok(())
    }
}

impl Diagnostics {
    /// For a person: each finding with its place and the offending line of `text`, the file's content.
    pub fn render(&self, text: &str, color: bool) -> String {
        let text = without_secrets(text, &self.0);
        let rendered: Vec<String> = self
            .0
            .iter()
            .map(|diagnostic| diagnostic.show(&text, color))
            .collect();
        rendered.join("\n")
    }
}

impl Diagnostic {
    /// For a person: the finding with its place and the offending line of `text`, the file's content.
    pub fn render(&self, text: &str, color: bool) -> String {
        self.show(&without_secrets(text, std::slice::from_ref(self)), color)
    }

    fn show(&self, text: &str, color: bool) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        // The caller may hold a newer text than the one that was read.
        let end = text.floor_char_boundary(self.span.end.min(text.len()));
        let start = text.floor_char_boundary(self.span.start.min(end));
        let mut group: Group<'_> = level.primary_title(self.message.as_str()).id(self.code).element(
            Snippet::source(text)
                .path(self.file.as_str())
                .annotation(AnnotationKind::Primary.span(start..end)),
        );
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let renderer = if color {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        renderer.render(&[group]) + "\n"
    }
}

/// What is wrong and the rule, from an error that says both with `: ` between them.
pub(crate) fn what_and_rule(message: &str) -> (String, Option<String>) {
    // What is written in the file comes first and may have a colon of its own; the rule has none.
    match message.rsplit_once(": ") {
        Some((what, rule)) => (what.to_owned(), Some(rule.to_owned())),
        None => (message.to_owned(), None),
    }
}

/// The text with every secret that a finding points at replaced, byte for byte, so that columns stay.
fn without_secrets(text: &str, found: &[Diagnostic]) -> String {
    // Where the file could not be read to its end, nobody has looked for secrets yet.
    let mut shown = secret::without_tokens(text);
    for diagnostic in found.iter().filter(|diagnostic| diagnostic.hidden) {
        if let Some(secret) = text.get(diagnostic.span.clone()) {
            let stars: String = secret
                .bytes()
                .map(|byte| if byte == b'\n' { '\n' } else { '*' })
                .collect();
            shown.replace_range(diagnostic.span.clone(), &stars);
        }
    }
    shown
}

/// Where the readers of one file leave what they find.
pub(crate) struct Sink<'a> {
    file: &'a str,
    text: &'a str,
    found: RefCell<Vec<Diagnostic>>,
    errors: Cell<usize>,
}

impl<'a> Sink<'a> {
    pub(crate) fn new(file: &'a str, text: &'a str) -> Self {
        Self {
            file,
            text,
            found: RefCell::new(Vec::new()),
            errors: Cell::new(0),
        }
    }

    pub(crate) fn error(&self, code: &'static str, span: &Range<usize>, message: impl Into<String>) {
        self.push(Severity::Error, code, span, message.into(), None, false);
    }

    pub(crate) fn error_with(
        &self,
        code: &'static str,
        span: &Range<usize>,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        self.push(Severity::Error, code, span, message.into(), help, false);
    }

    pub(crate) fn warning(&self, code: &'static str, span: &Range<usize>, message: &str, help: &str) {
        self.push(
            Severity::Warning,
            code,
            span,
            message.to_owned(),
            Some(help.to_owned()),
            false,
        );
    }

    /// A finding whose text is shown to nobody.
    pub(crate) fn secret(
        &self,
        severity: Severity,
        code: &'static str,
        span: &Range<usize>,
        message: &str,
        help: &str,
    ) {
        self.push(
            severity,
            code,
            span,
            message.to_owned(),
            Some(help.to_owned()),
            true,
        );
    }

    /// Whether a finding within this range hides its text.
    pub(crate) fn hides_in(&self, range: &Range<usize>) -> bool {
        let found = self.found.borrow();
        found
            .iter()
            .any(|d| d.hidden && d.span.start >= range.start && d.span.end <= range.end)
    }

    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    /// Line of a place in the file, from 1.
    pub(crate) fn line(&self, at: &Range<usize>) -> usize {
        self.text.as_bytes()[..at.start.min(self.text.len())]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1
    }

    /// What was found, in the order of the file; whether any of it is an error.
    pub(crate) fn finish(self) -> (Vec<Diagnostic>, bool) {
        let mut found = self.found.into_inner();
        found.sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.span.end));
        (found, self.errors.get() > 0)
    }

    fn push(
        &self,
        severity: Severity,
        code: &'static str,
        span: &Range<usize>,
        message: String,
        help: Option<String>,
        hidden: bool,
    ) {
        let mut found = self.found.borrow_mut();
        if severity == Severity::Error {
            self.errors.set(self.errors.get() + 1);
        }
        // A second finding about a hidden text could repeat it; two readers may look at one field.
        let is_known = |earlier: &Diagnostic| {
            &earlier.span == span && (earlier.hidden || (earlier.code == code && earlier.message == message))
        };
        if found.len() >= DIAGNOSTICS_MAX || found.iter().any(is_known) {
            return;
        }
        let start = self.text.floor_char_boundary(span.start.min(self.text.len()));
        let end = self
            .text
            .floor_char_boundary(span.end.clamp(start, self.text.len()));
        let line_start = self.text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        found.push(Diagnostic {
            code,
            severity,
            message,
            file: self.file.to_owned(),
            line: self.line(&(start..end)),
            column: self.text[line_start..start].chars().count() + 1,
            span: start..end,
            help,
            hidden,
        });
    }
}
