//! The table of gate kinds: one file and one line each.
//!
//! A kind reads its parameters, says which live check it needs, and judges. All gates of a stage are always judged:
//! every reason is seen at once.

pub(crate) mod approval;
mod asked;
mod attested;
mod baseline;
mod chaos;
mod command;
mod config;
mod coverage;
mod custom;
mod data_handling;
pub(crate) mod depends;
mod document;
mod endurance;
mod evidence;
mod fields;
mod findings;
mod freeze;
mod http;
mod incidents;
mod licences;
mod limit;
mod live;
mod metric;
mod parity;
mod pattern;
mod performance;
mod plan;
pub(crate) mod policy;
mod provenance;
mod reported;
mod reproducible;
mod review;
mod sarif;
mod says;
mod sbom;
mod signature;
mod soak;
mod tests;
mod versions;
mod window;

use std::sync::Arc;

use gateline_model::{
    ActorId, Check, CheckOf, Digest, Gate, GateName, GateVerdict, Override, Pipeline, Risk, Scope, Stage,
    StageRef, Verdict,
};
use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::approvals::Question;
use crate::authority::{self, Object};
use crate::draft::Draft;
use crate::people::People;
use crate::state::{Project, Promotion, ReleaseState};
use crate::timetable::Timetable;
pub(crate) use approval::{FROZEN, rule as approval_rule};
pub use attested::attestations;
pub use findings::found_in;
pub use metric::threshold_of;
pub use policy::policy_order;
pub use reported::newest_reports;
pub(crate) use says::Says;
pub(crate) use sbom::components_added;

/// One kind of gate.
pub struct GateKind {
    /// Its name, as pipeline files write it.
    pub name: &'static str,
    /// What it asks, as one sentence for the reference.
    pub summary: &'static str,
    /// Where it comes from.
    pub place: Place,
    /// Checks the parameters; the message names the field.
    pub check: fn(&Value) -> Result<(), String>,
    /// JSON Schema of the parameters.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
    /// The live check that it needs, if any. `None` also when the parameters are not legal.
    pub observes: fn(&Value) -> Option<Observes>,
    judge: fn(&Gate, &GateView<'_>) -> Says,
}

/// Where a kind of gate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Written under `gates`.
    Entry,
    /// Written under `gates` or `verify`.
    EntryAndVerify,
    /// Made from another field of the stage.
    Stage,
}

/// A live check and how often it is run again while it does not pass.
pub struct Observes {
    /// The check.
    pub check: Check,
    /// Time between two runs.
    pub every: gateline_model::Span,
}

impl Observes {
    /// What is looked at, as one digest: what was found by another check says nothing of this one.
    pub fn digest(&self) -> Digest {
        Digest::of_json(&self.check)
    }
}

/// The live check that a gate needs at a level of risk, if any.
pub fn observed(gate: &Gate, risk: Risk) -> Option<Observes> {
    (kind(&gate.kind)?.observes)(&gate.params_at(risk))
}

macro_rules! gates {
    ($($kind:ident),* $(,)?) => {
        /// Every kind of gate, by name.
        pub const KINDS: &[GateKind] = &[$($kind::KIND),*];
    };
}

gates! { approval, chaos, command, config, coverage, data_handling, depends, document, endurance, evidence, findings, freeze, http,
incidents, licences, metric, parity, performance, plan, policy, provenance, reproducible, review, sarif, sbom, signature, soak, tests, window }

/// Time between two runs of a check where its gate does not say.
pub(crate) const EVERY_DEFAULT: gateline_model::Span = gateline_model::Span::from_secs(30);

/// A kind by name.
pub fn kind(name: &str) -> Option<&'static GateKind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// What a gate is judged on.
pub(crate) struct GateView<'a> {
    pub now: Timestamp,
    pub draft: &'a Draft<'a>,
    pub promotion: &'a Promotion,
    pub release: &'a ReleaseState,
    pub pipeline: &'a Pipeline,
    pub stage: &'a Stage,
    pub stage_ref: &'a StageRef,
    /// Entry or verification.
    pub of: CheckOf,
    /// Everything else would admit now: a live check must be fresh.
    pub last_look: bool,
    /// The verdicts of the gates in front of this one.
    pub earlier: &'a [GateVerdict],
    /// What people are asked, for the gates behind those that the question is made of.
    pub question: Option<&'a Question<'a>>,
    pub risk: Risk,
    /// How the level came about, before entry.
    pub assessment: Option<&'a gateline_model::Assessment>,
}

impl GateView<'_> {
    /// The release that is live in the stage: what this one is compared with. `None` for a first release, and for the live
    /// one itself.
    pub(crate) fn baseline(&self) -> Option<Arc<ReleaseState>> {
        let live = self.draft.stage(self.stage_ref).live.as_ref()?.release;
        if live == self.release.id {
            return None;
        }
        self.draft.release(&live)
    }

    /// The override in force that names a gate. Where the stage asks for a second person, one that was confirmed. It ends
    /// when one who granted it loses the right to.
    pub(crate) fn overridden(&self, gate: &GateName) -> Option<&Override> {
        self.override_of(gate)
            .filter(|permission| self.lost_right(permission).is_none())
    }

    /// Who may not override here any more, although a gate's override would still run.
    pub(crate) fn override_lost(&self, gate: &GateName) -> Option<&ActorId> {
        self.lost_right(self.override_of(gate)?)
    }

    fn override_of(&self, gate: &GateName) -> Option<&Override> {
        let two = self.stage.overrides.second_person;
        let mut in_force = self.promotion.overrides_in_force(self.now);
        in_force.find(|permission| permission.gate == *gate && (!two || permission.confirmed_by.is_some()))
    }

    fn lost_right<'o>(&self, permission: &'o Override) -> Option<&'o ActorId> {
        let people = People::read(self.draft, &self.stage_ref.project);
        let object = Object::stage(self.stage_ref);
        let may =
            |who: &&ActorId| authority::still_may(self.draft.world(), &people, who, Scope::Override, &object);
        let granted_by = std::iter::once(&permission.by).chain(&permission.confirmed_by);
        granted_by.into_iter().find(|who| !may(who))
    }

    /// When windows and freezes let this promotion in. The project is the draft's, read by the caller.
    pub(crate) fn timetable<'p>(&'p self, project: Option<&'p Project>) -> Timetable<'p> {
        let change = self.release.release.change.kind;
        Timetable::new(self.pipeline, self.stage, project, self.promotion.kind, change)
    }
}

/// Judges one gate, with the parameters of the risk.
pub(crate) fn judge(gate: &Gate, view: &GateView<'_>) -> Says {
    match kind(&gate.kind) {
        Some(kind) if gate.at_risk.is_empty() => (kind.judge)(gate, view),
        Some(kind) => {
            let here = Gate {
                params: gate.params_at(view.risk),
                ..gate.clone()
            };
            (kind.judge)(&here, view)
        }
        // A pipeline that a newer build stored. Unknown is never a pass.
        None => Says::waiting(
            "gate.unknown_kind",
            format!("this build knows no gate of kind `{}`", gate.kind),
        )
        .next("update Gateline, or apply a pipeline without this gate"),
    }
}

/// Gates that a rollback may have to wait for: they say so themselves.
const ASKED_OF_ROLLBACKS: [&str; 2] = ["freeze", "window"];

/// Judges one gate for a rollback: it passes, unless the calendar says that it applies to it.
pub(crate) fn judge_rollback(gate: &Gate, view: &GateView<'_>) -> Says {
    match ASKED_OF_ROLLBACKS.contains(&gate.kind.as_str()) {
        true => match judge(gate, view) {
            says if says.verdict == Verdict::Satisfied => rollback_passes().until_of(&says),
            says => says,
        },
        false => rollback_passes(),
    }
}

pub(crate) fn rollback_passes() -> Says {
    Says::satisfied(
        "rollback.passes",
        "a rollback returns to a release that was live here before",
    )
}

fn check_params<P: DeserializeOwned>(params: &Value) -> Result<(), String> {
    P::deserialize(params).map(drop).map_err(|err| err.to_string())
}

fn schema_of<P: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<P>()
}

/// Reads the parameters and judges. Parameters were checked when the pipeline was applied.
fn with_params<P: DeserializeOwned>(gate: &Gate, judge: impl FnOnce(P) -> Says) -> Says {
    match P::deserialize(&gate.params) {
        Ok(params) => judge(params),
        Err(err) => Says::waiting("gate.params", format!("its parameters cannot be read: {err}"))
            .next("apply a corrected pipeline"),
    }
}

fn observes_nothing(_: &Value) -> Option<Observes> {
    None
}
