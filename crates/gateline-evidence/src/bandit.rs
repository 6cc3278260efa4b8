//! Bandit's JSON: insecure Python, by test.
//!
//! Layout: bandit 1.7 and later, `-f json`. Its metrics tell how many lines it looked at and how many issues it found, those
//! too that `-l`, `-i` and `-b` leave out of `results`: such a report does not say all that was found.

use serde::Deserialize;
use serde::de::MapAccess;

use crate::collect::{Findings, Told};
use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::Input;
use crate::read::{Body, Warnings};
use crate::stream::{Keyed, Objects, Words, each, each_entry};
use crate::{severity, text};

const TOOL: &str = "bandit";
/// Issues of one severity that are believed.
const ISSUES_MAX: f64 = 1e9;

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "bandit",
    kind: "findings",
    title: "bandit's JSON: insecure Python",
    knows: |head| head.has_keys(&["metrics", "results", "generated_at"]),
    read,
};

fn read(input: &mut Input<'_>) -> Result<Body, Fault> {
    let mut bandit = Bandit::default();
    bandit.findings.tool(TOOL);
    bandit.findings.run();
    input.json(Objects(&mut bandit))?;
    let nothing = (bandit.lines == 0).then(|| "bandit looked at no line of code".to_owned());
    let no_list = bandit
        .listed
        .is_none()
        .then(|| "the report has no `results`".to_owned());
    // Its metrics count what `-l`, `-i` and `-b` keep out of the list, too.
    let listed = bandit.listed.unwrap_or(0);
    let (counted, accepted) = (bandit.counted, bandit.accepted);
    bandit.findings.suppressed(counted.saturating_sub(listed));
    // Some may be hidden on purpose; a list without any is taken for one that was lost, unless it says what it accepted.
    let lost = (listed == 0 && counted > accepted)
        .then(|| format!("the report contradicts itself: bandit counts {counted} issues and lists none"));
    Ok(bandit.findings.into_body(
        bandit
            .unread
            .or(nothing)
            .or(no_list)
            .or(bandit.odd)
            .or(lost)
            .or(bandit.silent),
        Warnings::default(),
    ))
}

#[derive(Default)]
struct Bandit {
    findings: Findings,
    /// Lines of code that it looked at.
    lines: u64,
    /// Issues that it lists; `None` without a list.
    listed: Option<u64>,
    /// Issues that its metrics count.
    counted: u64,
    /// Lines and tests that its metrics count as accepted.
    accepted: u64,
    /// A count that cannot be one.
    odd: Option<String>,
    /// The first file that it could not look at, and why.
    unread: Option<String>,
    /// The first issue of which it does not say how grave it is.
    silent: Option<String>,
}

impl Keyed for Bandit {
    const KEYS: &'static [&'static str] = &["errors", "metrics", "results"];

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        let Bandit {
            findings,
            lines,
            counted,
            accepted,
            odd,
            unread,
            silent,
            ..
        } = self;
        match key {
            "errors" => {
                value.next_value_seed(each(|error: Unread| {
                    unread.get_or_insert_with(|| error.says());
                }))?;
            }
            "metrics" => {
                value.next_value_seed(each_entry(|name, metrics: Metrics| {
                    if name == "_totals" {
                        *lines = metrics.loc;
                        match metrics.issues() {
                            Ok(issues) => *counted = issues,
                            Err(reason) => *odd = Some(reason),
                        }
                        *accepted = metrics.nosec.saturating_add(metrics.skipped_tests);
                        findings.suppressed(*accepted);
                    }
                }))?;
            }
            _ => {
                self.listed = value.next_value_seed(each(|issue: Issue| {
                    if severity::is_missing(issue.issue_severity.as_deref()) {
                        silent.get_or_insert_with(|| {
                            severity::missing(TOOL, "issue_severity", issue.test_id.as_deref())
                        });
                    }
                    issue.tell(findings);
                }))?;
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Unread {
    #[serde(default)]
    filename: String,
    #[serde(default)]
    reason: String,
}

impl Unread {
    fn says(&self) -> String {
        let file = text::name(&self.filename);
        format!(
            "bandit could not look at `{file}`: {}",
            text::message(&self.reason)
        )
    }
}

#[derive(Deserialize)]
struct Metrics {
    #[serde(default)]
    loc: u64,
    #[serde(default)]
    nosec: u64,
    #[serde(default)]
    skipped_tests: u64,
    #[serde(rename = "SEVERITY.HIGH", default)]
    high: f64,
    #[serde(rename = "SEVERITY.MEDIUM", default)]
    medium: f64,
    #[serde(rename = "SEVERITY.LOW", default)]
    low: f64,
    #[serde(rename = "SEVERITY.UNDEFINED", default)]
    undefined: f64,
}

impl Metrics {
    /// Issues of every severity; an error says which count cannot be one.
    fn issues(&self) -> Result<u64, String> {
        let counts = [self.high, self.medium, self.low, self.undefined];
        let mut issues = 0;
        for count in counts {
            if !(0.0..=ISSUES_MAX).contains(&count) || count.fract() != 0.0 {
                return Err(format!(
                    "bandit counts {count} issues of one severity, which is no count"
                ));
            }
            issues += count as u64;
        }
        Ok(issues)
    }
}

#[derive(Deserialize)]
struct Issue {
    test_id: Option<String>,
    issue_severity: Option<String>,
    #[serde(default)]
    issue_text: String,
    issue_cwe: Option<Cwe>,
    filename: Option<String>,
    #[serde(default)]
    line_number: Words,
}

#[derive(Deserialize)]
struct Cwe {
    id: Option<u32>,
}

impl Issue {
    fn tell(self, findings: &mut Findings) {
        let cwe = self.issue_cwe.and_then(|cwe| cwe.id);
        findings.add(Told {
            tool: TOOL,
            rule: self.test_id.as_deref(),
            message: &self.issue_text,
            severity: self.issue_severity.as_deref().and_then(severity::of_word),
            file: self.filename.as_deref(),
            line: self.line_number.line(),
            cwe: cwe.map(|id| format!("CWE-{id}")).into_iter().collect(),
            ..Told::default()
        });
    }
}
