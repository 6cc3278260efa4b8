//! Risk: rules, a table of factors, or a policy module; and what a table cannot mean.

use std::ops::Range;

use gateline_core::RISK_FACTS;
use gateline_model::{
    AtLeast, Factors, Levels, POINTS_MAX, Points, RiskModule, RiskSource, RiskTable, Steps,
};

use crate::approval;
use crate::condition;
use crate::de;
use crate::fields::Fields;
use crate::node::{Kind, Node};

/// Reads the field `risk` of a stage. `tier` says whether the pipeline declares one.
pub(crate) fn read(stage: &Fields<'_, '_, '_>, tier: bool) -> Option<RiskSource> {
    let Some(entry) = stage.get("risk") else {
        return Some(RiskSource::default());
    };
    let node = &entry.value;
    if !matches!(node.kind, Kind::Map(_)) {
        let nodes = stage.items("risk");
        let rules = approval::read(stage, "risk", nodes, RISK_FACTS, "risk.unreachable");
        return rules.map(RiskSource::Rules);
    }
    if node.get("module").is_some() {
        let module: RiskModule = de::read(node, entry.at(), stage.sink)?;
        check_levels(stage, node, &module.levels, None);
        refuse_unasked(stage, node, &module);
        return Some(RiskSource::Module(module));
    }
    let table: RiskTable = de::read(node, entry.at(), stage.sink)?;
    for (name, side) in [("impact", &table.impact), ("uncertainty", &table.uncertainty)] {
        if let Some(side_node) = node.get(name) {
            check_side(stage, name, &side_node.value, side, tier);
        }
    }
    let most = |side: &Factors| all_points(side).iter().sum::<u32>().min(POINTS_MAX);
    let highest = (most(&table.impact) * most(&table.uncertainty)).div_ceil(POINTS_MAX);
    check_levels(stage, node, &table.levels, Some(highest));
    Some(RiskSource::Table(Box::new(table)))
}

/// The most that each factor of a side can give.
fn all_points(side: &Factors) -> Vec<u32> {
    let Factors {
        base,
        breaking,
        coverage_drop,
        data_migration,
        failure_rate,
        kind,
        labels,
        new_dependencies,
        paths,
        since_last,
        size,
        tier,
        conditions,
    } = side;
    let mut all: Vec<Option<Points>> = vec![*base, *breaking, *data_migration];
    let steps = [coverage_drop, failure_rate, new_dependencies, since_last, size];
    all.extend(steps.map(|steps| steps.values().max().copied()));
    all.push(kind.values().max().copied());
    all.extend([paths, tier].map(|words| words.values().max().copied()));
    all.extend(labels.values().map(|values| values.values().max().copied()));
    all.extend(conditions.iter().map(|condition| Some(condition.points)));
    all.into_iter().flatten().map(Points::get).collect()
}

fn check_side(stage: &Fields<'_, '_, '_>, name: &str, node: &Node, side: &Factors, tier: bool) {
    if all_points(side).iter().all(|points| *points == 0) {
        stage.sink.error_with(
            "risk.side",
            &node.span,
            format!("`{name}` has no factor with points: the score would always be 0"),
            Some("give it `base: 10`, or a factor that tells changes apart".to_owned()),
        );
    }
    let measured: [(&str, &Steps, AtLeast); 5] = [
        ("coverage_drop", &side.coverage_drop, AtLeast::Percent(0)),
        ("failure_rate", &side.failure_rate, AtLeast::Percent(0)),
        ("new_dependencies", &side.new_dependencies, AtLeast::Count(0)),
        (
            "since_last",
            &side.since_last,
            AtLeast::Span(gateline_model::Span::ZERO),
        ),
        ("size", &side.size, AtLeast::Count(0)),
    ];
    for (factor, steps, like) in measured {
        if let Some(entry) = node.get(factor) {
            check_steps(stage, factor, entry.at(), steps, like);
        }
    }
    if let Some(entry) = node.get("tier").filter(|_| !tier) {
        stage.sink.error_with(
            "risk.tier",
            &entry.key_span,
            "the pipeline declares no `tier`, so that this factor would never be known",
            Some("write `tier: NAME` beside `stages`".to_owned()),
        );
    }
    let conditions = node.get("conditions").map(|entry| entry.value.items());
    for one in conditions.unwrap_or_default() {
        if let Some(when) = one.get("when") {
            condition::check(when, RISK_FACTS, stage.sink);
        }
    }
}

fn check_steps(stage: &Fields<'_, '_, '_>, factor: &str, at: &Range<usize>, steps: &Steps, like: AtLeast) {
    if let Some(other) = steps.keys().find(|step| !step.is_like(like)) {
        stage.sink.error_with(
            "risk.measure",
            at,
            format!("`{factor}` is {}, and `{other}` is not", like.measures()),
            Some(
                "write thresholds such as `>= 200`, `>= 1%` or `>= 30d`, as the factor is measured"
                    .to_owned(),
            ),
        );
        return;
    }
    // Sorted by threshold.
    let pairs = steps.iter().zip(steps.iter().skip(1));
    for ((lower, less), (higher, more)) in pairs {
        if more < less {
            stage.sink.error_with(
                "risk.growth",
                at,
                format!(
                    "more of `{factor}` would be less risk: {} points from {lower} on, {} from {higher} on",
                    less.get(),
                    more.get()
                ),
                Some("points may not shrink as the threshold grows".to_owned()),
            );
        }
    }
}

/// `highest` is the highest score that there can be, where it is known.
fn check_levels(stage: &Fields<'_, '_, '_>, node: &Node, levels: &Levels, highest: Option<u32>) {
    let at = node.get("levels").map_or(&node.span, |entry| entry.at());
    let Levels {
        medium,
        high,
        critical,
    } = levels;
    if medium.get() == 0 || medium > high || high > critical {
        stage.sink.error_with(
            "risk.levels",
            at,
            "levels grow from `medium` (1 at least) over `high` to `critical`",
            Some("leave `levels` out for 10, 25 and 50".to_owned()),
        );
    } else if let Some(highest) = highest.filter(|highest| (1..critical.get()).contains(highest)) {
        stage.sink.warning(
            "risk.out_of_reach",
            at,
            &format!("no change can be of critical risk: the highest score is {highest}, and critical begins at {}", critical.get()),
            "give factors more points, or let the level begin lower",
        );
    }
}

/// A module that nobody runs never says anything.
fn refuse_unasked(stage: &Fields<'_, '_, '_>, node: &Node, module: &RiskModule) {
    let asks = |gate: &Node| {
        let named = gate.entry(&["policy", "module"]);
        named.and_then(|entry| entry.value.text()) == Some(module.module.as_str())
    };
    if !stage.items("gates").iter().any(asks) {
        let at = node.get("module").map_or(&node.span, |entry| entry.at());
        stage.sink.error_with(
            "risk.module",
            at,
            format!("no gate of the stage runs the module `{}`", module.module),
            Some(format!("add the gate `policy: {{module: {}}}`", module.module)),
        );
    }
}
