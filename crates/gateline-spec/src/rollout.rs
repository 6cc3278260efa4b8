//! Rollouts: a canary grows, and ends with all traffic.

use std::collections::BTreeMap;
use std::ops::Range;

use gateline_model::limits::STEPS_MAX;
use gateline_model::{Canary, JudgeSettings, Risk, Span, Strategy, Weight};

use crate::diagnostic::Sink;
use crate::fields::Fields;
use crate::node::Node;
use crate::stage;

/// Steps that every rollout has besides its weights: one that starts, one that finishes.
const STEPS_AROUND: usize = 2;

pub(crate) fn read(stage: &Fields<'_, '_, '_>) -> Option<Strategy> {
    let strategy: Option<Strategy> = stage.value_or("rollout", Strategy::default);
    if let (Some(strategy), Some(rollout)) = (&strategy, stage.get("rollout")) {
        check_strategy(strategy, &rollout.value, stage.sink);
    }
    strategy
}

/// The plans that stand for `rollout` from a level of risk on.
pub(crate) fn read_at_risk(stage: &Fields<'_, '_, '_>) -> Option<BTreeMap<Risk, Strategy>> {
    let plans: Option<BTreeMap<Risk, Strategy>> = stage.value_or("rollout_at_risk", BTreeMap::new);
    for (level, strategy) in plans.iter().flatten() {
        let node = stage
            .get("rollout_at_risk")
            .and_then(|plans| plans.value.get(level.word()));
        if let Some(node) = node {
            check_strategy(strategy, &node.value, stage.sink);
        }
    }
    plans
}

fn check_strategy(strategy: &Strategy, node: &Node, sink: &Sink<'_>) {
    if let Strategy::Canary(canary) = strategy
        && let Some(node) = node.get("canary")
        && let Some(steps) = node.value.get("steps")
    {
        check(canary, steps.at(), steps.value.items(), sink);
        never_restless(&node.value, canary.judge.as_ref(), sink);
    }
}

fn check(canary: &Canary, at: &Range<usize>, nodes: &[Node], sink: &Sink<'_>) {
    if canary.steps.len() + STEPS_AROUND > STEPS_MAX {
        let message = format!(
            "canary has {} steps; it may have {}",
            canary.steps.len(),
            STEPS_MAX - STEPS_AROUND
        );
        sink.error("rollout.limit", at, message);
    }
    let mut reached = Weight::NONE;
    for (step, node) in canary.steps.iter().zip(nodes) {
        let place = node.get("weight").map_or(&node.span, |weight| weight.at());
        if step.weight == Weight::NONE {
            let help = Some("a rollout starts without traffic anyway; remove this step".to_owned());
            sink.error_with(
                "rollout.zero",
                place,
                "a step of 0% shows nothing to the judge",
                help,
            );
        } else if step.weight <= reached {
            let message = format!(
                "a canary grows with each step; {} comes after {reached}",
                step.weight
            );
            sink.error("rollout.growth", place, message);
        }
        reached = reached.max(step.weight);
        never_restless(node, step.judge.as_ref(), sink);
    }
    if canary.steps.last().is_none_or(|last| last.weight != Weight::ALL) && reached != Weight::ALL {
        let place = nodes.last().map_or(at, |last| {
            last.get("weight").map_or(&last.span, |weight| weight.at())
        });
        let message = format!("canary ends at {reached}: the release would never be fully live");
        sink.error_with(
            "rollout.end",
            place,
            message,
            Some("end with a step of `100%`".to_owned()),
        );
    }
}

/// A judge that looks again at once would do nothing else.
fn never_restless(node: &Node, judge: Option<&JudgeSettings>, sink: &Sink<'_>) {
    if let (Some(Span::ZERO), Some(entry)) = (judge.map(|judge| judge.every), node.entry(&["judge", "every"]))
    {
        stage::refuse_zero(sink, "every", entry.at());
    }
}
