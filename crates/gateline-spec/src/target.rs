//! Targets: what a rollout changes, and the name that its lane belongs to.

use std::collections::BTreeMap;
use std::ops::Range;

use gateline_model::limits::INSTANCES_MAX;
use gateline_model::{
    LaneMode, PipelineName, ProjectName, Risk, Span, StageName, Strategy, Target, TargetTemplate, Version,
    placeholders,
};

use crate::diagnostic::Sink;
use crate::fields::{Fields, refuse_twins};
use crate::node::{Kind, Node};

/// Reads the target. Commands name a program, and the settings of time and number are not zero.
pub(crate) fn read(stage: &Fields<'_, '_, '_>) -> Option<Target> {
    let target: Option<Target> = stage.value("target");
    let (_, settings) = settings(stage.get("target").map(|entry| &entry.value)?)?;
    for name in ["command", "apply", "observe", "revert", "health"] {
        if let Some(entry) = settings.get(name)
            && matches!(&entry.value.kind, Kind::List(words) if words.is_empty())
        {
            refuse_no_program(stage.sink, name, entry.at());
        }
    }
    for name in ["instances", "start_timeout", "timeout"] {
        if let Some(entry) = settings.get(name)
            && (entry.value.json() == 0
                || entry.value.text().and_then(|text| text.parse().ok()) == Some(Span::ZERO))
        {
            stage.sink.error(
                "target.zero",
                entry.at(),
                format!("with `{name}` of zero nothing can ever succeed"),
            );
        }
    }
    if let (Some(Target::Process(process)), Some(entry)) = (&target, settings.get("instances"))
        && process.instances > INSTANCES_MAX
    {
        let message = format!(
            "a target may have {INSTANCES_MAX} instances of a release, not {}",
            process.instances
        );
        let help = Some("write a number such as `4`".to_owned());
        stage
            .sink
            .error_with("target.instances", entry.at(), message, help);
    }
    target
}

pub(crate) fn refuse_no_program(sink: &Sink<'_>, name: &str, at: &Range<usize>) {
    let help = Some("write the program and its arguments, as in `[./apply, \"{version}\"]`".to_owned());
    sink.error_with("target.command", at, format!("`{name}` names no program"), help);
}

/// Refuses rollouts with a step that this target can never make true.
pub(crate) fn refuse_impossible(
    stage: &Fields<'_, '_, '_>,
    target: &Target,
    (rollout, at_risk): (&Strategy, &BTreeMap<Risk, Strategy>),
) {
    let plans = stage.get("rollout_at_risk");
    let of_level = |(level, strategy)| {
        let risk: &Risk = level;
        Some((strategy, plans?.value.get(risk.word())?))
    };
    let usual = stage.get("rollout").map(|entry| (rollout, entry));
    for (strategy, entry) in usual.into_iter().chain(at_risk.iter().filter_map(of_level)) {
        let plan = strategy.plan(target.instances());
        let Some(why) = plan.iter().find_map(|step| target.cannot(step.action)) else {
            continue;
        };
        let (message, help) = why.split_once(": ").unwrap_or((&why, "choose another strategy"));
        let help = Some(help.to_owned());
        stage.sink.error_with("rollout.target", entry.at(), message, help);
    }
}

/// The kind of target and its settings.
fn settings(target: &Node) -> Option<(&str, &Node)> {
    target
        .entries()
        .first()
        .map(|entry| (entry.key.as_str(), &entry.value))
}

/// The name that the lane belongs to; by default PROJECT/PIPELINE/STAGE.
pub(crate) fn name(
    stage: &Fields<'_, '_, '_>,
    project: Option<&ProjectName>,
    pipeline: Option<&PipelineName>,
    name: Option<&StageName>,
) -> Option<TargetTemplate> {
    if stage.get("target_name").is_none() {
        return Some(TargetTemplate(format!("{}/{}/{}", project?, pipeline?, name?)));
    }
    let entry = stage.get("target_name")?;
    let template: TargetTemplate = stage.read(entry)?;
    let example: Version = "1.0.0".parse().expect("the example is a legal version");
    if placeholders(&template.0).any(|(_, word)| word != "version") {
        // That has its own finding, and what was meant is not known.
        return None;
    }
    if template.fill(&example).is_none() {
        let help = Some(
            "use names joined by `/`, with `{version}` where each release has a target of its own".to_owned(),
        );
        stage.sink.error_with(
            "name.illegal",
            entry.at(),
            format!("`{template}` is not a target name"),
            help,
        );
    }
    Some(template)
}

/// Rollouts run side by side where each has a target of its own, and only there.
pub(crate) fn refuse_wrong_lane(stage: &Fields<'_, '_, '_>, lane: LaneMode, template: &TargetTemplate) {
    let place = |name: &str| stage.get(name).map_or(&stage.at, |entry| entry.at());
    match (lane, template.is_per_release()) {
        (LaneMode::Parallel, false) => stage.sink.error_with(
            "lane.target",
            place("lane"),
            "`lane: parallel` needs a target of its own for each release",
            Some(format!("add `target_name: {template}/{{version}}`")),
        ),
        (LaneMode::Queue | LaneMode::Supersede, true) => stage.sink.error_with(
            "lane.target",
            place("target_name"),
            "each release has a target of its own here, so none waits for another",
            Some("add `lane: parallel`".to_owned()),
        ),
        (LaneMode::Parallel, true) | (LaneMode::Queue | LaneMode::Supersede, false) => {}
    }
}

/// Two stages that change one place would undo each other's work.
pub(crate) fn refuse_shared(stages: &[Node], sink: &Sink<'_>) {
    let field = |stage: &'_ Node, name: &str| -> Option<(String, Range<usize>)> {
        let node = &stage.get(name)?.value;
        Some((node.text()?.to_owned(), node.span.clone()))
    };
    let targets: Vec<_> = stages
        .iter()
        .filter_map(|stage| field(stage, "target_name"))
        .collect();
    refuse_twins(
        sink,
        "targets.shared",
        "target",
        targets.iter().map(|(name, span)| (name.as_str(), span)),
    );
    let listens: Vec<_> = stages
        .iter()
        .filter_map(|stage| field(settings(&stage.get("target")?.value)?.1, "listen"))
        .collect();
    refuse_twins(
        sink,
        "targets.shared",
        "address",
        listens.iter().map(|(name, span)| (name.as_str(), span)),
    );
}
