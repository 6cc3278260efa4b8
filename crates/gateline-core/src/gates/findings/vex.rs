//! Which findings a supplier's statements (VEX) clear.

use gateline_model::{Facts, Finding, Found, Package, VexStatement, VexStatus};

use super::super::GateView;

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
            && statement
                .products
                .iter()
                .any(|product| is_about(product, package, view))
    });
    last.is_some_and(|statement| matches!(statement.status, VexStatus::NotAffected | VexStatus::Fixed))
}

/// Whether a product of a VEX statement is this package, in this version or any, or an artifact of the release.
fn is_about(product: &str, package: &Package, view: &GateView<'_>) -> bool {
    let is_package = package.purl.as_deref().is_some_and(|purl| {
        let purl = purl.split(['?', '#']).next().unwrap_or(purl);
        let product = product.split(['?', '#']).next().unwrap_or(product);
        purl == product
            || purl
                .strip_prefix(product)
                .is_some_and(|version| version.starts_with('@'))
    });
    let is_artifact = || {
        view.release
            .release
            .artifacts
            .iter()
            .any(|artifact| product.contains(artifact.at.digest().hex().as_str()))
    };
    is_package || is_artifact()
}
