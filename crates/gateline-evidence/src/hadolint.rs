//! Hadolint's JSON: problems of a Dockerfile.
//!
//! Layout: hadolint 2, `-f json`. A clean report is `[]`, which is also what many other tools write: it has to be named.

use gateline_model::FindingLevel;
use serde::Deserialize;

use crate::collect::{Findings, Told};
use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::Input;
use crate::read::{Body, Warnings};
use crate::stream::{Words, each};
use crate::{severity, text};

const TOOL: &str = "hadolint";
/// The rule of a file that could not be parsed, so that nothing in it was looked at.
const UNPARSED: &str = "DL1000";

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "hadolint",
    kind: "findings",
    title: "hadolint's JSON: problems of a Dockerfile",
    knows: |head| head.items_have_keys(&["code", "column", "file", "level", "line", "message"]),
    read,
};

fn read(input: &mut Input<'_>) -> Result<Body, Fault> {
    let mut findings = Findings::default();
    findings.tool(TOOL);
    findings.run();
    let mut unread = None;
    let listed = input.json(each(|one: Problem| {
        if one.code == UNPARSED {
            unread.get_or_insert_with(|| {
                let file = text::name(one.file.as_deref().unwrap_or("a file"));
                format!(
                    "hadolint could not parse `{file}`: {}",
                    text::message(&one.message)
                )
            });
        }
        one.tell(&mut findings);
    }))?;
    let nothing = listed
        .is_none()
        .then(|| "hadolint left no list of problems".to_owned());
    Ok(findings.into_body(unread.or(nothing), Warnings::default()))
}

#[derive(Deserialize)]
struct Problem {
    code: String,
    file: Option<String>,
    #[serde(default)]
    level: String,
    #[serde(default)]
    line: Words,
    #[serde(default)]
    message: String,
}

impl Problem {
    fn tell(self, findings: &mut Findings) {
        findings.add(Told {
            tool: TOOL,
            rule: Some(&self.code),
            message: &self.message,
            level: Some(severity::level_of_word(&self.level).unwrap_or(FindingLevel::Error)),
            file: self.file.as_deref(),
            line: self.line.line(),
            ..Told::default()
        });
    }
}
