//! Grype's JSON: vulnerabilities of packages in images and folders.
//!
//! Layout: grype 0.60 and later, `-o json`. Its descriptor tells which database it asked; without a good one it did not look.

use gateline_model::Package;
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess};

use crate::collect::{Findings, Told};
use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::Input;
use crate::read::{Body, Warnings};
use crate::stream::{Few, Keyed, Objects, Words, each};
use crate::{severity, text};

const TOOL: &str = "grype";

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "grype",
    kind: "findings",
    title: "grype's JSON: vulnerabilities of packages in images and folders",
    knows: |head| head.has_keys(&["matches", "descriptor"]),
    read,
};

fn read(input: &mut Input<'_>) -> Result<Body, Fault> {
    let mut grype = Grype::default();
    grype.findings.tool(TOOL);
    grype.findings.run();
    input.json(Objects(&mut grype))?;
    let Grype {
        findings,
        is_list,
        database,
    } = grype;
    let no_list = (!is_list).then(|| "grype left no list of matches".to_owned());
    let bad = match database {
        None => Some("grype does not say which database it asked".to_owned()),
        Some(database) => database.trouble(),
    };
    Ok(findings.into_body(no_list.or(bad), Warnings::default()))
}

#[derive(Default)]
struct Grype {
    findings: Findings,
    is_list: bool,
    database: Option<Database>,
}

impl Keyed for Grype {
    const KEYS: &'static [&'static str] = &["matches", "ignoredMatches", "descriptor"];

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        let findings = &mut self.findings;
        match key {
            "matches" => {
                let count = value.next_value_seed(each(|one: Match| one.tell(findings)))?;
                self.is_list = count.is_some();
            }
            "ignoredMatches" => {
                let count = value.next_value_seed(each(|_: IgnoredAny| ()))?;
                findings.suppressed(count.unwrap_or_default());
            }
            _ => self.database = value.next_value::<Option<Descriptor>>()?.and_then(|one| one.db),
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Descriptor {
    db: Option<Database>,
}

/// Before grype 0.88 the fields stand here, since then in `status`.
#[derive(Deserialize)]
struct Database {
    status: Option<Box<Database>>,
    valid: Option<bool>,
    built: Option<String>,
    #[serde(default)]
    error: Words,
}

impl Database {
    /// Why it cannot be relied on.
    fn trouble(&self) -> Option<String> {
        let status = self.status.as_deref().unwrap_or(self);
        if let Some(error) = status.error.first() {
            return Some(format!("grype's database is not good: {}", text::message(error)));
        }
        if status.valid == Some(false) {
            return Some("grype says that its database is not valid".to_owned());
        }
        let is_there = status.built.as_ref().is_some_and(|built| !built.is_empty());
        (!is_there).then(|| "grype does not say when its database was built".to_owned())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Match {
    vulnerability: Vulnerability,
    #[serde(default)]
    related_vulnerabilities: Few<Vulnerability>,
    artifact: Artifact,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vulnerability {
    id: String,
    severity: Option<String>,
    description: Option<String>,
    #[serde(default)]
    cvss: Few<Cvss>,
    fix: Option<Fix>,
    #[serde(default)]
    known_exploited: Option<Few<IgnoredAny>>,
    #[serde(default)]
    cwes: Few<Cwe>,
}

#[derive(Deserialize)]
struct Cvss {
    vector: Option<String>,
    metrics: Option<Metrics>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metrics {
    base_score: Option<f64>,
}

#[derive(Deserialize)]
struct Cwe {
    cwe: Option<String>,
}

#[derive(Deserialize)]
struct Fix {
    #[serde(default)]
    versions: Words,
}

#[derive(Deserialize)]
struct Artifact {
    name: String,
    #[serde(default)]
    version: String,
    purl: Option<String>,
    #[serde(default)]
    locations: Few<Location>,
}

#[derive(Deserialize)]
struct Location {
    path: Option<String>,
}

impl Vulnerability {
    fn score(&self) -> Option<f64> {
        let scores = self.cvss.iter().filter_map(|cvss| {
            let given = cvss.metrics.as_ref().and_then(|metrics| metrics.base_score);
            given.or_else(|| severity::of_vector(cvss.vector.as_deref()?))
        });
        scores.filter(|score| *score > 0.0).max_by(f64::total_cmp)
    }
}

impl Match {
    fn tell(self, findings: &mut Findings) {
        let Match {
            vulnerability,
            related_vulnerabilities: related,
            artifact,
        } = self;
        let of_related = || {
            related
                .iter()
                .filter_map(Vulnerability::score)
                .max_by(f64::total_cmp)
        };
        let description = vulnerability
            .description
            .as_deref()
            .or_else(|| related.iter().find_map(|one| one.description.as_deref()));
        let both = || std::iter::once(&vulnerability).chain(related.iter());
        // Older versions do not look at the catalogue of exploited vulnerabilities, and leave the list out.
        let exploited = match both().any(|one| one.known_exploited.is_some()) {
            true => Some(both().any(|one| one.known_exploited.as_ref().is_some_and(|list| !list.is_empty()))),
            false => None,
        };
        let mut cwe: Vec<_> = both()
            .flat_map(|one| one.cwes.iter())
            .filter_map(|cwe| severity::weakness(cwe.cwe.as_deref()?))
            .collect();
        cwe.sort_unstable();
        cwe.dedup();
        let aliases = related.iter().map(|one| one.id.clone());
        findings.add(Told {
            tool: TOOL,
            rule: Some(&vulnerability.id),
            message: description.unwrap_or_default(),
            severity: vulnerability.severity.as_deref().and_then(severity::of_word),
            score: vulnerability.score().or_else(of_related),
            file: artifact
                .locations
                .iter()
                .find_map(|location| location.path.as_deref()),
            cwe,
            aliases: aliases.filter(|id| *id != vulnerability.id).collect(),
            package: Some(Package {
                name: artifact.name,
                version: artifact.version,
                purl: artifact.purl.filter(|purl| !purl.is_empty()),
                fixed_in: vulnerability
                    .fix
                    .as_ref()
                    .and_then(|fix| fix.versions.first())
                    .map(str::to_owned),
            }),
            exploited,
            ..Told::default()
        });
    }
}
