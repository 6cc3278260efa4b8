//! Gitleaks' JSON: secrets, one item each.
//!
//! Layout: gitleaks 8, `--report-format json`. A clean report is `[]`, which is also what many other tools write: it has to
//! be named. The secret itself is not kept.

use gateline_model::FindingLevel;
use serde::Deserialize;

use crate::collect::{Findings, Told};
use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::Input;
use crate::read::{Body, Warnings};
use crate::stream::{Words, each};

const TOOL: &str = "gitleaks";

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "gitleaks",
    kind: "findings",
    title: "gitleaks' JSON: secrets in files and commits",
    knows: |head| head.items_have_keys(&["RuleID", "Fingerprint"]),
    read,
};

fn read(input: &mut Input<'_>) -> Result<Body, Fault> {
    let mut findings = Findings::default();
    findings.tool(TOOL);
    findings.run();
    let leaks = input.json(each(|leak: Leak| leak.tell(&mut findings)))?;
    let nothing = leaks
        .is_none()
        .then(|| "gitleaks left no list of leaks".to_owned());
    Ok(findings.into_body(nothing, Warnings::default()))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Leak {
    #[serde(rename = "RuleID")]
    rule: String,
    #[serde(default)]
    description: String,
    file: Option<String>,
    #[serde(default)]
    start_line: Words,
    #[serde(default)]
    commit: String,
    fingerprint: Option<String>,
}

impl Leak {
    fn tell(self, findings: &mut Findings) {
        // With its commit a line never moves; without one, the fingerprint would change with the line.
        let fingerprint = self.fingerprint.as_deref();
        findings.add(Told {
            tool: TOOL,
            rule: Some(&self.rule),
            message: &self.description,
            level: Some(FindingLevel::Error),
            file: self.file.as_deref(),
            line: self.start_line.line(),
            fingerprint: fingerprint.filter(|_| !self.commit.is_empty()),
            ..Told::default()
        });
    }
}
