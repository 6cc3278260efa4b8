//! Approval and risk: lists of rules of which the first that holds is used.

use gateline_core::{APPROVAL_FACTS, RISK_FACTS};
use gateline_model::limits::GATES_MAX;
use gateline_model::{ApprovalRule, RiskRule};
use serde::de::DeserializeOwned;

use crate::condition;
use crate::de;
use crate::fields::Fields;
use crate::node::Node;

pub(crate) fn read_approval(stage: &Fields<'_, '_, '_>) -> Option<Vec<ApprovalRule>> {
    let nodes = stage.items("approval");
    let rules: Option<Vec<ApprovalRule>> =
        read(stage, "approval", nodes, APPROVAL_FACTS, "approval.unreachable");
    for (node, rule) in nodes.iter().zip(rules.iter().flatten()) {
        check(stage, node, rule);
    }
    let conditional = |rule: &ApprovalRule| rule.when.is_some();
    if let (Some(rules), Some(last)) = (&rules, nodes.last())
        && rules.iter().all(conditional)
    {
        stage.sink.warning(
            "approval.open",
            &last.span,
            "nobody is asked where none of these rules holds",
            "end with a rule without `when`: `automatic: true`, or `layers`",
        );
    }
    rules
}

fn check(stage: &Fields<'_, '_, '_>, node: &Node, rule: &ApprovalRule) {
    let at = |name: &str| node.get(name).map_or(&node.span, |entry| entry.at());
    match (rule.automatic, rule.layers.len()) {
        (true, 0) | (false, 1) => {}
        (true, _) => stage.sink.error_with(
            "approval.choice",
            at("automatic"),
            "a rule either asks nobody (`automatic`) or asks `layers`, not both",
            Some("remove one of them, or split the rule by `when`".to_owned()),
        ),
        (false, 0) => stage.sink.error_with(
            "approval.choice",
            at("layers"),
            "a rule says who must approve, or that nobody is asked",
            Some("add `layers: [{from: GROUP}]` or `automatic: true`".to_owned()),
        ),
        (false, count) => stage.sink.error_with(
            "approval.layers",
            at("layers"),
            format!("approval has {count} layers; this version of Gateline asks one"),
            Some("keep the layer whose yes matters most; raise its `count` to ask more people".to_owned()),
        ),
    }
    let layers = node
        .get("layers")
        .map(|entry| entry.value.items())
        .unwrap_or_default();
    for (layer, node) in rule.layers.iter().zip(layers) {
        if layer.count == 0 {
            let at = node.get("count").map_or(&node.span, |entry| entry.at());
            let help = Some("write `automatic: true` instead of a layer that asks nobody".to_owned());
            stage
                .sink
                .error_with("approval.count", at, "a layer asks at least one person", help);
        }
    }
}

pub(crate) fn read_risk(stage: &Fields<'_, '_, '_>) -> Option<Vec<RiskRule>> {
    read(stage, "risk", stage.items("risk"), RISK_FACTS, "risk.unreachable")
}

fn read<T: DeserializeOwned>(
    stage: &Fields<'_, '_, '_>,
    what: &str,
    nodes: &[Node],
    facts: &[&str],
    unreachable: &'static str,
) -> Option<Vec<T>> {
    if nodes.len() > GATES_MAX {
        let message = format!("stage has {} {what} rules; it may have {GATES_MAX}", nodes.len());
        stage.sink.error("gates.limit", &nodes[GATES_MAX].span, message);
    }
    for node in nodes {
        if let Some(when) = node.get("when") {
            condition::check(when, facts, stage.sink);
        }
    }
    let always =
        |node: &Node| !node.entries().is_empty() && node.get("when").is_none_or(|when| when.value.is_null());
    if let Some(first) = nodes.iter().position(always) {
        for node in &nodes[first + 1..] {
            let line = stage.sink.line(&nodes[first].span);
            let message = format!(
                "this {what} rule is never used: the one on line {line} has no `when` and always holds"
            );
            stage.sink.error_with(
                unreachable,
                &node.span,
                message,
                Some("the first rule that holds is used; put this one above it".to_owned()),
            );
        }
    }
    let rules: Vec<Option<T>> = nodes
        .iter()
        .map(|node| de::read(node, &node.span, stage.sink))
        .collect();
    rules.into_iter().collect()
}
