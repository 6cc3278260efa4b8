//! Advisories as npm writes them, of a package that is affected and in the older form. Knows no document around them.

use gateline_model::Package;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{NPM_VIA_MAX, TOOL};
use crate::collect::{Findings, Told, purl};
use crate::severity;
use crate::stream::{Few, Words};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Vulnerable {
    pub(super) severity: Option<String>,
    #[serde(default)]
    pub(super) via: Few<Via, NPM_VIA_MAX>,
    fix_available: Option<Fix>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Via {
    Package(String),
    Advisory(Box<Advisory>),
    Other(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Fix {
    With { name: String, version: String },
    Other(IgnoredAny),
}

#[derive(Deserialize)]
pub(super) struct Advisory {
    #[serde(default)]
    source: Words,
    #[serde(default)]
    id: Words,
    #[serde(default)]
    title: String,
    url: Option<String>,
    severity: Option<String>,
    #[serde(default)]
    cwe: Words,
    cvss: Option<Cvss>,
}

#[derive(Deserialize)]
struct Cvss {
    score: Option<f64>,
}

impl Advisory {
    pub(super) fn tell(&self, name: &str, of: &Vulnerable, findings: &mut Findings) {
        let fixed_in = match &of.fix_available {
            // npm names the package to install, which may be another one that depends on this.
            Some(Fix::With { name: fix, version }) if fix == name => Some(version.clone()),
            Some(Fix::With { .. } | Fix::Other(_)) | None => None,
        };
        let number = self.source.first().or(self.id.first());
        findings.add(Told {
            tool: TOOL,
            rule: advisory_id(self.url.as_deref()).or(number),
            message: &self.title,
            // Of one that says nothing itself, no more is known than the worst of the package.
            severity: (self.severity.as_deref().or(of.severity.as_deref())).and_then(severity::of_word),
            score: self
                .cvss
                .as_ref()
                .and_then(|cvss| cvss.score.filter(|score| *score > 0.0)),
            cwe: self.cwe.all().to_vec(),
            package: Some(Package {
                name: name.to_owned(),
                purl: Some(purl("npm", name, "")),
                fixed_in,
                ..Package::default()
            }),
            ..Told::default()
        });
    }
}

/// `GHSA-..` of `https://github.com/advisories/GHSA-..`.
fn advisory_id(url: Option<&str>) -> Option<&str> {
    let (_, id) = url?.rsplit_once('/')?;
    (!id.is_empty()).then_some(id)
}

#[derive(Deserialize)]
pub(super) struct OldAdvisory {
    #[serde(default)]
    id: Words,
    github_advisory_id: Option<String>,
    #[serde(default)]
    title: String,
    module_name: String,
    #[serde(default)]
    cves: Words,
    #[serde(default)]
    cwe: Words,
    severity: Option<String>,
    patched_versions: Option<String>,
    cvss: Option<Cvss>,
    #[serde(default)]
    findings: Few<OldPlace>,
}

#[derive(Deserialize)]
struct OldPlace {
    #[serde(default)]
    version: String,
}

impl OldAdvisory {
    pub(super) fn tell(self, findings: &mut Findings) {
        let version = self.findings.first().map_or("", |place| place.version.as_str());
        findings.add(Told {
            tool: TOOL,
            rule: self.github_advisory_id.as_deref().or(self.id.first()),
            message: &self.title,
            severity: self.severity.as_deref().and_then(severity::of_word),
            score: self.cvss.and_then(|cvss| cvss.score.filter(|score| *score > 0.0)),
            cwe: self.cwe.all().to_vec(),
            aliases: self.cves.all().to_vec(),
            package: Some(Package {
                purl: Some(purl("npm", &self.module_name, version)),
                name: self.module_name,
                version: version.to_owned(),
                fixed_in: self.patched_versions.filter(|range| range != "<0.0.0"),
            }),
            ..Told::default()
        });
    }
}
