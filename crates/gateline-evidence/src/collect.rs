//! The collecting of findings: counts of all, the most severe kept, and an identity for each that outlives moved lines.

use std::collections::HashMap;

use gateline_model::{
    ALIASES_MAX, Digest, FINDINGS_MAX, Facts, Finding, FindingFacts, FindingLevel, Package, Severity,
    TOOLS_MAX,
};

use crate::read::{Body, Complete, Warnings};
use crate::text;

/// Hex digits of an identity. At 2,000 findings two that differ agree by chance once in 10^13 reports.
const IDENTITY_DIGITS: usize = 16;

/// What stands for the message of a finding that its tool does not describe.
const UNDESCRIBED: &str = "without a description";

/// Findings of one report, as they are read.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    facts: FindingFacts,
    /// The first findings of each severity, in the order of [`Severity::ALL`].
    first: [Vec<Finding>; 5],
    /// How often each identity is among them.
    seen: HashMap<String, u32>,
}

/// One finding as its tool tells it; texts are shortened here.
#[derive(Debug, Default)]
pub(crate) struct Told<'a> {
    pub(crate) tool: &'a str,
    pub(crate) rule: Option<&'a str>,
    pub(crate) message: &'a str,
    /// The level, where the tool knows levels.
    pub(crate) level: Option<FindingLevel>,
    /// The tool's own word for the severity, where it has one.
    pub(crate) severity: Option<Severity>,
    /// The CVSS base score.
    pub(crate) score: Option<f64>,
    pub(crate) file: Option<&'a str>,
    pub(crate) line: Option<u64>,
    pub(crate) cwe: Vec<String>,
    pub(crate) aliases: Vec<String>,
    pub(crate) package: Option<Package>,
    pub(crate) exploited: Option<bool>,
    pub(crate) known: Option<bool>,
    /// The tool's own fingerprint, where it has one that outlives moved lines.
    pub(crate) fingerprint: Option<&'a str>,
}

impl Findings {
    /// Names a tool, whether or not it finds something.
    pub(crate) fn tool(&mut self, name: &str) {
        let name = text::name(name);
        let tools = &mut self.facts.tools;
        if tools.len() < TOOLS_MAX && !tools.contains(&name) {
            tools.push(name);
        }
    }

    /// Counts a run of a tool.
    pub(crate) fn run(&mut self) {
        self.facts.runs += 1;
    }

    /// Counts findings that the tool itself says were accepted.
    pub(crate) fn suppressed(&mut self, count: u64) {
        self.facts.suppressed = self.facts.suppressed.saturating_add(count);
    }

    /// Counts a finding, and keeps it while there is room among those of its severity.
    pub(crate) fn add(&mut self, told: Told<'_>) {
        let score = told.score.filter(|score| (0.0..=10.0).contains(score));
        let by_level = told.level.map(Severity::of_level);
        let by_score = score.map(Severity::of_score);
        // Nothing known: a scanner that does not say how bad it is has not said that it is harmless.
        let severity = by_score
            .or(told.severity)
            .or(by_level)
            .unwrap_or(Severity::Medium);
        let level = told.level.unwrap_or(severity.level());
        let facts = &mut self.facts;
        *match level {
            FindingLevel::Error => &mut facts.errors,
            FindingLevel::Warning => &mut facts.warnings,
            FindingLevel::Note => &mut facts.notes,
            FindingLevel::None => &mut facts.none,
        } += 1;
        let (count, kept) = match severity {
            Severity::Critical => (&mut facts.critical, &mut self.first[0]),
            Severity::High => (&mut facts.high, &mut self.first[1]),
            Severity::Medium => (&mut facts.medium, &mut self.first[2]),
            Severity::Low => (&mut facts.low, &mut self.first[3]),
            Severity::Info => (&mut facts.info, &mut self.first[4]),
        };
        *count += 1;
        if kept.len() == FINDINGS_MAX {
            return;
        }
        let identity = nth(&mut self.seen, identity(&told));
        let names = |list: Vec<String>| {
            list.iter()
                .take(ALIASES_MAX)
                .map(|name| text::name(name))
                .collect()
        };
        kept.push(Finding {
            identity,
            tool: text::name(told.tool),
            rule: told.rule.map(text::name),
            level,
            severity,
            score,
            message: match text::message(told.message) {
                empty if empty.is_empty() => UNDESCRIBED.to_owned(),
                message => message,
            },
            file: told.file.map(text::name),
            line: told.line,
            cwe: names(told.cwe),
            aliases: names(told.aliases),
            package: told.package.map(shortened),
            exploited: told.exploited,
            known: told.known,
        });
    }

    /// The body of a report, which is incomplete where there is a reason.
    pub(crate) fn into_body(self, incomplete: Option<String>, warnings: Warnings) -> Body {
        Body {
            facts: Facts::Findings(self.into_facts()),
            complete: Complete::unless(incomplete),
            warnings,
        }
    }

    pub(crate) fn into_facts(self) -> FindingFacts {
        let findings = self.first.into_iter().flatten().take(FINDINGS_MAX).collect();
        FindingFacts {
            findings,
            ..self.facts
        }
    }
}

/// A second finding of one identity is another finding: a waiver of the first must not hide it.
fn nth(seen: &mut HashMap<String, u32>, identity: String) -> String {
    let seen = seen.entry(identity.clone()).or_default();
    *seen += 1;
    match *seen {
        1 => identity,
        nth => format!("{identity}#{nth}"),
    }
}

/// The package URL of a package, for tools that write name and version only: so that a vulnerability is known by the same
/// name whichever tool found it. `kind` is the type as in `npm`.
pub(crate) fn purl(kind: &str, name: &str, version: &str) -> String {
    let name = match kind {
        "pypi" => name.to_ascii_lowercase().replace('_', "-"),
        _ => name.replace('@', "%40"),
    };
    match version.is_empty() {
        true => format!("pkg:{kind}/{name}"),
        false => format!("pkg:{kind}/{name}@{version}"),
    }
}

fn shortened(package: Package) -> Package {
    let Package {
        name,
        version,
        purl,
        fixed_in,
    } = package;
    Package {
        name: text::name(&name),
        version: text::name(&version),
        purl: purl.as_deref().map(text::name),
        fixed_in: fixed_in.as_deref().map(text::name),
    }
}

/// What a finding is, whatever moves around it. A vulnerability is the same whichever tool finds it and whichever version
/// has it; anything else is known by its tool, rule and place.
fn identity(told: &Told<'_>) -> String {
    let rule = told.rule.unwrap_or_default();
    let parts = match &told.package {
        Some(package) => {
            let cve = std::iter::once(rule).chain(told.aliases.iter().map(String::as_str));
            let id = cve
                .into_iter()
                .find(|name| name.starts_with("CVE-"))
                .unwrap_or(rule);
            let of = package
                .purl
                .as_deref()
                .map_or(package.name.as_str(), without_version);
            ["package", id, of, ""]
        }
        // An empty one would make one finding of many.
        None => match told
            .fingerprint
            .filter(|fingerprint| !fingerprint.trim().is_empty())
        {
            // With its file: a fingerprint is often over the text of the line alone, which may stand in two files.
            Some(fingerprint) => [told.tool, rule, told.file.unwrap_or_default(), fingerprint],
            None => [told.tool, rule, told.file.unwrap_or_default(), told.message],
        },
    };
    let mut hex = Digest::of(parts.join("\0").as_bytes()).hex();
    hex.truncate(IDENTITY_DIGITS);
    hex
}

/// `pkg:npm/lodash@4.17.20?arch=x` as `pkg:npm/lodash`. A scope's `@` is written `%40`.
fn without_version(purl: &str) -> &str {
    let end = purl.find(['?', '#']).unwrap_or(purl.len());
    let purl = &purl[..end];
    purl.rfind('@').map_or(purl, |at| &purl[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(told: Vec<Told<'_>>) -> Vec<Finding> {
        let mut findings = Findings::default();
        told.into_iter().for_each(|told| findings.add(told));
        findings.into_facts().findings
    }

    fn in_code(line: u64) -> Told<'static> {
        Told {
            tool: "ruff",
            rule: Some("S105"),
            message: "a secret",
            file: Some("a.py"),
            line: Some(line),
            ..Told::default()
        }
    }

    fn in_package(version: &str) -> Told<'static> {
        let package = Package {
            name: "lodash".to_owned(),
            version: version.to_owned(),
            purl: Some(format!("pkg:npm/lodash@{version}")),
            fixed_in: None,
        };
        Told {
            tool: "trivy",
            rule: Some("CVE-2020-8203"),
            package: Some(package),
            ..Told::default()
        }
    }

    #[test]
    fn a_finding_that_moves_stays_the_same() {
        assert_eq!(
            kept(vec![in_code(3)])[0].identity,
            kept(vec![in_code(30)])[0].identity
        );
    }

    #[test]
    fn the_fingerprint_of_a_tool_stands_in_for_the_message_and_not_for_the_file() {
        let told = |file, message| Told {
            file: Some(file),
            message,
            fingerprint: Some("39fa2ee980eb94b0:1"),
            ..in_code(3)
        };
        let identity = |file, message| kept(vec![told(file, message)])[0].identity.clone();
        assert_eq!(identity("a.py", "one"), identity("a.py", "two"));
        assert_ne!(identity("a.py", "one"), identity("b.py", "one"));
    }

    #[test]
    fn an_empty_fingerprint_is_none() {
        let told = |message| Told {
            message,
            fingerprint: Some(" "),
            ..in_code(3)
        };
        let identity = |message| kept(vec![told(message)])[0].identity.clone();
        assert_ne!(identity("sql in A"), identity("rce in B"));
    }

    #[test]
    fn twins_in_one_report_are_two() {
        let twins = kept(vec![in_code(3), in_code(30)]);
        assert_eq!(twins[1].identity, format!("{}#2", twins[0].identity));
    }

    #[test]
    fn a_vulnerability_is_the_same_in_another_version_and_by_another_tool() {
        let by_npm = Told {
            tool: "npm audit",
            rule: Some("GHSA-p6mc-m468-83gw"),
            aliases: vec!["CVE-2020-8203".to_owned()],
            ..in_package("4.17.19")
        };
        assert_eq!(
            kept(vec![in_package("4.17.20")])[0].identity,
            kept(vec![by_npm])[0].identity
        );
    }

    #[test]
    fn the_score_wins_over_the_word_and_the_word_over_the_level() {
        let told = |score, severity, level| Told {
            score,
            severity,
            level,
            ..Told::default()
        };
        let severities = |told| kept(vec![told])[0].severity;
        let (low, note) = (Some(Severity::Low), Some(FindingLevel::Note));
        assert_eq!(severities(told(Some(9.8), low, note)), Severity::Critical);
        assert_eq!(severities(told(None, Some(Severity::High), note)), Severity::High);
        assert_eq!(severities(told(None, None, note)), Severity::Low);
        assert_eq!(severities(told(Some(99.0), None, None)), Severity::Medium);
    }

    #[test]
    fn the_most_severe_are_kept_and_all_are_counted() {
        let mut findings = Findings::default();
        (0..=FINDINGS_MAX).for_each(|_| findings.add(in_code(1)));
        findings.add(Told {
            score: Some(9.8),
            ..in_code(2)
        });
        let facts = findings.into_facts();
        assert_eq!(facts.total(), FINDINGS_MAX as u64 + 2);
        assert_eq!(facts.findings.len(), FINDINGS_MAX);
        assert_eq!(facts.findings[0].severity, Severity::Critical);
        assert!(!facts.all_kept());
    }
}
