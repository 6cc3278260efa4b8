//! One run of a tool: whether it looked, and what its results come to.

use gateline_model::{FindingLevel, Package, Severity};
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess};

use super::entry::{Entry, Message, RuleReference};
use super::tool::{Configuration, Override, RULES_MAX, Reading, Rule, Score, Tool};
use crate::collect::{Findings, Told};
use crate::read::Warnings;
use crate::stream::{Keyed, Objects, Words, each};
use crate::text;

/// A tool that does not say its name.
const UNNAMED: &str = "unnamed tool";
/// Scanners for secrets, which give no level: each of their results is grave.
const SECRET_SCANNERS: [&str; 2] = ["gitleaks", "kingfisher"];

#[derive(Default)]
pub(super) struct Run {
    tool: Option<Tool>,
    overrides: Vec<Override>,
    /// How many results it lists; none if it has no list of them.
    pub(super) results: Option<u64>,
    /// It keeps results in other files.
    is_elsewhere: bool,
    /// What went wrong in it, in its own words.
    trouble: Option<String>,
}

impl Run {
    pub(super) fn name(&self) -> &str {
        let name = self.tool.as_ref().and_then(|tool| tool.name.as_deref());
        name.unwrap_or(UNNAMED)
    }

    pub(super) fn has_tool(&self) -> bool {
        self.tool.is_some()
    }

    pub(super) fn has_overrides(&self) -> bool {
        !self.overrides.is_empty()
    }

    /// Before the results are read: all that they need is known.
    pub(super) fn settle(&mut self) {
        if let Some(tool) = &mut self.tool {
            tool.settle(&self.overrides);
        }
    }

    pub(super) fn read_tool<'de, A: MapAccess<'de>>(
        &mut self,
        room: &mut usize,
        value: &mut A,
    ) -> Result<(), A::Error> {
        let tool = self.tool.insert(Tool::default());
        value
            .next_value_seed(Objects(&mut Reading { tool, room }))
            .map(drop)
    }

    pub(super) fn read_external<'de, A: MapAccess<'de>>(&mut self, value: &mut A) -> Result<(), A::Error> {
        let external: Option<ExternalFiles> = value.next_value()?;
        self.is_elsewhere =
            external.is_some_and(|files| files.results.is_some_and(|results| !results.is_empty()));
        Ok(())
    }

    pub(super) fn entry(&self, entry: &Entry, findings: &mut Findings, warnings: &mut Warnings) {
        let known = match entry.baseline_state.as_deref() {
            // It was found by an earlier run and is not there any more.
            Some("absent") => return,
            Some("new") => Some(false),
            Some("unchanged" | "updated") => Some(true),
            Some(_) | None => None,
        };
        // One with a level contradicts itself, and is taken for what is worse.
        let is_good = matches!(entry.kind.as_deref(), Some("pass" | "notApplicable"));
        if is_good && matches!(entry.level.as_deref(), None | Some("none" | "note")) {
            return;
        }
        if entry.is_suppressed() {
            findings.suppressed(1);
            return;
        }
        let rule = self.tool.as_ref().and_then(|tool| tool.rule_of(entry));
        let mut cwe = entry.weaknesses();
        cwe.extend(rule.iter().flat_map(|rule| rule.cwe.iter().cloned()));
        cwe.sort_unstable();
        cwe.dedup();
        let message = entry.text();
        let own = entry.score();
        let (score, severity) = match own.as_ref().or(rule.and_then(|rule| rule.score.as_ref())) {
            Some(Score::Is(score)) => (Some(*score), None),
            Some(Score::Odd(word)) => {
                warnings.add(|| {
                    format!("the `security-severity` `{word}` is no number from 0 to 10 and was counted as critical")
                });
                (None, Some(Severity::Critical))
            }
            None => (None, None),
        };
        let package = (self.name() == "Trivy").then(|| package_in(message)).flatten();
        findings.add(Told {
            tool: self.name(),
            rule: entry.rule_id().or(rule.and_then(|rule| rule.id.as_deref())),
            message,
            level: Some(self.level(entry, rule, warnings)),
            severity,
            score,
            file: entry.file(),
            line: entry.line(),
            cwe,
            package,
            known,
            fingerprint: entry.fingerprint(),
            ..Told::default()
        });
    }

    /// The result's own level, else that of its rule, else `warning` (section 3.27.10).
    fn level(&self, entry: &Entry, rule: Option<&Rule>, warnings: &mut Warnings) -> FindingLevel {
        match (entry.kind.as_deref(), entry.level.as_deref()) {
            (None | Some("fail" | "pass" | "notApplicable"), _) => {}
            // The tool could not tell, or asks a person to. Some give a level all the same.
            (Some("open" | "review"), None | Some("none")) => return FindingLevel::Warning,
            (Some("open" | "review"), Some(_)) => {}
            (Some("informational"), _) => return FindingLevel::None,
            (Some(word), _) => {
                let word = text::one_line(word, 40);
                warnings.add(|| format!("`{word}` is not a kind of SARIF and was counted by its level"));
            }
        }
        let configured = || rule?.level.as_deref();
        let Some(word) = entry.level.as_deref().or_else(configured) else {
            return match SECRET_SCANNERS.contains(&self.name()) {
                true => FindingLevel::Error,
                false => FindingLevel::Warning,
            };
        };
        FindingLevel::ALL
            .into_iter()
            .find(|level| level.name() == word)
            .unwrap_or_else(|| {
                let word = text::one_line(word, 40);
                warnings.add(|| format!("`{word}` is not a level of SARIF and was counted as `error`"));
                FindingLevel::Error
            })
    }

    /// Why the run cannot be believed to have looked at everything.
    pub(super) fn did_not_look(self) -> Option<String> {
        let tool = text::name(self.name());
        if self.is_elsewhere {
            return Some(format!(
                "`{tool}` keeps results in other files, which are not read"
            ));
        }
        let Some(results) = self.results else {
            return Some(format!("`{tool}` left no list of results: it did not look"));
        };
        if let Some(trouble) = self.trouble {
            return Some(format!("`{tool}` {trouble}"));
        }
        // It lists the rules that were broken or accepted, and those only.
        let no_rules = self.tool.is_none_or(|tool| tool.is_without_rules());
        (tool == "Checkov" && results == 0 && no_rules).then(|| {
            "`Checkov` does not say in SARIF whether it checked anything; report what `checkov -o json` writes"
                .to_owned()
        })
    }
}

#[derive(Deserialize)]
struct ExternalFiles {
    results: Option<Vec<IgnoredAny>>,
}

/// Reads `invocations`.
pub(super) struct Invocations<'r>(pub(super) &'r mut Run);

impl Keyed for Invocations<'_> {
    const KEYS: &'static [&'static str] = &[
        "executionSuccessful",
        "exitSignalName",
        "exitSignalNumber",
        "processStartFailureMessage",
        "toolExecutionNotifications",
        "toolConfigurationNotifications",
        "ruleConfigurationOverrides",
    ];

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        let Run {
            overrides, trouble, ..
        } = &mut *self.0;
        match key {
            "executionSuccessful" => {
                if value.next_value::<Option<bool>>()? == Some(false) {
                    trouble.get_or_insert_with(|| "says that it was not successful".to_owned());
                }
            }
            "exitSignalName" => {
                if let Some(signal) = value.next_value::<Option<String>>()? {
                    *trouble = Some(format!("was ended by {}", text::name(&signal)));
                }
            }
            "exitSignalNumber" => {
                let number: Words = value.next_value()?;
                if let Some(number) = number.first().filter(|number| number.parse() != Ok(0.0)) {
                    let number = text::one_line(number, 20);
                    trouble.get_or_insert_with(|| format!("was ended by signal {number}"));
                }
            }
            "processStartFailureMessage" => {
                if let Some(message) = value.next_value::<Option<String>>()? {
                    *trouble = Some(format!("could not be started: {}", text::message(&message)));
                }
            }
            "ruleConfigurationOverrides" => {
                value.next_value_seed(each(|text: OverrideText| {
                    if overrides.len() < RULES_MAX {
                        overrides.extend(text.into_override());
                    }
                }))?;
            }
            _ => {
                let mut told = None;
                value.next_value_seed(each(|notification: Notification| {
                    if notification.is_error() {
                        told.get_or_insert_with(|| text::message(notification.text()));
                    }
                }))?;
                // What it says of itself in words tells more than that it was not successful.
                if let Some(message) = told {
                    *trouble = Some(format!("reported an error of its own: {message}"));
                }
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Notification {
    level: Option<String>,
    message: Option<Message>,
}

impl Notification {
    /// A word that is no level is taken for the gravest.
    fn is_error(&self) -> bool {
        let is = |level: &str, word: &str| level.eq_ignore_ascii_case(word);
        let level = self.level.as_deref();
        level.is_some_and(|level| !["none", "note", "warning"].iter().any(|word| is(level, word)))
    }

    fn text(&self) -> &str {
        self.message.as_ref().map_or("", Message::text)
    }
}

#[derive(Deserialize)]
struct OverrideText {
    descriptor: Option<RuleReference>,
    configuration: Option<Configuration>,
}

impl OverrideText {
    fn into_override(self) -> Option<Override> {
        let descriptor = self.descriptor?;
        Some(Override {
            id: descriptor.id().map(str::to_owned),
            index: descriptor.index(),
            component: descriptor.into_component(),
            level: self.configuration?.level?,
        })
    }
}

/// The package that trivy names in the text of a vulnerability, which has no other place for it in SARIF.
fn package_in(message: &str) -> Option<Package> {
    let of = |key: &str| {
        let value = message.lines().find_map(|line| line.strip_prefix(key))?.trim();
        (!value.is_empty()).then(|| value.to_owned())
    };
    Some(Package {
        name: of("Package:")?,
        version: of("Installed Version:")?,
        purl: None,
        fixed_in: of("Fixed Version:"),
    })
}
