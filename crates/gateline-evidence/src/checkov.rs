//! Checkov's JSON: misconfigurations of infrastructure files.
//!
//! Layout: checkov 3, `-o json`: one report, a list of them where several frameworks ran, or bare counts where there was
//! nothing to check. It ends with success in that case too, which is no pass.

use gateline_model::FindingLevel;
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess};

use crate::collect::{Findings, Told};
use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::Input;
use crate::read::{Body, Warnings};
use crate::stream::{Keyed, Objects, Words, each};
use crate::{severity, text};

const TOOL: &str = "checkov";

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "checkov",
    kind: "findings",
    title: "checkov's JSON: misconfigurations of infrastructure files",
    knows: |head| {
        head.has_keys(&["check_type", "results"])
            || head.items_have_keys(&["check_type", "results"])
            || head.has_keys(&["passed", "failed", "checkov_version"])
    },
    read,
};

fn read(input: &mut Input<'_>) -> Result<Body, Fault> {
    let mut checkov = Checkov::default();
    checkov.findings.tool(TOOL);
    let reports = input.json(Objects(&mut checkov))?;
    (0..reports.max(1)).for_each(|_| checkov.findings.run());
    let nothing = (checkov.checks == 0).then(|| "checkov checked nothing: 0 checks ran".to_owned());
    Ok(checkov.findings.into_body(
        checkov.unread.or(nothing).or(checkov.contradiction),
        Warnings::default(),
    ))
}

#[derive(Default)]
struct Checkov {
    findings: Findings,
    /// Checks that ran, as the summaries or the lists tell, whichever is more.
    checks: u64,
    /// Those of the open report.
    listed: u64,
    summed: u64,
    /// Failed checks that it lists; `None` without a list.
    failed_listed: Option<u64>,
    /// Failed checks that its summary counts.
    failed_summed: u64,
    /// The first report whose list cannot be relied on.
    contradiction: Option<String>,
    /// What it could not read.
    unread: Option<String>,
}

impl Keyed for Checkov {
    const KEYS: &'static [&'static str] = &["check_type", "results", "summary"];

    fn begin(&mut self) -> Result<(), String> {
        (self.listed, self.summed) = (0, 0);
        (self.failed_listed, self.failed_summed) = (None, 0);
        Ok(())
    }

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        match key {
            "results" => value.next_value_seed(Objects(&mut Results(self))).map(drop),
            "summary" => {
                let summary: Option<Summary> = value.next_value()?;
                let Summary {
                    passed,
                    failed,
                    skipped,
                    parsing_errors,
                } = summary.unwrap_or_default();
                self.failed_summed = failed;
                self.summed = passed.saturating_add(failed).saturating_add(skipped);
                if parsing_errors > 0 {
                    self.unread
                        .get_or_insert_with(|| format!("checkov could not read {parsing_errors} files"));
                }
                Ok(())
            }
            _ => value.next_value::<IgnoredAny>().map(drop),
        }
    }

    fn end(&mut self) {
        self.checks = self.checks.saturating_add(self.listed.max(self.summed));
        let failed = self.failed_summed;
        let contradiction = match self.failed_listed {
            None => Some("the report has no `results` with `failed_checks`".to_owned()),
            Some(listed) if failed > listed => Some(format!(
                "the report contradicts itself: checkov counts {failed} failed checks and lists {listed}"
            )),
            Some(_) => None,
        };
        self.contradiction = self.contradiction.take().or(contradiction);
    }
}

#[derive(Deserialize, Default)]
struct Summary {
    #[serde(default)]
    passed: u64,
    #[serde(default)]
    failed: u64,
    #[serde(default)]
    skipped: u64,
    #[serde(default)]
    parsing_errors: u64,
}

struct Results<'c>(&'c mut Checkov);

impl Keyed for Results<'_> {
    const KEYS: &'static [&'static str] = &[
        "passed_checks",
        "failed_checks",
        "skipped_checks",
        "parsing_errors",
    ];

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        let Checkov {
            findings,
            listed,
            failed_listed,
            unread,
            contradiction,
            ..
        } = &mut *self.0;
        let count = match key {
            "failed_checks" => {
                *failed_listed = value.next_value_seed(each(|check: Check| check.tell(findings)))?;
                *failed_listed
            }
            "parsing_errors" => {
                value.next_value_seed(each(|file: Words| {
                    let file = text::name(file.first().unwrap_or("a file"));
                    *unread = Some(format!("checkov could not read `{file}`"));
                }))?;
                None
            }
            _ => {
                let count = value.next_value_seed(each(|check: Ended| {
                    if check.failed() {
                        contradiction.get_or_insert_with(|| {
                            format!("the report contradicts itself: a check in `{key}` has the result FAILED")
                        });
                    }
                }))?;
                if key == "skipped_checks" {
                    findings.suppressed(count.unwrap_or_default());
                }
                count
            }
        };
        *listed += count.unwrap_or_default();
        Ok(())
    }
}

/// A check that is listed as one that did not fail.
#[derive(Deserialize)]
struct Ended {
    check_result: Option<Outcome>,
}

#[derive(Deserialize)]
struct Outcome {
    #[serde(default)]
    result: Words,
}

impl Ended {
    fn failed(&self) -> bool {
        let result = self.check_result.as_ref().and_then(|check| check.result.first());
        result.is_some_and(|result| result.eq_ignore_ascii_case("FAILED"))
    }
}

#[derive(Deserialize)]
struct Check {
    check_id: Option<String>,
    #[serde(default)]
    check_name: Words,
    file_path: Option<String>,
    #[serde(default)]
    file_line_range: Words,
    resource: Option<String>,
    #[serde(default)]
    severity: Words,
}

impl Check {
    fn tell(self, findings: &mut Findings) {
        let name = self.check_name.first().unwrap_or_default();
        let message = match &self.resource {
            Some(resource) => format!("{name} ({resource})"),
            None => name.to_owned(),
        };
        findings.add(Told {
            tool: TOOL,
            rule: self.check_id.as_deref(),
            message: &message,
            // As in its SARIF: without an account it gives no severity.
            level: Some(FindingLevel::Error),
            severity: self.severity.first().and_then(severity::of_word),
            file: self.file_path.as_deref().map(|path| path.trim_start_matches('/')),
            line: self.file_line_range.line(),
            ..Told::default()
        });
    }
}
