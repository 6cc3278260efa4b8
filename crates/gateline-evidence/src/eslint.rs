//! ESLint's JSON: problems of JavaScript, file by file.
//!
//! Layout: ESLint 8 and later, `-f json`. Clean files are listed too, so an empty list is one of no file; a file without its
//! path or its list of messages, or that counts more than it lists, is no clean one.

use gateline_model::FindingLevel;
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess};

use crate::collect::{Findings, Told};
use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::Input;
use crate::read::{Body, Warnings};
use crate::stream::{Items, Keyed, Words, each};
use crate::text;

const TOOL: &str = "eslint";

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "eslint",
    kind: "findings",
    title: "ESLint's JSON: problems of JavaScript",
    knows: |head| head.items_have_keys(&["filePath", "messages"]),
    read,
};

fn read(input: &mut Input<'_>) -> Result<Body, Fault> {
    let mut eslint = Eslint::default();
    eslint.findings.tool(TOOL);
    eslint.findings.run();
    let files = input.json(Items(&mut eslint))?;
    let nothing = (files == 0).then(|| "ESLint looked at no file".to_owned());
    Ok(eslint
        .findings
        .into_body(eslint.unread.or(eslint.unclear).or(nothing), Warnings::default()))
}

#[derive(Default)]
struct Eslint {
    findings: Findings,
    /// The file that is read.
    file: Option<String>,
    /// Its errors and warnings, as it lists them; `None` without a list.
    listed: Option<Problems>,
    /// Its errors and warnings, as it counts them.
    counted: Problems,
    /// The first file that it could not parse, and why.
    unread: Option<String>,
    /// The first entry that is no file of ESLint's, or contradicts itself.
    unclear: Option<String>,
}

#[derive(Clone, Copy, Default)]
struct Problems {
    errors: u64,
    warnings: u64,
    /// Those of the errors that kept it from looking at the file.
    fatal: u64,
}

impl Keyed for Eslint {
    const KEYS: &'static [&'static str] = &[
        "filePath",
        "messages",
        "suppressedMessages",
        "errorCount",
        "warningCount",
        "fatalErrorCount",
    ];

    fn begin(&mut self) -> Result<(), String> {
        (self.file, self.listed, self.counted) = (None, None, Problems::default());
        Ok(())
    }

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        match key {
            "filePath" => self.file = value.next_value()?,
            "messages" => {
                let mut listed = Problems::default();
                let count = value.next_value_seed(each(|message: Message| {
                    listed.fatal += u64::from(message.fatal);
                    match message.level() {
                        FindingLevel::Warning => listed.warnings += 1,
                        _ => listed.errors += 1,
                    }
                    self.message(message);
                }))?;
                self.listed = count.map(|_| listed);
            }
            "errorCount" => self.counted.errors = value.next_value()?,
            "warningCount" => self.counted.warnings = value.next_value()?,
            "fatalErrorCount" => self.counted.fatal = value.next_value()?,
            _ => {
                let count = value.next_value_seed(each(|_: IgnoredAny| ()))?;
                self.findings.suppressed(count.unwrap_or_default());
            }
        }
        Ok(())
    }

    fn end(&mut self) {
        let unclear = self.unclear_file();
        self.unclear = self.unclear.take().or(unclear);
    }
}

impl Eslint {
    fn message(&mut self, message: Message) {
        if message.fatal {
            let file = text::name(self.file.as_deref().unwrap_or("a file"));
            let why = text::message(&message.message);
            self.unread
                .get_or_insert(format!("ESLint could not look at `{file}`: {why}"));
        }
        message.tell(self.file.as_deref(), &mut self.findings);
    }

    /// Why the entry that was read last says nothing that can be relied on.
    fn unclear_file(&self) -> Option<String> {
        let Some(file) = self.file.as_deref().map(text::name) else {
            return Some("an entry of the report has no `filePath`: it is not ESLint's".to_owned());
        };
        let Some(listed) = self.listed else {
            return Some(format!("the report has no `messages` for `{file}`"));
        };
        let contradicts = |counted, word, listed| {
            format!("the report contradicts itself: `{file}` counts {counted} {word} and lists {listed}")
        };
        let Problems {
            errors,
            warnings,
            fatal,
        } = self.counted;
        match () {
            () if errors > listed.errors => Some(contradicts(errors, "errors", listed.errors)),
            () if warnings > listed.warnings => Some(contradicts(warnings, "warnings", listed.warnings)),
            () if fatal > listed.fatal => Some(contradicts(fatal, "fatal errors", listed.fatal)),
            () => None,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    rule_id: Option<String>,
    #[serde(default)]
    severity: Words,
    #[serde(default)]
    message: String,
    #[serde(default)]
    line: Words,
    #[serde(default)]
    fatal: bool,
}

impl Message {
    fn level(&self) -> FindingLevel {
        match self.severity.first() {
            Some("1") if !self.fatal => FindingLevel::Warning,
            Some(_) | None => FindingLevel::Error,
        }
    }

    fn tell(self, file: Option<&str>, findings: &mut Findings) {
        findings.add(Told {
            tool: TOOL,
            rule: self.rule_id.as_deref(),
            message: &self.message,
            level: Some(self.level()),
            file,
            line: self.line.line(),
            ..Told::default()
        });
    }
}
