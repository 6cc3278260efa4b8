//! Approval: lists of rules of which the first that holds is used.

use gateline_core::APPROVAL_FACTS;
use gateline_model::limits::{GATES_MAX, LAYERS_MAX};
use gateline_model::{ApprovalRule, Layer, OnExpire, Span, Tier};
use serde::de::DeserializeOwned;

use crate::condition;
use crate::de;
use crate::fields::Fields;
use crate::nearest::meant;
use crate::node::Node;
use crate::stage::refuse_zero;

/// Shortest time between two reminders: each is an event, and a letter to everybody who is asked.
pub const REMIND_MIN: Span = Span::from_secs(60);

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
        (true, 0) => {}
        (false, count) if (1..=LAYERS_MAX).contains(&count) => {}
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
            Some("add `layers: [{from: TEAM}]` or `automatic: true`".to_owned()),
        ),
        (false, count) => stage.sink.error_with(
            "approval.layers",
            at("layers"),
            format!("approval has {count} layers; it may have {LAYERS_MAX}"),
            Some("ask fewer people: what everybody answers for, nobody reads".to_owned()),
        ),
    }
    if rule.automatic && rule.signed != Tier::Session {
        stage.sink.error_with(
            "approval.signed",
            at("signed"),
            "nobody is asked by this rule, so nobody signs",
            Some("remove `signed`, or ask `layers` instead of `automatic`".to_owned()),
        );
    }
    let layers = node
        .get("layers")
        .map(|entry| entry.value.items())
        .unwrap_or_default();
    for (layer, node) in rule.layers.iter().zip(layers) {
        check_layer(stage, node, layer);
    }
}

fn check_layer(stage: &Fields<'_, '_, '_>, node: &Node, layer: &Layer) {
    let at = |name: &str| node.get(name).map_or(&node.span, |entry| entry.at());
    let refuse = |code, name: &str, message: &str, help: &str| {
        stage
            .sink
            .error_with(code, at(name), message, Some(help.to_owned()));
    };
    if layer.count == 0 {
        let help = "write `automatic: true` instead of a layer that asks nobody";
        refuse(
            "approval.count",
            "count",
            "a layer asks at least one person",
            help,
        );
    }
    if node.get("count").is_some() && layer.quorum.is_some() {
        let help = "keep `count` for a number of people, or `quorum` for a share of them";
        refuse(
            "approval.count",
            "quorum",
            "a layer has either a `count` or a `quorum`, not both",
            help,
        );
    }
    if layer.from.is_empty() {
        let help = "name a team, `actor:ID` or `owners`";
        refuse("approval.from", "from", "a layer asks somebody", help);
    }
    let escalates = layer.sla.is_some() || layer.on_expire == OnExpire::Escalate;
    if !layer.escalate.is_empty() && !escalates {
        let help = "say after which time with `sla`, or with `expires` and `on_expire: escalate`";
        refuse(
            "approval.escalate",
            "escalate",
            "these people are never asked",
            help,
        );
    }
    if layer.on_expire == OnExpire::Escalate && (layer.escalate.is_empty() || layer.expires.is_none()) {
        let help = "name them under `escalate`, and the time under `expires`";
        refuse(
            "approval.escalate",
            "on_expire",
            "there is nobody to escalate to, or no time after which",
            help,
        );
    }
    for name in ["sla", "remind", "expires"] {
        let span = [
            ("sla", layer.sla),
            ("remind", layer.remind),
            ("expires", layer.expires),
        ];
        if span.contains(&(name, Some(Span::ZERO))) {
            refuse_zero(stage.sink, name, at(name));
        }
    }
    if layer
        .remind
        .is_some_and(|span| Span::ZERO < span && span < REMIND_MIN)
    {
        refuse(
            "approval.remind",
            "remind",
            &format!("people would be reminded more often than each {REMIND_MIN} (REMIND_MIN)"),
            "remind them each hour or day; every time is written down and told",
        );
    }
    let gates = stage.items("gates");
    let named = |node: &Node| {
        node.get("name")
            .and_then(|entry| entry.value.text().map(str::to_owned))
    };
    let kinds = |node: &Node| {
        node.entries()
            .iter()
            .map(|entry| entry.key.clone())
            .collect::<Vec<_>>()
    };
    let known: Vec<String> = gates
        .iter()
        .flat_map(|gate| named(gate).map_or_else(|| kinds(gate), |name| vec![name]))
        .collect();
    let concerned = node
        .get("concerns")
        .map(|entry| entry.value.items())
        .unwrap_or_default();
    for (gate, node) in layer.concerns.iter().zip(concerned) {
        if !known.iter().any(|name| name == gate.as_str()) {
            let help = meant(gate.as_str(), known.iter().map(String::as_str));
            stage.sink.error_with(
                "approval.concerns",
                &node.span,
                format!("the stage has no gate `{gate}`"),
                help,
            );
        }
    }
}

pub(crate) fn read<T: DeserializeOwned>(
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
