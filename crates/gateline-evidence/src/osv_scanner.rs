//! osv-scanner's JSON: vulnerabilities of packages in lock files, folders and images.
//!
//! Layout: osv-scanner 1.4 and later, `--format json`. Names of one vulnerability are grouped; a group is one finding.
//! Without `--all-packages` it lists only what is vulnerable, so that a clean report lists nothing: then it does not say
//! that it looked, and is incomplete.

use gateline_model::Package;
use serde::Deserialize;
use serde::de::MapAccess;

use crate::collect::{Findings, Told, purl};
use crate::error::Fault;
use crate::format::FormatRow;
use crate::head::{Head, Shape};
use crate::input::Input;
use crate::read::{Body, Warnings};
use crate::severity;
use crate::stream::{Few, Keyed, Objects, Words, each};

const TOOL: &str = "osv-scanner";

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "osv-scanner",
    kind: "findings",
    title: "osv-scanner's JSON: vulnerabilities of packages, by OSV",
    knows,
    read,
};

fn knows(head: &Head<'_>) -> bool {
    let only_results = match &head.shape {
        Shape::Object(keys) => keys.as_slice() == ["results"] && head.text.contains("\"packages\""),
        Shape::Array(_) | Shape::Xml(_) | Shape::Text => false,
    };
    only_results || head.has_keys(&["results", "experimental_config"])
}

fn read(input: &mut Input<'_>) -> Result<Body, Fault> {
    let mut osv = Osv::default();
    osv.findings.tool(TOOL);
    osv.findings.run();
    input.json(Objects(&mut osv))?;
    let nothing = (osv.packages == 0).then(|| {
        "osv-scanner lists no package, so it does not say that it looked; run it with `--all-packages`"
            .to_owned()
    });
    Ok(osv.findings.into_body(nothing, Warnings::default()))
}

#[derive(Default)]
struct Osv {
    findings: Findings,
    /// Packages so far.
    packages: u64,
    /// The file that the packages are from.
    source: Option<String>,
}

impl Keyed for Osv {
    const KEYS: &'static [&'static str] = &["results"];

    fn key<'de, A: MapAccess<'de>>(&mut self, _: &'static str, value: &mut A) -> Result<(), A::Error> {
        value.next_value_seed(Objects(&mut Results(self))).map(drop)
    }
}

struct Results<'o>(&'o mut Osv);

impl Keyed for Results<'_> {
    const KEYS: &'static [&'static str] = &["source", "packages"];

    fn begin(&mut self) -> Result<(), String> {
        self.0.source = None;
        Ok(())
    }

    fn key<'de, A: MapAccess<'de>>(&mut self, key: &'static str, value: &mut A) -> Result<(), A::Error> {
        let Osv {
            findings,
            packages,
            source,
        } = &mut *self.0;
        match key {
            "source" => {
                *source = value
                    .next_value::<Option<Source>>()?
                    .and_then(|source| source.path)
            }
            _ => {
                let take = |one: Scanned| one.tell(source.as_deref(), findings);
                *packages += value.next_value_seed(each(take))?.unwrap_or_default();
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Source {
    path: Option<String>,
}

#[derive(Deserialize)]
struct Scanned {
    package: PackageText,
    #[serde(default)]
    vulnerabilities: Vec<Vulnerability>,
    #[serde(default)]
    groups: Vec<Group>,
    #[serde(default)]
    license_violations: Words,
}

#[derive(Deserialize)]
struct PackageText {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    ecosystem: String,
}

#[derive(Deserialize, Default)]
struct Group {
    #[serde(default)]
    ids: Words,
    #[serde(default)]
    aliases: Words,
    #[serde(default)]
    max_severity: Words,
}

#[derive(Deserialize)]
struct Vulnerability {
    id: String,
    #[serde(default)]
    aliases: Words,
    summary: Option<String>,
    #[serde(default)]
    severity: Few<Cvss>,
    database_specific: Option<DatabaseSpecific>,
    #[serde(default)]
    affected: Few<Affected>,
}

#[derive(Deserialize)]
struct Cvss {
    #[serde(default)]
    score: String,
}

#[derive(Deserialize)]
struct DatabaseSpecific {
    #[serde(default)]
    severity: Words,
    #[serde(default)]
    cwe_ids: Words,
}

#[derive(Deserialize)]
struct Affected {
    package: Option<PackageText>,
    #[serde(default)]
    ranges: Few<Range>,
}

#[derive(Deserialize)]
struct Range {
    #[serde(default)]
    events: Few<Event>,
}

#[derive(Deserialize)]
struct Event {
    fixed: Option<String>,
}

impl Scanned {
    fn tell(self, source: Option<&str>, findings: &mut Findings) {
        let Scanned {
            package,
            vulnerabilities,
            groups,
            license_violations,
        } = self;
        let grouped = |id: &str| {
            groups
                .iter()
                .any(|group| group.ids.all().iter().any(|one| one == id))
        };
        for group in &groups {
            let ids = group.ids.all();
            let of_group = |one: &&Vulnerability| ids.contains(&one.id);
            let all: Vec<_> = vulnerabilities.iter().filter(of_group).collect();
            tell(&package, &all, group, source, findings);
        }
        for one in vulnerabilities.iter().filter(|one| !grouped(&one.id)) {
            tell(&package, &[one], &Group::default(), source, findings);
        }
        for licence in license_violations.all() {
            findings.add(Told {
                tool: TOOL,
                rule: Some(licence),
                message: &format!("licence {licence} is not among those that are allowed"),
                file: source,
                package: Some(package.told(None)),
                ..Told::default()
            });
        }
    }
}

fn tell(
    package: &PackageText,
    all: &[&Vulnerability],
    group: &Group,
    source: Option<&str>,
    findings: &mut Findings,
) {
    let listed = group.ids.all().iter().chain(group.aliases.all());
    let mut names: Vec<String> = listed.cloned().collect();
    for one in all {
        names.push(one.id.clone());
        names.extend(one.aliases.all().iter().cloned());
    }
    // The name that every tool knows is the rule; the others are aliases.
    names.sort_by_key(|name| !name.starts_with("CVE-"));
    let mut seen = Vec::<String>::new();
    names.retain(|name| {
        !seen.contains(name) && {
            seen.push(name.clone());
            true
        }
    });
    let Some((rule, aliases)) = names.split_first() else {
        return;
    };
    let of_vectors = || {
        let vectors = all.iter().flat_map(|one| one.severity.iter());
        vectors
            .filter_map(|cvss| severity::of_vector(&cvss.score))
            .max_by(f64::total_cmp)
    };
    let specific = || all.iter().filter_map(|one| one.database_specific.as_ref());
    let mut cwe: Vec<_> = specific().flat_map(|one| one.cwe_ids.all().to_vec()).collect();
    cwe.dedup();
    let fixed_in = all.iter().find_map(|one| one.fixed_in(package));
    findings.add(Told {
        tool: TOOL,
        rule: Some(rule),
        message: all
            .iter()
            .find_map(|one| one.summary.as_deref())
            .unwrap_or_default(),
        severity: specific().find_map(|one| severity::of_word(one.severity.first()?)),
        score: group
            .max_severity
            .number()
            .filter(|score| *score > 0.0)
            .or_else(of_vectors),
        file: source,
        cwe,
        aliases: aliases.to_vec(),
        package: Some(package.told(fixed_in)),
        ..Told::default()
    });
}

impl Vulnerability {
    /// The last version of those that are named as fixed for this package.
    fn fixed_in(&self, package: &PackageText) -> Option<String> {
        let of_package = |one: &&Affected| one.package.as_ref().is_none_or(|of| of.name == package.name);
        let ranges = self
            .affected
            .iter()
            .filter(of_package)
            .flat_map(|one| one.ranges.iter());
        let events = ranges.flat_map(|range| range.events.iter());
        events.filter_map(|event| event.fixed.clone()).next_back()
    }
}

impl PackageText {
    fn told(&self, fixed_in: Option<String>) -> Package {
        let kind = match self.ecosystem.as_str() {
            "npm" => Some("npm"),
            "PyPI" => Some("pypi"),
            "crates.io" => Some("cargo"),
            "RubyGems" => Some("gem"),
            "NuGet" => Some("nuget"),
            "Go" => Some("golang"),
            _ => None,
        };
        Package {
            name: self.name.clone(),
            version: self.version.clone(),
            purl: kind.map(|kind| purl(kind, &self.name, &self.version)),
            fixed_in,
        }
    }
}
