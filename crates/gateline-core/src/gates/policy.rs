//! Policy: the rules of a policy module (Rego) deny nothing.
//!
//! `policy: {module: release-rules}`, for a module that was applied to the project: `deny`, `violation` and `warn` as for Conftest. The
//! rules see `release`, `change`, `stage`, `risk`, `promotion`, `live`, `stages` and `evidence`, and are run again when one of these or
//! the module changes.

use std::collections::BTreeMap;

use gateline_model::{
    Artifact, Check, CheckOf, Digest, EvidenceId, FactorPart, Facts as EvidenceFacts, Found, Gate,
    PolicyCheck, PolicyName, PolicyOrder, Reading, ReleaseId, Risk, RiskModule, RiskSource, Span, Stage,
    StageName,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::live::{self, every_default, max_age_default};
use super::{GateKind, GateView, Observes, Place, Says, check_params, schema_of, with_params};
use crate::command::{Actor, Facts};
use crate::conditions::facts;
use crate::decision::{Pinned, pinned};
use crate::draft::Draft;
use crate::risk::{RiskView, assess};
use crate::state::{Promotion, ReleaseState};
use crate::world::World;

pub(crate) const KIND: GateKind = GateKind {
    name: "policy",
    summary: "The rules of a policy module (Rego) deny nothing.",
    place: Place::Entry,
    check: check_params::<Policy>,
    schema: schema_of::<Policy>,
    observes: |params| {
        let policy = Policy::deserialize(params).ok()?;
        let check = PolicyCheck {
            module: policy.module,
            package: policy.package,
        };
        Some(Observes {
            check: Check::Policy(check),
            every: policy.every,
        })
    },
    judge: |gate: &Gate, view: &GateView<'_>| with_params(gate, |policy: Policy| policy.judge(gate, view)),
};

/// Parameters of the gate kind `policy`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Policy {
    /// The module, by the name that it was applied with.
    module: PolicyName,
    /// The package whose rules are asked, as in `release.rules`; all where none is given.
    #[serde(default)]
    package: Option<String>,
    /// Time between two runs while it is not satisfied and nothing that it sees changes.
    #[serde(default = "every_default")]
    every: Span,
    /// How old a run may be at admission.
    #[serde(default = "max_age_default")]
    max_age: Span,
}

impl Policy {
    fn judge(&self, gate: &Gate, view: &GateView<'_>) -> Says {
        let project = &view.stage_ref.project;
        let in_force = view
            .draft
            .project(project)
            .and_then(|state| state.policies.get(&self.module).copied());
        let Some(in_force) = in_force else {
            let says = format!("project `{project}` has no policy module `{}`", self.module);
            return Says::waiting("policy.unknown", says)
                .changed_by("who may apply policies")
                .next(format!(
                    "apply it with `gateline policy apply DIR --project {project}`"
                ));
        };
        let (checked, reading) = match live::last(gate, view, self.every) {
            Ok(last) => last,
            Err(says) => return *says,
        };
        let Reading::Policy(ran) = reading else {
            return live::other_kind(checked, self.every);
        };
        let again = |says: &str| {
            Says::waiting("check.again", says)
                .changed_by("Gateline, by itself")
                .check_due(view.now)
        };
        if ran.module != in_force {
            return again("another version of the policy module is in force since it was run");
        }
        let level = seen_level(view.stage, &self.module, view.risk);
        let sees = Sees::of(view.draft, view.promotion, view.release, view.pipeline, level);
        if ran.basis != sees.basis() {
            return again("what the policy module sees has changed since it was run");
        }
        if ran.until.is_some_and(|until| until <= view.now) {
            return again("a rule that only warned when it was run counts since then");
        }
        let lines = ran.denied.iter().chain(&ran.warned).map(|reason| reason.line());
        let told = |says: Says| {
            let says = says
                .evidence(checked.id)
                .number("denials", ran.denials as f64, "", Some("== 0".to_owned()))
                .number("warnings", ran.warnings as f64, "", None)
                .details(lines);
            match ran.until {
                Some(until) => says.until(until),
                None => says,
            }
        };
        let says = format!("{}, version {}", ran.says(), ran.module.short());
        if ran.denials > 0 {
            return told(Says::refused("check.denied", says))
                .changed_by("a new release, more evidence, or a new version of the module")
                .check_due(
                    ran.until
                        .unwrap_or(Timestamp::MAX)
                        .min(self.every.after(checked.at)),
                )
                .next(
                    "mend what the rules name; they are run again by themselves when what they see changes",
                );
        }
        if live::is_stale(view, checked, self.max_age) {
            return told(live::stale(view, &says));
        }
        told(Says::satisfied("check.passed", says))
    }
}

/// The versions in force of the modules that gates of the stage name: approvers are told of them, and another is another question.
pub(crate) fn modules_in_force(view: &GateView<'_>) -> BTreeMap<PolicyName, Option<Digest>> {
    let asked = view.stage.gates.iter().filter(|gate| gate.kind == KIND.name);
    let asked: Vec<PolicyName> = asked
        .filter_map(|gate| Some(Policy::deserialize(gate.params_at(view.risk)).ok()?.module))
        .collect();
    if asked.is_empty() {
        return BTreeMap::new();
    }
    let project = view.draft.project(&view.stage_ref.project).unwrap_or_default();
    asked
        .into_iter()
        .map(|name| (name.clone(), project.policies.get(&name).copied()))
        .collect()
}

/// The level that a module sees: none where it is the one that assesses it.
fn seen_level(stage: &Stage, module: &PolicyName, level: Risk) -> Option<Risk> {
    match &stage.risk {
        RiskSource::Module(assessing) if assessing.module == *module => None,
        RiskSource::Module(_) | RiskSource::Table(_) | RiskSource::Rules(_) => Some(level),
    }
}

/// The risk factors that a module gave when it was last run, on what is known now.
///
/// # Errors
/// Why they are not known.
pub(crate) fn risk_factors(assessing: &RiskModule, view: &RiskView<'_>) -> Result<Vec<FactorPart>, String> {
    let module = &assessing.module;
    let Some(promotion) = view.promotion else {
        return Err(format!(
            "module `{module}` is run once the promotion is requested"
        ));
    };
    let asks = |gate: &&Gate| {
        gate.kind == KIND.name
            && Policy::deserialize(&gate.params).is_ok_and(|policy| policy.module == *module)
    };
    let gate = view
        .stage
        .gates
        .iter()
        .find(asks)
        .ok_or_else(|| format!("no gate of the stage runs module `{module}`"))?;
    let project = view.draft.project(&view.stage_ref.project);
    let in_force = project.and_then(|state| state.policies.get(module).copied());
    // The level is what is being assessed: a run at any of them is one of this gate.
    let at_a_level = |check: Digest| {
        let mut levels = Risk::ALL.iter();
        levels.any(|level| super::observed(gate, *level).is_some_and(|observes| observes.digest() == check))
    };
    let checked = promotion
        .checks
        .get(&(CheckOf::Entry, gate.name.clone()))
        .filter(|checked| at_a_level(checked.check))
        .ok_or_else(|| format!("module `{module}` has not been run yet"))?;
    let ran = match &checked.evidence.found {
        Found::Facts {
            facts: EvidenceFacts::Reading(Reading::Policy(ran)),
        } => ran,
        Found::Facts { .. } => {
            return Err(format!(
                "what gate `{}` found is not of a policy module",
                gate.name
            ));
        }
        Found::Errored { reason, .. } => return Err(format!("module `{module}` could not be run: {reason}")),
    };
    let sees = Sees::of(view.draft, promotion, view.release, view.pipeline, None);
    if Some(ran.module) != in_force || ran.basis != sees.basis() {
        return Err(format!("module `{module}` has not been run on what is known now"));
    }
    match ran.factors.len() {
        0 => Err(format!("module `{module}` gives no `risk_factor`")),
        _ => Ok(ran.factors.clone()),
    }
}

/// What the rules see, by ids: everything else of the input follows from these, which never change.
#[derive(Serialize)]
struct Sees<'a> {
    pipeline: Digest,
    promotion: String,
    release: ReleaseId,
    #[serde(skip_serializing_if = "Option::is_none")]
    risk: Option<Risk>,
    evidence: Vec<EvidenceId>,
    /// What is live in each stage of the pipeline, and since when.
    stages: BTreeMap<&'a StageName, Option<(ReleaseId, Timestamp)>>,
}

impl<'a> Sees<'a> {
    fn of(
        draft: &Draft<'_>,
        promotion: &'a Promotion,
        release: &ReleaseState,
        pipeline: &'a gateline_model::Pipeline,
        risk: Option<Risk>,
    ) -> Self {
        let live = |name: &StageName| {
            let state = draft.stage(&pipeline.stage_ref(name));
            state.live.as_ref().map(|live| (live.release, live.since))
        };
        Self {
            pipeline: promotion.pipeline,
            promotion: promotion.id.to_string(),
            release: release.id,
            risk,
            evidence: release.evidence.iter().map(|(id, _)| *id).collect(),
            stages: pipeline
                .stages
                .iter()
                .map(|stage| (&stage.name, live(&stage.name)))
                .collect(),
        }
    }

    fn basis(&self) -> Digest {
        Digest::of_json(self)
    }
}

/// What the check of a policy gate is run on. `None` when the promotion or the module is not there any more.
pub fn policy_order(world: &World, promotion: &Promotion, gate: &Gate) -> Option<PolicyOrder> {
    let nobody = Facts {
        now: world.at(),
        actor: Actor::gateline(),
    };
    order_in(&Draft::new(world, &nobody), promotion, gate)
}

/// Digest of the check of a policy gate, at the level that a promotion has.
pub(crate) fn check_in(draft: &Draft<'_>, promotion: &Promotion, gate: &Gate) -> Option<Digest> {
    let Pinned {
        pipeline,
        stage,
        release,
    } = pinned(draft, promotion).ok()?;
    let risk = assess(&RiskView {
        draft,
        pipeline: &pipeline,
        stage: &stage,
        stage_ref: &promotion.id.stage,
        release: &release,
        promotion: Some(promotion),
    });
    Some(super::observed(gate, risk.level)?.digest())
}

/// The same, as a draft has it.
pub(crate) fn order_in(draft: &Draft<'_>, promotion: &Promotion, gate: &Gate) -> Option<PolicyOrder> {
    let Pinned {
        pipeline,
        stage,
        release,
    } = pinned(draft, promotion).ok()?;
    let stage_ref = &promotion.id.stage;
    let risk = assess(&RiskView {
        draft,
        pipeline: &pipeline,
        stage: &stage,
        stage_ref,
        release: &release,
        promotion: Some(promotion),
    })
    .level;
    let policy = Policy::deserialize(gate.params_at(risk)).ok()?;
    let project = draft.project(&promotion.id.stage.project)?;
    let in_force = *project.policies.get(&policy.module)?;
    let level = seen_level(&stage, &policy.module, risk);
    let sees = Sees::of(draft, promotion, &release, &pipeline, level);
    let mut input = facts(&pipeline, &release, &stage, level);
    input["release"]["id"] = json!(release.id);
    input["release"]["artifacts"] = release.release.artifacts.iter().map(artifact).collect();
    input["release"]["registered_at"] = json!(release.registered_at);
    input["stage"]["pipeline"] = json!(pipeline.reference().to_string());
    input["stage"]["after"] = json!(stage.after);
    input["promotion"] = json!({
        "number": promotion.id.number,
        "kind": promotion.kind,
        "automatic": promotion.automatic,
        "requested_by": promotion.requested_by,
        "requested_at": promotion.requested_at,
    });
    let live = |of: &(ReleaseId, Timestamp)| {
        let state = draft.release(&of.0)?;
        let there = pipeline.stages.first().unwrap_or(&stage);
        let mut facts = facts(&pipeline, &state, there, None);
        let mut seen = facts["release"].take();
        seen["id"] = json!(of.0);
        seen["since"] = json!(of.1);
        seen["change"] = facts["change"].take();
        Some(seen)
    };
    input["stages"] = sees
        .stages
        .iter()
        .map(|(name, of)| (name.to_string(), json!({"live": of.as_ref().and_then(live)})))
        .collect();
    input["live"] = input["stages"][stage.name.as_str()]["live"].clone();
    input["evidence"] = release.evidence.iter().map(evidence).collect();
    Some(PolicyOrder {
        module: in_force,
        package: policy.package,
        basis: sees.basis(),
        input,
    })
}

fn artifact(artifact: &Artifact) -> Value {
    json!({"name": artifact.name, "kind": artifact.at.kind(), "digest": artifact.at.digest()})
}

/// One record as the rules see it: with `facts`, or with `errored` and the reason.
fn evidence((id, evidence): &(EvidenceId, std::sync::Arc<gateline_model::Evidence>)) -> Value {
    let mut seen = json!({
        "id": id,
        "format": evidence.format,
        "artifacts": evidence.artifacts,
        "by": evidence.by,
        "at": evidence.at,
    });
    let words = [
        ("kind", evidence.kind()),
        ("name", evidence.name.as_deref()),
        ("stage", evidence.stage.as_ref().map(StageName::as_str)),
    ];
    for (name, word) in words {
        if let Some(word) = word {
            seen[name] = json!(word);
        }
    }
    match &evidence.found {
        Found::Facts {
            facts: EvidenceFacts::Custom(custom),
        } => seen["facts"] = custom.value.clone(),
        Found::Facts { facts } => seen["facts"] = json!(facts),
        Found::Errored { reason, .. } => seen["errored"] = json!(reason),
    }
    seen
}
