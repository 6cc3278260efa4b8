//! pip-audit's JSON: vulnerabilities of Python packages.
//!
//! Layout: pip-audit 2, `-f json`. It ends with success where it skipped every dependency: a dependency that was skipped
//! was not looked at, and makes the report incomplete. It gives no severity.

use gateline_model::Package;
use serde::Deserialize;
use serde::de::MapAccess;

use crate::collect::{Findings, Told, purl};
use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::Input;
use crate::read::{Body, Warnings};
use crate::stream::{Few, Keyed, Objects, Words, each};
use crate::text;

const TOOL: &str = "pip-audit";
/// Vulnerabilities of one package; with more the report is incomplete.
pub const PIP_VULNERABILITIES_MAX: usize = 10_000;

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "pip-audit",
    kind: "findings",
    title: "pip-audit's JSON: vulnerabilities of Python packages",
    knows: |head| head.has_keys(&["dependencies", "fixes"]),
    read,
};

fn read(input: &mut Input<'_>) -> Result<Body, Fault> {
    let mut audit = Audit::default();
    audit.findings.tool(TOOL);
    audit.findings.run();
    input.json(Objects(&mut audit))?;
    let Audit {
        findings,
        warnings,
        total,
        skipped,
        cut,
    } = audit;
    let incomplete = match (total, skipped) {
        (0, _) => Some("pip-audit looked at no dependency".to_owned()),
        (_, 0) => cut,
        (total, skipped) if total == skipped => Some(format!(
            "pip-audit skipped every dependency ({total}): it looked at none"
        )),
        (total, skipped) => Some(format!("pip-audit skipped {skipped} of {total} dependencies")),
    };
    Ok(findings.into_body(incomplete, warnings))
}

#[derive(Default)]
struct Audit {
    findings: Findings,
    warnings: Warnings,
    total: u64,
    skipped: u64,
    /// The first package with more vulnerabilities than are read.
    cut: Option<String>,
}

impl Keyed for Audit {
    const KEYS: &'static [&'static str] = &["dependencies"];

    fn key<'de, A: MapAccess<'de>>(&mut self, _: &'static str, value: &mut A) -> Result<(), A::Error> {
        value
            .next_value_seed(each(|one: Dependency| self.dependency(&one)))
            .map(drop)
    }
}

impl Audit {
    fn dependency(&mut self, one: &Dependency) {
        self.total += 1;
        let vulnerabilities = match (&one.skip_reason, &one.vulns) {
            (None, Some(vulnerabilities)) => vulnerabilities,
            (reason, _) => {
                self.skipped += 1;
                let name = text::name(&one.name);
                let reason = text::message(reason.as_deref().unwrap_or("no list of vulnerabilities"));
                self.warnings.add(|| format!("`{name}` was skipped: {reason}"));
                return;
            }
        };
        if vulnerabilities.is_cut() {
            let (name, max) = (text::name(&one.name), PIP_VULNERABILITIES_MAX);
            let reason = format!(
                "`{name}` has more than {max} vulnerabilities (PIP_VULNERABILITIES_MAX), which are not all read"
            );
            self.cut.get_or_insert(reason);
        }
        for vulnerability in vulnerabilities.iter() {
            let description = vulnerability.description.as_deref().unwrap_or_default();
            self.findings.add(Told {
                tool: TOOL,
                rule: Some(&vulnerability.id),
                message: description,
                aliases: vulnerability.aliases.all().to_vec(),
                package: Some(Package {
                    name: one.name.clone(),
                    version: one.version.clone(),
                    purl: Some(purl("pypi", &one.name, &one.version)),
                    fixed_in: vulnerability.fix_versions.first().map(str::to_owned),
                }),
                ..Told::default()
            });
        }
    }
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    #[serde(default)]
    version: String,
    skip_reason: Option<String>,
    vulns: Option<Few<Vulnerability, PIP_VULNERABILITIES_MAX>>,
}

#[derive(Deserialize)]
struct Vulnerability {
    id: String,
    #[serde(default)]
    fix_versions: Words,
    #[serde(default)]
    aliases: Words,
    description: Option<String>,
}
