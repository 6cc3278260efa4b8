//! Which findings a supplier's statements (VEX) clear.

use gateline_model::{ArtifactAt, Facts, Finding, Found, Package, VexStatement, VexStatus};

use super::super::GateView;
use super::super::sbom::bare;

/// All VEX statements for the release, oldest first: a later one wins.
pub(super) fn statements<'a>(view: &'a GateView<'_>) -> Vec<&'a VexStatement> {
    let found = view
        .release
        .evidence
        .iter()
        .filter_map(|(_, evidence)| match &evidence.found {
            Found::Facts {
                facts: Facts::Vex(vex),
            } => Some(&vex.statements),
            Found::Facts { .. } | Found::Errored { .. } => None,
        });
    found.flatten().collect()
}

/// Whether the last statement about it clears it. One that names no product is about nothing.
pub(super) fn cleared(finding: &Finding, vex: &[&VexStatement], view: &GateView<'_>) -> bool {
    let names = || finding.rule.iter().chain(&finding.aliases);
    let Some(package) = &finding.package else {
        return false;
    };
    let last = vex.iter().rev().find(|statement| {
        statement
            .vulnerability
            .iter()
            .any(|name| names().any(|own| own == name))
            && is_about(statement, package, view)
    });
    last.is_some_and(|statement| matches!(statement.status, VexStatus::NotAffected | VexStatus::Fixed))
}

/// Whether a statement is about this package, in this version or any, in this release: by its own name, as part of an
/// artifact of the release, or because it is about an artifact as a whole.
fn is_about(statement: &VexStatement, package: &Package, view: &GateView<'_>) -> bool {
    let artifacts = &view.release.release.artifacts;
    let is_artifact = |product: &String| {
        artifacts
            .iter()
            .any(|artifact| names_artifact(product, &artifact.at))
    };
    let of_release = || statement.products.iter().any(is_artifact);
    match statement.parts.as_slice() {
        [] => {
            statement
                .products
                .iter()
                .any(|product| names_package(product, package))
                || of_release()
        }
        parts => parts.iter().any(|part| names_package(part, package)) && of_release(),
    }
}

fn names_package(name: &str, package: &Package) -> bool {
    package.purl.as_deref().is_some_and(|purl| {
        let (purl, name) = (bare(purl), bare(name));
        purl == name
            || purl
                .strip_prefix(name)
                .is_some_and(|version| version.starts_with('@'))
    })
}

/// By its digest, or an image by its repository's name in whatever version.
fn names_artifact(product: &str, at: &ArtifactAt) -> bool {
    let by_name = || match at {
        ArtifactAt::Oci { repository, .. } => {
            let name = repository.rsplit('/').next().unwrap_or(repository);
            bare(product) == format!("pkg:oci/{name}")
        }
        ArtifactAt::File { .. } | ArtifactAt::Git { .. } => false,
    };
    product.contains(at.digest().hex().as_str()) || by_name()
}
