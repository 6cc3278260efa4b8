//! `npm audit --json`, and what pnpm writes in the older form.
//!
//! Layout: npm 7 and later, `auditReportVersion` 2: packages by name, each affected `via` advisories of its own or via other
//! packages. An advisory is told once, at the package that has it. Older: `advisories` by number.

mod advisory;

use std::collections::{BTreeMap, BTreeSet};

use advisory::{OldAdvisory, Via, Vulnerable};
use gateline_model::Package;
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess};

use crate::collect::{Findings, Told, purl};
use crate::error::Fault;
use crate::format::FormatRow;
use crate::head::{Head, Shape};
use crate::input::Input;
use crate::read::{Body, Warnings};
use crate::stream::{Keyed, Objects, Words, each_entry};
use crate::{severity, text};

const TOOL: &str = "npm audit";
/// Packages that are affected through others and are kept to find what they are affected by.
const CHAINED_MAX: usize = 20_000;
/// Advisories, and packages that it is affected through, of one package; with more the report is incomplete.
pub const NPM_VIA_MAX: usize = 1_000;
/// Keys that stand beside `error` where npm could not ask.
const ERROR_KEYS: [&str; 8] = [
    "message",
    "method",
    "uri",
    "headers",
    "statusCode",
    "body",
    "error",
    "code",
];

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "npm-audit",
    kind: "findings",
    title: "`npm audit --json`, and pnpm's: vulnerabilities of packages",
    knows,
    read,
};

fn knows(head: &Head<'_>) -> bool {
    let is_error = match &head.shape {
        Shape::Object(keys) => {
            keys.contains(&"error")
                && keys.iter().all(|key| ERROR_KEYS.contains(key))
                && head.text.contains("\"summary\"")
        }
        Shape::Array(_) | Shape::Xml(_) | Shape::Text => false,
    };
    is_error
        || head.has_keys(&["auditReportVersion", "vulnerabilities"])
        || head.has_keys(&["advisories", "metadata"])
}

fn read(input: &mut Input<'_>) -> Result<Body, Fault> {
    let mut audit = Audit::default();
    audit.findings.tool(TOOL);
    audit.findings.run();
    input.json(Objects(&mut audit))?;
    audit.unexplained();
    let incomplete = match (audit.error.take(), audit.is_list, audit.looked_at) {
        (Some(error), _, _) => Some(format!("npm audit could not ask: {error}")),
        (None, false, _) => Some("npm audit left no list of vulnerabilities".to_owned()),
        (None, true, Some(0)) => Some("npm audit looked at no dependency".to_owned()),
        (None, true, None) => Some("npm audit does not say how many dependencies it looked at".to_owned()),
        (None, true, Some(_)) => audit.unread.take().or_else(|| audit.contradiction()),
    };
    Ok(audit.findings.into_body(incomplete, Warnings::default()))
}

#[derive(Default)]
struct Audit {
    findings: Findings,
    is_list: bool,
    /// Dependencies that it looked at.
    looked_at: Option<u64>,
    /// Vulnerable packages that it lists, or, in the older form, advisories.
    listed: u64,
    /// Whether it has the older form, which counts places and not advisories.
    is_older: bool,
    /// What its metadata counts of them.
    counted: u64,
    error: Option<String>,
    /// The first package whose advisories could not all be read.
    unread: Option<String>,
    /// Packages with an advisory of their own.
    named: BTreeSet<String>,
    /// Packages that are affected only through others: by whom, and how severely.
    chained: BTreeMap<String, (Vec<String>, Option<String>)>,
}

impl Keyed for Audit {
    const KEYS: &'static [&'static str] = &["vulnerabilities", "advisories", "metadata", "error", "message"];

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        match key {
            "vulnerabilities" => {
                let take = |name, one: Vulnerable| self.vulnerable(name, &one);
                let listed = value.next_value_seed(each_entry(take))?;
                self.listed = listed.unwrap_or_default();
                self.is_list = listed.is_some();
            }
            "advisories" => {
                let findings = &mut self.findings;
                let listed = value.next_value_seed(each_entry(|_, one: OldAdvisory| one.tell(findings)))?;
                self.is_older = true;
                self.listed = listed.unwrap_or_default();
                self.is_list = listed.is_some();
            }
            "metadata" => {
                let metadata: Option<Metadata> = value.next_value()?;
                self.counted = metadata.as_ref().map_or(0, Metadata::vulnerable);
                self.looked_at = metadata.and_then(Metadata::looked_at);
            }
            "message" => {
                // It says more than the error beside it, which may be empty.
                if let Some(message) = value.next_value::<Words>()?.first() {
                    self.error = Some(text::message(message));
                }
            }
            _ => {
                let error: Option<AuditError> = value.next_value()?;
                if let (Some(error), None) = (error, &self.error) {
                    self.error = Some(error.says());
                }
            }
        }
        Ok(())
    }
}

impl Audit {
    /// Why its list cannot be relied on.
    fn contradiction(&self) -> Option<String> {
        let (counted, listed) = (self.counted, self.listed);
        let is_less = match self.is_older {
            true => counted > 0 && listed == 0,
            false => counted > listed,
        };
        is_less.then(|| {
            format!(
                "the report contradicts itself: npm audit counts {counted} vulnerabilities and lists {listed}"
            )
        })
    }

    fn vulnerable(&mut self, name: String, one: &Vulnerable) {
        let mut through = Vec::new();
        let mut has_own = false;
        for via in one.via.iter() {
            match via {
                Via::Package(of) => through.push(of.clone()),
                Via::Advisory(advisory) => {
                    has_own = true;
                    advisory.tell(&name, one, &mut self.findings);
                }
                Via::Other(_) => self.unread(|| {
                    format!(
                        "an advisory of `{}` cannot be read: it lacks a text or a number",
                        text::name(&name)
                    )
                }),
            }
        }
        if one.via.is_cut() {
            self.unread(|| {
                let name = text::name(&name);
                format!(
                    "`{name}` has more than {NPM_VIA_MAX} advisories (NPM_VIA_MAX), which are not all read"
                )
            });
        }
        if self.named.len() + self.chained.len() == CHAINED_MAX {
            return;
        }
        match has_own {
            true => drop(self.named.insert(name)),
            false => drop(self.chained.insert(name, (through, one.severity.clone()))),
        }
    }

    fn unread(&mut self, reason: impl FnOnce() -> String) {
        self.unread.get_or_insert_with(reason);
    }

    /// A package whose chain ends at no advisory is a finding of its own: its advisory was left out.
    fn unexplained(&mut self) {
        let mut explained = self.named.clone();
        loop {
            let before = explained.len();
            for (name, (through, _)) in &self.chained {
                if through.iter().any(|of| explained.contains(of)) {
                    explained.insert(name.clone());
                }
            }
            if explained.len() == before {
                break;
            }
        }
        for (name, (_, word)) in &self.chained {
            if explained.contains(name) {
                continue;
            }
            self.findings.add(Told {
                tool: TOOL,
                message: "npm names no advisory for this package",
                severity: word.as_deref().and_then(severity::of_word),
                package: Some(Package {
                    name: name.clone(),
                    purl: Some(purl("npm", name, "")),
                    ..Package::default()
                }),
                ..Told::default()
            });
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum AuditError {
    Text(String),
    Parts {
        #[serde(default)]
        code: String,
        #[serde(default)]
        summary: String,
        #[serde(default)]
        detail: String,
    },
    Other(IgnoredAny),
}

impl AuditError {
    fn says(&self) -> String {
        match self {
            AuditError::Text(says) => text::message(says),
            AuditError::Parts {
                code,
                summary,
                detail,
            } => text::message(&format!("{code} {summary} {detail}")),
            AuditError::Other(_) => "it does not say why".to_owned(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    dependencies: Option<Counts>,
    total_dependencies: Option<u64>,
    vulnerabilities: Option<Vulnerabilities>,
}

/// How many there are of each severity.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Vulnerabilities {
    info: u64,
    low: u64,
    moderate: u64,
    high: u64,
    critical: u64,
    total: u64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Counts {
    Sum(u64),
    Each { total: u64 },
    Other(IgnoredAny),
}

impl Metadata {
    /// The sum or the total, whichever is more.
    fn vulnerable(&self) -> u64 {
        let Some(of) = &self.vulnerabilities else { return 0 };
        let each = [of.info, of.low, of.moderate, of.high, of.critical];
        each.into_iter().fold(0, u64::saturating_add).max(of.total)
    }

    fn looked_at(self) -> Option<u64> {
        self.total_dependencies.or(match self.dependencies? {
            Counts::Sum(total) | Counts::Each { total } => Some(total),
            Counts::Other(_) => None,
        })
    }
}
