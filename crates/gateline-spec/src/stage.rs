//! Stages: every field by itself, then what the fields say of each other.

use std::ops::Range;

use gateline_model::{LaneMode, OnFailure, OverrideRules, PipelineName, ProjectName, Promote, Span, Stage};

use crate::diagnostic::Sink;
use crate::fields::Fields;
use crate::node::Node;
use crate::{approval, gate, risk, rollout, target, watch, window};

/// The fields of a stage, in the order in which people write them.
pub(crate) const STAGE_FIELDS: [&str; 25] = [
    "name",
    "after",
    "production",
    "promote",
    "target",
    "target_name",
    "lane",
    "gates",
    "risk",
    "approval",
    "windows",
    "overrides",
    "rollout",
    "rollout_at_risk",
    "before",
    "during",
    "rollout_within",
    "rollback_within",
    "on_failure",
    "verify",
    "verify_within",
    "watch",
    "incidents",
    "health_every",
    "expires",
];

/// What a stage takes from the rest of the file.
pub(crate) struct Context<'n> {
    pub(crate) pipeline: Option<&'n PipelineName>,
    pub(crate) project: Option<&'n ProjectName>,
    pub(crate) windows: Vec<&'n str>,
    /// Whether the pipeline says what the service is worth.
    pub(crate) tier: bool,
}

pub(crate) fn read(node: &Node, context: &Context<'_>, sink: &Sink<'_>) -> Option<Stage> {
    let fields = Fields::of("a stage", node, &node.span, &STAGE_FIELDS, sink)?;
    let name = fields.value("name");
    let after = fields.value_or("after", Vec::new);
    let production = fields.value_or("production", || false);
    let promote = fields.value_or("promote", Promote::default);
    let target = target::read(&fields);
    let lane = fields.value_or("lane", LaneMode::default);
    let target_name = target::name(&fields, context.project, context.pipeline, name.as_ref());
    if let (Some(lane), Some(template)) = (lane, &target_name) {
        target::refuse_wrong_lane(&fields, lane, template);
    }
    let gates = gate::read(&fields, gate::Place::Entry);
    let before = gate::read(&fields, gate::Place::Before);
    let during = gate::read(&fields, gate::Place::During);
    let verify = gate::read(&fields, gate::Place::Verify);
    gate::refuse_twins(&fields);
    let risk = risk::read(&fields, context.tier);
    let approval = approval::read_approval(&fields);
    window::refuse_unknown(&fields, &context.windows);
    let windows = fields.value_or("windows", Vec::new);
    window::refuse_unknown_schedules(&fields, &context.windows);
    let overrides = overrides(&fields);
    let rollout = rollout::read(&fields);
    let rollout_at_risk = rollout::read_at_risk(&fields);
    let rollout_within = fields.value_or("rollout_within", || None);
    if let (Some(target), Some(rollout), Some(at_risk)) = (&target, &rollout, &rollout_at_risk) {
        rollout::check(&fields, target, (rollout, at_risk), &context.windows);
        target::refuse_impossible(&fields, target, (rollout, at_risk));
        if let Some(Some(within)) = rollout_within {
            rollout::refuse_too_short(&fields, within, target, (rollout, at_risk));
        }
    }
    if let (Some(Some(Span::ZERO)), Some(entry)) = (rollout_within, fields.get("rollout_within")) {
        refuse_zero(sink, "rollout_within", entry.at());
    }
    let rollback_within = lasting(&fields, "rollback_within", Stage::rollback_within_default);
    let on_failure = fields.value_or("on_failure", OnFailure::default);
    if let (Some(OnFailure::Command(command)), Some(entry)) = (&on_failure, fields.get("on_failure"))
        && command.run.is_empty()
    {
        let at = entry
            .value
            .entry(&["command", "run"])
            .map_or(entry.at(), |run| run.at());
        target::refuse_no_program(sink, "run", at);
    }
    let verify_within = lasting(&fields, "verify_within", Stage::verify_within_default);
    let watch = watch::read(&fields);
    let incidents = watch::incidents(&fields);
    let health_every = lasting(&fields, "health_every", Stage::health_every_default);
    let expires = lasting(&fields, "expires", Stage::expires_default);
    if let Some(expires) = expires {
        refuse_soak_beyond(&fields, expires);
    }
    Some(Stage {
        name: name?,
        after: after?,
        production: production?,
        promote: promote?,
        target: target?,
        target_name: target_name?,
        gates: gates?,
        risk: risk?,
        approval: approval?,
        windows: windows?,
        overrides: overrides?,
        lane: lane?,
        rollout: rollout?,
        rollout_at_risk: rollout_at_risk?,
        before: before?,
        during: during?,
        verify: verify?,
        rollout_within: rollout_within?,
        rollback_within: rollback_within?,
        on_failure: on_failure?,
        verify_within: verify_within?,
        watch: watch?,
        incidents: incidents?,
        health_every: health_every?,
        expires: expires?,
    })
}

fn overrides(fields: &Fields<'_, '_, '_>) -> Option<OverrideRules> {
    let rules = fields.value_or("overrides", OverrideRules::default);
    if let (Some(rules), Some(entry)) = (&rules, fields.get("overrides")) {
        let within = entry.value.entry(&["review", "within"]);
        if let (Span::ZERO, Some(within)) = (rules.review.within, within) {
            refuse_zero(fields.sink, "within", within.at());
        }
    }
    rules
}

/// A duration that is not zero: a timer without time would end, or ring, at once and for ever.
fn lasting(fields: &Fields<'_, '_, '_>, name: &str, default: fn() -> Span) -> Option<Span> {
    let span = fields.value_or(name, default);
    if let (Some(Span::ZERO), Some(entry)) = (span, fields.get(name)) {
        refuse_zero(fields.sink, name, entry.at());
    }
    span
}

/// A promotion that expires before its soak can be over is never admitted.
fn refuse_soak_beyond(fields: &Fields<'_, '_, '_>, expires: Span) {
    for gate in fields.items("gates") {
        let Some(soak) = gate.entry(&["soak", "at_least"]) else {
            continue;
        };
        let Some(at_least) = soak.value.text().and_then(|text| text.parse::<Span>().ok()) else {
            continue;
        };
        if at_least > expires {
            let message = format!(
                "gate `soak` can never be satisfied: a promotion expires after {expires}, before {at_least}"
            );
            let help =
                Some("ask for less, or let promotions wait longer with the stage's `expires`".to_owned());
            fields
                .sink
                .error_with("gates.unreachable", soak.at(), message, help);
        }
    }
}

pub(crate) fn refuse_zero(sink: &Sink<'_>, name: &str, at: &Range<usize>) {
    let help = Some("write a duration such as `10s`".to_owned());
    sink.error_with(
        "duration.zero",
        at,
        format!("`{name}` must be longer than no time at all"),
        help,
    );
}
