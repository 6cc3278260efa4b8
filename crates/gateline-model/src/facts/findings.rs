//! Findings of linters and scanners.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[cfg(doc)]
use super::MESSAGE_CHARS_MAX;
use super::{FactRow, SHOWN_MAX, row};

/// Findings kept in [`FindingFacts::findings`], the most severe first. What compares findings one by one (new ones, waivers)
/// cannot judge a report of more.
pub const FINDINGS_MAX: usize = 2_000;
/// Tool names kept in [`FindingFacts::tools`].
pub const TOOLS_MAX: usize = 20;
/// Weaknesses, and other names, kept of one [`Finding`].
pub const ALIASES_MAX: usize = 10;

/// How grave a finding is, in SARIF's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingLevel {
    /// A serious problem.
    Error,
    /// A problem.
    Warning,
    /// A hint, or a small problem.
    Note,
    /// Nothing to mend: the tool only tells.
    None,
}

impl FindingLevel {
    /// Every level, the gravest first.
    pub const ALL: [FindingLevel; 4] = [
        FindingLevel::Error,
        FindingLevel::Warning,
        FindingLevel::Note,
        FindingLevel::None,
    ];

    /// The word for this level.
    pub fn name(self) -> &'static str {
        match self {
            FindingLevel::Error => "error",
            FindingLevel::Warning => "warning",
            FindingLevel::Note => "note",
            FindingLevel::None => "none",
        }
    }
}

/// How severe a finding is. One scale for linters and scanners, so that gates can compare them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// CVSS 9.0 and above, or the tool's word.
    Critical,
    /// CVSS 7.0 to 8.9, the tool's word, or SARIF's `error` where there is neither.
    High,
    /// CVSS 4.0 to 6.9, the tool's word, or SARIF's `warning`.
    Medium,
    /// CVSS 0.1 to 3.9, the tool's word, or SARIF's `note`.
    Low,
    /// Nothing to mend: the tool only tells.
    Info,
}

impl Severity {
    /// Every severity, the gravest first.
    pub const ALL: [Severity; 5] = [
        Severity::Critical,
        Severity::High,
        Severity::Medium,
        Severity::Low,
        Severity::Info,
    ];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Critical => "critical",
            Severity::High => "high",
            Severity::Medium => "medium",
            Severity::Low => "low",
            Severity::Info => "info",
        }
    }

    /// The severity of a CVSS score, by the bands that CVSS 3 and 4 name.
    pub fn of_score(score: f64) -> Severity {
        match score {
            s if s >= 9.0 => Severity::Critical,
            s if s >= 7.0 => Severity::High,
            s if s >= 4.0 => Severity::Medium,
            s if s > 0.0 => Severity::Low,
            _ => Severity::Info,
        }
    }

    /// The severity of a level, where a linter says no more.
    pub fn of_level(level: FindingLevel) -> Severity {
        match level {
            FindingLevel::Error => Severity::High,
            FindingLevel::Warning => Severity::Medium,
            FindingLevel::Note => Severity::Low,
            FindingLevel::None => Severity::Info,
        }
    }

    /// The level of a severity, for a scanner that knows no levels.
    pub fn level(self) -> FindingLevel {
        match self {
            Severity::Critical | Severity::High => FindingLevel::Error,
            Severity::Medium => FindingLevel::Warning,
            Severity::Low => FindingLevel::Note,
            Severity::Info => FindingLevel::None,
        }
    }
}

/// Findings of linters and scanners.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FindingFacts {
    /// Names of the tools, each once; at most [`TOOLS_MAX`].
    pub tools: Vec<String>,
    /// Runs of tools in the report.
    pub runs: u64,
    /// Findings of level `error`; like all counts here without the suppressed ones.
    pub errors: u64,
    /// Findings of level `warning`.
    pub warnings: u64,
    /// Findings of level `note`.
    pub notes: u64,
    /// Findings of level `none`.
    pub none: u64,
    /// Findings that the tool itself says were accepted, in its source comments or settings; in no other count.
    pub suppressed: u64,
    /// Findings of severity `critical`.
    #[serde(default)]
    pub critical: u64,
    /// Findings of severity `high`.
    #[serde(default)]
    pub high: u64,
    /// Findings of severity `medium`.
    #[serde(default)]
    pub medium: u64,
    /// Findings of severity `low`.
    #[serde(default)]
    pub low: u64,
    /// Findings of severity `info`.
    #[serde(default)]
    pub info: u64,
    /// The findings, the most severe first, then in the order of the file; at most [`FINDINGS_MAX`]. The counts say how
    /// many there are.
    pub findings: Vec<Finding>,
}

impl FindingFacts {
    /// How many findings there are, suppressed ones left out.
    pub fn total(&self) -> u64 {
        self.critical + self.high + self.medium + self.low + self.info
    }

    /// Whether each finding that was counted is also kept.
    pub fn all_kept(&self) -> bool {
        self.findings.len() as u64 == self.total()
    }

    /// How many findings have exactly this severity.
    pub fn of_severity(&self, severity: Severity) -> u64 {
        match severity {
            Severity::Critical => self.critical,
            Severity::High => self.high,
            Severity::Medium => self.medium,
            Severity::Low => self.low,
            Severity::Info => self.info,
        }
    }

    pub(super) fn says(&self) -> String {
        let FindingFacts {
            critical,
            high,
            medium,
            low,
            info,
            suppressed,
            ..
        } = self;
        let tools = self.tools.join(", ");
        format!(
            "{critical} critical, {high} high, {medium} medium, {low} low, {info} info, {suppressed} suppressed by {tools}"
        )
    }

    pub(super) fn rows(&self) -> Vec<FactRow> {
        let mut rows = vec![row("tools", self.tools.join(", "))];
        rows.extend(Severity::ALL.map(|severity| row(severity.name(), self.of_severity(severity))));
        rows.push(row("suppressed", self.suppressed));
        rows.extend(self.findings.iter().take(SHOWN_MAX).map(|finding| {
            row(
                finding.severity.name(),
                format!("{finding} (finding {})", finding.identity),
            )
        }));
        let more = self.findings.len().saturating_sub(SHOWN_MAX);
        rows.extend((more > 0).then(|| row("findings", format!("and {more} more"))));
        rows
    }

    /// How many findings have exactly this level.
    pub fn count(&self, level: FindingLevel) -> u64 {
        match level {
            FindingLevel::Error => self.errors,
            FindingLevel::Warning => self.warnings,
            FindingLevel::Note => self.notes,
            FindingLevel::None => self.none,
        }
    }
}

/// One thing that a linter or scanner found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// What it is, whatever moves around it: 16 hex digits over the tool, the rule and the place without its line, or over
    /// the vulnerability and the package without its version. Twins in one report get `#2`, `#3`, .. A waiver names it.
    pub identity: String,
    /// The tool that found it.
    pub tool: String,
    /// The rule that was broken, or the vulnerability as in `CVE-2026-1234`; absent where the tool names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// How grave it is, in SARIF's words.
    pub level: FindingLevel,
    /// How severe it is. From the CVSS score where there is one, else from the tool's word, else from the level.
    pub severity: Severity,
    /// The CVSS base score, 0 to 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// What is wrong, on one line; at most [`MESSAGE_CHARS_MAX`] characters.
    pub message: String,
    /// Where it is, as the tool writes it (a path or a URI).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in that file, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Weaknesses, as in `CWE-79`; at most [`ALIASES_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cwe: Vec<String>,
    /// Other names of the vulnerability, as in `GHSA-..`; at most [`ALIASES_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// The package that it is in, for a vulnerability or a licence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<Package>,
    /// It is known to be exploited; absent where the tool does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exploited: Option<bool>,
    /// The tool compared with an earlier report and says that it was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<bool>,
}

/// A package as a scanner names it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// The version that is in use.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Its package URL, where the tool writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purl: Option<String>,
    /// The first version without the vulnerability, as the tool writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_in: Option<String>,
}

impl fmt::Display for Finding {
    /// `src/pay.py:12: hard-coded password [S105]`, or `lodash 4.17.20: prototype pollution [CVE-2020-8203]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.package, &self.file, self.line) {
            (Some(package), _, _) if package.version.is_empty() => write!(f, "{}", package.name)?,
            (Some(package), _, _) => write!(f, "{} {}", package.name, package.version)?,
            (None, Some(file), Some(line)) => write!(f, "{file}:{line}")?,
            (None, Some(file), None) => write!(f, "{file}")?,
            (None, None, _) => write!(f, "{}", self.tool)?,
        }
        write!(f, ": {}", self.message)?;
        match &self.rule {
            Some(rule) => write!(f, " [{rule}]"),
            None => Ok(()),
        }
    }
}
