//! The JSON Schema of pipeline files, for editors. Made from the same types that read them.
//! Says what a file may look like; what its parts say of each other, only reading it can tell.
#![expect(dead_code, reason = "the types here describe the file and are never built")]

use std::borrow::Cow;
use std::collections::BTreeMap;

use gateline_model::{
    ApprovalRule, ArtifactSpec, GateName, IncidentRules, LaneMode, OnFailure, OverrideRules, PipelineName,
    ProjectName, Promote, Protection, Risk, RiskSource, Span, StageName, Strategy, Target, TargetTemplate,
    WatchThen, Window, WindowName,
};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crate::file::{API_VERSION, KIND};
use crate::gate::Place;

/// The JSON Schema (draft 2020-12) of a pipeline file as users write it.
pub fn schema() -> Value {
    let mut schema = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<File>()
        .to_value();
    // A step may be its weight alone.
    let step = &mut schema["$defs"]["CanaryStep"];
    step["additionalProperties"] = json!(false);
    *step = json!({"anyOf": [{"$ref": "#/$defs/Weight"}, step.take()]});
    schema
}

/// A Gateline pipeline.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    /// The version of this form of file.
    #[schemars(extend("const" = API_VERSION))]
    api_version: String,
    /// What the file describes.
    #[schemars(extend("const" = KIND))]
    kind: String,
    /// What the pipeline is called.
    metadata: Metadata,
    /// What the pipeline is.
    spec: Spec,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Metadata {
    /// The pipeline's name within its project.
    name: PipelineName,
    /// The project that owns it.
    project: ProjectName,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Spec {
    /// What the service is worth, as in `critical`: the risk factor `tier` weighs it.
    tier: Option<String>,
    /// Who must approve another version before it is in force.
    protected: Option<Protection>,
    /// The artifacts that each release must have.
    #[schemars(default)]
    artifacts: Vec<ArtifactSpec>,
    /// Windows that stages refer to by name.
    #[schemars(default)]
    windows: BTreeMap<WindowName, Window>,
    /// The stages that a release may pass.
    #[schemars(length(min = 1))]
    stages: Vec<Stage>,
}

/// A position in a pipeline: entry gates, approval, window, rollout, verification.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Stage {
    /// Its name.
    name: StageName,
    /// The stages that a release must be verified in before this one.
    #[schemars(default)]
    after: Vec<StageName>,
    /// Whether users depend on it: freezes hold here by default.
    #[schemars(default)]
    production: bool,
    /// Whether the pipeline requests promotions here by itself.
    #[schemars(default)]
    promote: Promote,
    /// What a rollout changes here.
    target: Target,
    /// What the lane belongs to; by default PROJECT/PIPELINE/STAGE. `{version}` makes one for each release.
    target_name: Option<TargetTemplate>,
    /// What happens when the lane is taken.
    #[schemars(default)]
    lane: LaneMode,
    /// Conditions on entering.
    #[schemars(default)]
    gates: Vec<EntryGate>,
    /// How the risk of a change is assessed: rules, a table of factors, or a policy module; `low` where nothing is declared.
    #[schemars(default)]
    risk: RiskSource,
    /// Who must approve: the first rule that holds.
    #[schemars(default)]
    approval: Vec<ApprovalRule>,
    /// Windows in which the stage admits: open when any of them is.
    #[schemars(default)]
    windows: Vec<WindowName>,
    /// What is asked of overrides here.
    #[schemars(default)]
    overrides: OverrideRules,
    /// How a release reaches the target.
    #[schemars(default)]
    rollout: Strategy,
    /// How it does in place of `rollout` where the risk is at least of this level.
    #[schemars(default)]
    rollout_at_risk: BTreeMap<Risk, Strategy>,
    /// Checks of the new release once it runs, before it gets any traffic.
    #[schemars(default)]
    before: Vec<VerifyGate>,
    /// Checks while it rolls out: at the steps that name them, or at every step where none does.
    #[schemars(default)]
    during: Vec<VerifyGate>,
    /// Checks after the rollout that settle the promotion.
    #[schemars(default)]
    verify: Vec<VerifyGate>,
    /// How long a rollout may take in all, pauses included, before it is taken back.
    #[schemars(default)]
    rollout_within: Option<Span>,
    /// How long taking a rollout back may take before it counts as failed and a person is called.
    #[schemars(default = "gateline_model::Stage::rollback_within_default")]
    rollback_within: Span,
    /// What happens when a rollout fails.
    #[schemars(default)]
    on_failure: OnFailure,
    /// How long the checks of a step, or those after the rollout, may take before they count as failed.
    #[schemars(default = "gateline_model::Stage::verify_within_default")]
    verify_within: Span,
    /// What is looked at after the release is live and verified, and what happens when it fails.
    #[schemars(default)]
    watch: Option<Watch>,
    /// What an incident means here.
    #[schemars(default)]
    incidents: IncidentRules,
    /// Time between two looks at the health of what is live.
    #[schemars(default = "gateline_model::Stage::health_every_default")]
    health_every: Span,
    /// How long a promotion may be held before it expires.
    #[schemars(default = "gateline_model::Stage::expires_default")]
    expires: Span,
}

/// What is looked at after a release went live, for how long, and what happens when it fails.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Watch {
    /// How long, from the moment when the release is live and verified.
    r#for: Span,
    /// Time between two looks of a check.
    #[schemars(default = "gateline_model::Watch::every_default")]
    every: Span,
    /// The checks.
    #[schemars(length(min = 1))]
    gates: Vec<VerifyGate>,
    /// How many looks of one check must fail one after the other before the watch has failed.
    #[schemars(default = "gateline_model::Watch::in_a_row_default")]
    in_a_row: u32,
    /// What happens then.
    #[schemars(default)]
    then: WatchThen,
}

struct EntryGate;
struct VerifyGate;

impl JsonSchema for EntryGate {
    fn schema_name() -> Cow<'static, str> {
        "Gate".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        gate(Place::Entry, generator)
    }
}

impl JsonSchema for VerifyGate {
    fn schema_name() -> Cow<'static, str> {
        "VerifyGate".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        gate(Place::Verify, generator)
    }
}

fn gate(place: Place, generator: &mut SchemaGenerator) -> Schema {
    let name = generator.subschema_for::<GateName>();
    let span = generator.subschema_for::<Span>();
    let kinds: Vec<Schema> = place
        .kinds()
        .map(|kind| {
            let params = (kind.schema)(generator);
            json_schema!({
                "type": "object",
                "description": kind.summary,
                "properties": {
                    kind.name: params,
                    "because": {"type": "string", "minLength": 1, "description": "Why the gate is there."},
                    "name": {"allOf": [name], "description": "Its name within the stage; by default its kind."},
                    "mode": {"enum": ["enforce", "advise"], "description": "Whether it keeps a release out (`enforce`, the default) or only says what it thinks."},
                    "max_age": {"allOf": [span], "description": "How old reported evidence may be; judged again at admission."},
                    "at_risk": {
                        "type": "object",
                        "propertyNames": {"enum": ["low", "medium", "high", "critical"]},
                        "additionalProperties": {"type": "object"},
                        "description": "Settings that replace those of the same name where the risk is at least of this level."
                    },
                    "owner": {"type": "string", "minLength": 1, "description": "Who answers for the gate."},
                    "runbook": {"type": "string", "minLength": 1, "description": "Where it is written what to do when the gate is not satisfied."}
                },
                "required": [kind.name, "because"],
                "additionalProperties": false
            })
        })
        .collect();
    json_schema!({ "oneOf": kinds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_has_the_fields_that_are_read() {
        let schema = schema();
        let mut described: Vec<&str> = schema["$defs"]["Stage"]["properties"]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let mut read = crate::stage::STAGE_FIELDS.to_vec();
        described.sort_unstable();
        read.sort_unstable();
        assert_eq!(described, read);
    }
}
