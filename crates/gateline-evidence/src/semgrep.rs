//! Semgrep's JSON: patterns found in source code.
//!
//! Layout: semgrep 1.x, `--json`. A file that it could not look at is an error of its own.

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

const TOOL: &str = "semgrep";

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "semgrep",
    kind: "findings",
    title: "semgrep's JSON: patterns in source code",
    knows: |head| head.has_keys(&["results", "errors", "paths"]),
    read,
};

fn read(input: &mut Input<'_>) -> Result<Body, Fault> {
    let mut semgrep = Semgrep::default();
    semgrep.findings.tool(TOOL);
    semgrep.findings.run();
    input.json(Objects(&mut semgrep))?;
    let nothing = (semgrep.scanned == 0).then(|| "semgrep looked at no file".to_owned());
    let no_results = (!semgrep.is_list).then(|| "the report has no `results`".to_owned());
    Ok(semgrep.findings.into_body(
        semgrep.error.or(nothing).or(no_results).or(semgrep.silent),
        semgrep.warnings,
    ))
}

#[derive(Default)]
struct Semgrep {
    findings: Findings,
    warnings: Warnings,
    /// Files that it looked at.
    scanned: u64,
    /// Whether it lists results.
    is_list: bool,
    error: Option<String>,
    /// The first result of which it does not say how grave it is.
    silent: Option<String>,
}

impl Keyed for Semgrep {
    const KEYS: &'static [&'static str] = &["results", "errors", "paths", "skipped_rules"];

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        let Semgrep {
            findings,
            warnings,
            scanned,
            is_list,
            error,
            silent,
        } = self;
        match key {
            "results" => {
                let count = value.next_value_seed(each(|one: Found| {
                    if !one.extra.is_ignored && severity::is_missing(one.extra.severity.as_deref()) {
                        silent.get_or_insert_with(|| {
                            severity::missing(TOOL, "extra.severity", one.check_id.as_deref())
                        });
                    }
                    one.tell(findings);
                }))?;
                *is_list = count.is_some();
            }
            "errors" => {
                value.next_value_seed(each(|trouble: Trouble| match trouble.is_warning() {
                    true => warnings.add(|| trouble.says()),
                    false => drop(error.get_or_insert_with(|| trouble.says())),
                }))?;
            }
            "paths" => drop(value.next_value_seed(Objects(&mut Paths(scanned)))?),
            _ => {
                value.next_value_seed(each(|rule: Skipped| {
                    let id = text::name(rule.rule_id.as_deref().unwrap_or("a rule"));
                    warnings.add(|| format!("`{id}` was skipped"));
                }))?;
            }
        }
        Ok(())
    }
}

struct Paths<'s>(&'s mut u64);

impl Keyed for Paths<'_> {
    const KEYS: &'static [&'static str] = &["scanned"];

    fn key<'de, A: MapAccess<'de>>(&mut self, _: &'static str, value: &mut A) -> Result<(), A::Error> {
        *self.0 = value
            .next_value_seed(each(|_: IgnoredAny| ()))?
            .unwrap_or_default();
        Ok(())
    }
}

#[derive(Deserialize)]
struct Skipped {
    rule_id: Option<String>,
}

#[derive(Deserialize)]
struct Trouble {
    #[serde(default)]
    level: String,
    #[serde(default)]
    message: Words,
    path: Option<String>,
}

impl Trouble {
    fn is_warning(&self) -> bool {
        severity::level_of_word(&self.level).is_some_and(|level| level != FindingLevel::Error)
    }

    fn says(&self) -> String {
        let place = self
            .path
            .as_deref()
            .map(|path| format!(" at `{}`", text::name(path)));
        let message = text::message(self.message.first().unwrap_or_default());
        format!(
            "semgrep reported a problem of its own{}: {message}",
            place.unwrap_or_default()
        )
    }
}

#[derive(Deserialize)]
struct Found {
    check_id: Option<String>,
    path: Option<String>,
    start: Option<Start>,
    #[serde(default)]
    extra: Extra,
}

#[derive(Deserialize)]
struct Start {
    #[serde(default)]
    line: Words,
}

#[derive(Deserialize, Default)]
struct Extra {
    #[serde(default)]
    message: String,
    severity: Option<String>,
    #[serde(default)]
    is_ignored: bool,
    fingerprint: Option<String>,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    cwe: Words,
}

impl Found {
    fn tell(self, findings: &mut Findings) {
        if self.extra.is_ignored {
            return findings.suppressed(1);
        }
        let word = self.extra.severity.as_deref().unwrap_or_default();
        let weaknesses = self.extra.metadata.iter().flat_map(|metadata| metadata.cwe.all());
        // Written for each finding when nobody is logged in.
        let fingerprint = self.extra.fingerprint.as_deref();
        findings.add(Told {
            tool: TOOL,
            rule: self.check_id.as_deref(),
            message: &self.extra.message,
            level: severity::level_of_word(word),
            // `INFO` is a level of semgrep, and no severity.
            severity: severity::of_word(word).filter(|_| severity::level_of_word(word).is_none()),
            file: self.path.as_deref(),
            line: self.start.and_then(|start| start.line.line()),
            cwe: weaknesses.filter_map(|word| severity::weakness(word)).collect(),
            fingerprint: fingerprint.filter(|fingerprint| *fingerprint != "requires login"),
            ..Told::default()
        });
    }
}
