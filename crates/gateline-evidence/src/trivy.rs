//! Trivy's JSON: vulnerabilities, misconfigurations, secrets and licences of each target.
//!
//! Layout: trivy 0.5x and later, `SchemaVersion` 2. Knows no database: whether trivy's own was fresh is not in its report.

mod scores;

use gateline_model::{FindingLevel, Package};
use serde::Deserialize;
use serde::de::MapAccess;

use self::scores::Scores;
use crate::collect::{Findings, Told};
use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::Input;
use crate::read::{Body, Warnings};
use crate::severity;
use crate::stream::{Keyed, Objects, Words, each};
use crate::text;

const TOOL: &str = "trivy";
/// The one layout that is read.
const SCHEMA_VERSION: &str = "2";

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "trivy",
    kind: "findings",
    title: "trivy's JSON: vulnerabilities, misconfigurations, secrets and licences",
    knows: |head| head.has_keys(&["SchemaVersion", "ArtifactName"]),
    read,
};

fn read(input: &mut Input<'_>) -> Result<Body, Fault> {
    let mut trivy = Trivy::default();
    trivy.findings.tool(TOOL);
    trivy.findings.run();
    input.json(Objects(&mut trivy))?;
    let nothing = (trivy.targets == 0).then(|| {
        "trivy names no target that it looked at; see whether the path or image was right and which scanners ran"
            .to_owned()
    });
    let version = trivy.version.as_ref().and_then(Words::first).unwrap_or("none");
    let other = (version != SCHEMA_VERSION).then(|| {
        let version = text::one_line(version, 20);
        format!("its `SchemaVersion` is {version}; {SCHEMA_VERSION} is read")
    });
    let reason = nothing.or(other).or(trivy.contradiction).or(trivy.silent);
    Ok(trivy.findings.into_body(reason, trivy.warnings))
}

#[derive(Default)]
struct Trivy {
    findings: Findings,
    warnings: Warnings,
    version: Option<Words>,
    /// Targets so far.
    targets: u64,
    /// The first target that contradicts itself, or has no name.
    contradiction: Option<String>,
    /// The first vulnerability or check of which it does not say how grave it is.
    silent: Option<String>,
}

impl Keyed for Trivy {
    const KEYS: &'static [&'static str] = &["SchemaVersion", "Metadata", "Results"];

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        match key {
            "SchemaVersion" => self.version = value.next_value()?,
            "Metadata" => {
                let metadata: Option<Metadata> = value.next_value()?;
                if metadata
                    .and_then(|metadata| metadata.os)
                    .is_some_and(|os| os.ended)
                {
                    self.warnings.add(|| {
                        "the operating system is no longer supported: its vulnerabilities are not all known"
                            .to_owned()
                    });
                }
            }
            _ => {
                let mut target = Target {
                    findings: &mut self.findings,
                    contradiction: &mut self.contradiction,
                    silent: &mut self.silent,
                    name: None,
                    counted: None,
                    listed: 0,
                };
                self.targets = value.next_value_seed(Objects(&mut target))?;
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(rename = "OS")]
    os: Option<System>,
}

#[derive(Deserialize)]
struct System {
    #[serde(rename = "EOSL", default)]
    ended: bool,
}

struct Target<'f> {
    findings: &'f mut Findings,
    contradiction: &'f mut Option<String>,
    silent: &'f mut Option<String>,
    /// A file, a package manager or an image.
    name: Option<String>,
    /// The failed checks of its configuration, by its summary.
    counted: Option<u64>,
    /// Those that are listed.
    listed: u64,
}

#[derive(Deserialize)]
struct Summary {
    #[serde(rename = "Failures", default)]
    failures: u64,
}

impl Keyed for Target<'_> {
    const KEYS: &'static [&'static str] = &[
        "Target",
        "MisconfSummary",
        "Vulnerabilities",
        "Misconfigurations",
        "Secrets",
        "Licenses",
        "ExperimentalModifiedFindings",
    ];

    fn begin(&mut self) -> Result<(), String> {
        (self.name, self.counted, self.listed) = (None, None, 0);
        Ok(())
    }

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        let Target {
            findings,
            name,
            counted,
            listed,
            silent,
            ..
        } = self;
        let target = name.as_deref();
        match key {
            "Target" => *name = value.next_value()?,
            "MisconfSummary" => {
                *counted = value
                    .next_value::<Option<Summary>>()?
                    .map(|summary| summary.failures);
            }
            "Vulnerabilities" => {
                value.next_value_seed(each(|one: Vulnerability| {
                    if severity::is_missing(one.severity.as_deref()) {
                        silent.get_or_insert_with(|| severity::missing(TOOL, "Severity", Some(&one.id)));
                    }
                    one.tell(target, findings);
                }))?;
            }
            "Misconfigurations" => {
                value.next_value_seed(each(|one: Misconfiguration| {
                    let said = severity::is_missing(one.severity.as_deref())
                        .then(|| severity::missing(TOOL, "Severity", one.id.as_deref()));
                    if one.tell(target, findings) {
                        *listed += 1;
                        **silent = silent.take().or(said);
                    }
                }))?;
            }
            "Secrets" => drop(value.next_value_seed(each(|one: Secret| one.tell(target, findings)))?),
            "Licenses" => drop(value.next_value_seed(each(|one: Licence| one.tell(findings)))?),
            _ => {
                // What an ignore file or a VEX document took out of the lists above.
                let count = value.next_value_seed(each(|_: serde::de::IgnoredAny| ()))?;
                findings.suppressed(count.unwrap_or_default());
            }
        }
        Ok(())
    }

    fn end(&mut self) {
        let contradiction = match (&self.name, self.counted) {
            (None, _) => Some(
                "trivy's report lists a target without a name: it does not say what was looked at".to_owned(),
            ),
            (Some(name), Some(counted)) if counted != self.listed => {
                let (name, listed) = (text::name(name), self.listed);
                Some(format!(
                    "the report contradicts itself: trivy counts {counted} failed checks in `{name}` and lists {listed}"
                ))
            }
            (Some(_), _) => None,
        };
        if self.contradiction.is_none() {
            *self.contradiction = contradiction;
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Vulnerability {
    #[serde(rename = "VulnerabilityID")]
    id: String,
    #[serde(rename = "VendorIDs", default)]
    vendor_ids: Words,
    #[serde(default)]
    pkg_name: String,
    pkg_path: Option<String>,
    pkg_identifier: Option<Identifier>,
    #[serde(default)]
    installed_version: String,
    fixed_version: Option<String>,
    severity_source: Option<String>,
    severity: Option<String>,
    title: Option<String>,
    description: Option<String>,
    #[serde(rename = "CweIDs", default)]
    cwe: Words,
    #[serde(rename = "CVSS", default)]
    cvss: Scores,
}

#[derive(Deserialize)]
struct Identifier {
    #[serde(rename = "PURL")]
    purl: Option<String>,
}

impl Vulnerability {
    fn tell(self, target: Option<&str>, findings: &mut Findings) {
        // The score of whoever gave the severity, else the highest.
        let named = self.severity_source.as_ref();
        let score = named
            .and_then(|source| self.cvss.of(source))
            .or_else(|| self.cvss.highest());
        let title = self.title.or(self.description).unwrap_or_default();
        findings.add(Told {
            tool: TOOL,
            rule: Some(&self.id),
            message: &title,
            severity: self.severity.as_deref().and_then(severity::of_word),
            score,
            file: self.pkg_path.as_deref().or(target),
            cwe: self.cwe.all().to_vec(),
            aliases: self.vendor_ids.all().to_vec(),
            package: Some(Package {
                name: self.pkg_name,
                version: self.installed_version,
                purl: self.pkg_identifier.and_then(|identifier| identifier.purl),
                fixed_in: self.fixed_version.filter(|version| !version.is_empty()),
            }),
            ..Told::default()
        });
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Misconfiguration {
    #[serde(rename = "ID")]
    id: Option<String>,
    title: Option<String>,
    message: Option<String>,
    severity: Option<String>,
    status: Option<String>,
    cause_metadata: Option<Cause>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Cause {
    #[serde(default)]
    start_line: Words,
}

impl Misconfiguration {
    /// Whether it is a failed check.
    fn tell(self, target: Option<&str>, findings: &mut Findings) -> bool {
        match self.status.as_deref() {
            Some("PASS") => return false,
            Some("EXCEPTION") => {
                findings.suppressed(1);
                return false;
            }
            Some(_) | None => {}
        }
        let says = self.message.filter(|message| !message.is_empty());
        findings.add(Told {
            tool: TOOL,
            rule: self.id.as_deref(),
            message: &says.or(self.title).unwrap_or_default(),
            severity: self.severity.as_deref().and_then(severity::of_word),
            file: target,
            line: self.cause_metadata.and_then(|cause| cause.start_line.line()),
            ..Told::default()
        });
        true
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Secret {
    #[serde(rename = "RuleID")]
    id: Option<String>,
    title: Option<String>,
    severity: Option<String>,
    #[serde(default)]
    start_line: Words,
}

impl Secret {
    fn tell(self, target: Option<&str>, findings: &mut Findings) {
        findings.add(Told {
            tool: TOOL,
            rule: self.id.as_deref(),
            message: &self.title.unwrap_or_default(),
            level: Some(FindingLevel::Error),
            severity: self.severity.as_deref().and_then(severity::of_word),
            file: target,
            line: self.start_line.line(),
            ..Told::default()
        });
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Licence {
    severity: Option<String>,
    category: Option<String>,
    pkg_name: Option<String>,
    file_path: Option<String>,
    name: Option<String>,
}

impl Licence {
    fn tell(self, findings: &mut Findings) {
        let name = self.name.unwrap_or_default();
        let category = self.category.unwrap_or_default();
        let package = self.pkg_name.filter(|name| !name.is_empty());
        findings.add(Told {
            tool: TOOL,
            rule: Some(&name),
            message: &format!("licence {name} ({category})"),
            severity: self.severity.as_deref().and_then(severity::of_word),
            file: self.file_path.as_deref().filter(|path| !path.is_empty()),
            package: package.map(|name| Package {
                name,
                ..Package::default()
            }),
            ..Told::default()
        });
    }
}
