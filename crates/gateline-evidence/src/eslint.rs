//! ESLint's JSON: problems of JavaScript, file by file.
//!
//! Layout: ESLint 8 and later, `-f json`. Clean files are listed too, so an empty list is one of no file.

use gateline_model::FindingLevel;
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess};

use crate::collect::{Findings, Told};
use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::Input;
use crate::read::{Body, Warnings};
use crate::stream::{Keyed, Objects, Words, each};
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
    let files = input.json(Objects(&mut eslint))?;
    let nothing = (files == 0).then(|| "ESLint looked at no file".to_owned());
    Ok(eslint
        .findings
        .into_body(eslint.unread.or(nothing), Warnings::default()))
}

#[derive(Default)]
struct Eslint {
    findings: Findings,
    /// The file that is read.
    file: Option<String>,
    /// The first file that it could not parse, and why.
    unread: Option<String>,
}

impl Keyed for Eslint {
    const KEYS: &'static [&'static str] = &["filePath", "messages", "suppressedMessages"];

    fn begin(&mut self) -> Result<(), String> {
        self.file = None;
        Ok(())
    }

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        let Eslint {
            findings,
            file,
            unread,
        } = self;
        match key {
            "filePath" => *file = value.next_value()?,
            "messages" => {
                value.next_value_seed(each(|message: Message| {
                    if message.fatal {
                        let file = text::name(file.as_deref().unwrap_or("a file"));
                        let why = text::message(&message.message);
                        unread.get_or_insert(format!("ESLint could not look at `{file}`: {why}"));
                    }
                    message.tell(file.as_deref(), findings);
                }))?;
            }
            _ => {
                let count = value.next_value_seed(each(|_: IgnoredAny| ()))?;
                findings.suppressed(count.unwrap_or_default());
            }
        }
        Ok(())
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
    fn tell(self, file: Option<&str>, findings: &mut Findings) {
        findings.add(Told {
            tool: TOOL,
            rule: self.rule_id.as_deref(),
            message: &self.message,
            level: Some(match self.severity.first() {
                Some("1") => FindingLevel::Warning,
                Some(_) | None => FindingLevel::Error,
            }),
            file,
            line: self.line.line(),
            ..Told::default()
        });
    }
}
