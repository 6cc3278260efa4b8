//! The artifacts that each release must have.

use gateline_model::ArtifactSpec;
use gateline_model::limits::ARTIFACTS_MAX;

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
        .map(|node| de::read(node, &node.span, spec.sink))
        .collect();
    artifacts.into_iter().collect()
}

/// The names of named things, where they have one.
pub(crate) fn names(nodes: &[Node]) -> impl Iterator<Item = (&str, &std::ops::Range<usize>)> {
    nodes.iter().filter_map(|node| {
        let name = &node.get("name")?.value;
        Some((name.text()?, &name.span))
    })
}
