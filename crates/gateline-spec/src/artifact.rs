//! The artifacts that each release must have.

use gateline_model::limits::ARTIFACTS_MAX;
use gateline_model::{ArtifactKind, ArtifactSpec, Registry};

use crate::de;
use crate::fields::{Fields, refuse_twins};
use crate::node::Node;

pub(crate) fn read(spec: &Fields<'_, '_, '_>) -> Option<Vec<ArtifactSpec>> {
    let nodes = spec.items("artifacts");
    if nodes.len() > ARTIFACTS_MAX {
        let message = format!(
            "pipeline has {} artifacts; a release may have {ARTIFACTS_MAX}",
            nodes.len()
        );
        spec.sink
            .error("artifacts.limit", &nodes[ARTIFACTS_MAX].span, message);
        return None;
    }
    refuse_twins(spec.sink, "artifacts.duplicate", "artifact", names(nodes));
    let artifacts: Vec<Option<ArtifactSpec>> = nodes
        .iter()
        .map(|node| {
            let artifact = de::read(node, &node.span, spec.sink)?;
            refuse_attestations(spec, node, &artifact);
            Some(artifact)
        })
        .collect();
    artifacts.into_iter().collect()
}

/// Only a registry has things attached, and it is a host: what stands behind it is in the artifact.
fn refuse_attestations(spec: &Fields<'_, '_, '_>, node: &Node, artifact: &ArtifactSpec) {
    let Some(Registry { registry, .. }) = &artifact.attestations else {
        return;
    };
    let span = node
        .get("attestations")
        .map_or(&node.span, |entry| &entry.value.span);
    if artifact.kind != ArtifactKind::Oci {
        let message = format!(
            "artifact `{}` is of kind {}: `attestations` are looked for at artifacts of kind oci",
            artifact.name,
            artifact.kind.word()
        );
        spec.sink.error("artifacts.attestations", span, message);
    }
    let is_host = |char: char| char.is_ascii_alphanumeric() || ".-:[]".contains(char);
    if registry.is_empty() || !registry.chars().all(is_host) {
        let message = format!(
            "`{registry}` is no registry: write its host, and its port where it has one, as in `registry.example.com`"
        );
        spec.sink.error("artifacts.attestations", span, message);
    }
}

/// The names of named things, where they have one.
pub(crate) fn names(nodes: &[Node]) -> impl Iterator<Item = (&str, &std::ops::Range<usize>)> {
    nodes.iter().filter_map(|node| {
        let name = &node.get("name")?.value;
        Some((name.text()?, &name.span))
    })
}
