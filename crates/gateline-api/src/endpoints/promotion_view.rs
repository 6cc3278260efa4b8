//! A promotion, whole: its decision, its rollout and all its events, as every surface shows them.

use gateline_model::{
    ActorId, Approval, CheckOf, Decision, Digest, GateName, PauseReason, PromotionId, PromotionKind,
    PromotionOutcome, Recorded, ReleaseId, RollbackReason, Ruling, Saturation, Served, StageRef, StepAction,
    Version, Weight,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{EvidenceView, PromotionState, Suspicion, WatchView};

/// A promotion, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PromotionView {
    /// Its id.
    pub id: PromotionId,
    /// The release.
    pub release: ReleaseId,
    /// Its label.
    pub version: Version,
    /// The stage to enter.
    pub stage: StageRef,
    /// Its kind.
    pub kind: PromotionKind,
    /// Whether the pipeline asked for it.
    pub automatic: bool,
    /// The pinned pipeline version.
    pub pipeline: Digest,
    /// When it was requested.
    pub requested_at: Timestamp,
    /// Who asked.
    pub requested_by: ActorId,
    /// The reason that was given, as for a rollback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The word for where it stands.
    pub state: PromotionState,
    /// The last sentence said of it.
    pub says: String,
    /// The last recorded decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// Log number of that decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_log: Option<u64>,
    /// Approvals that were given and not voided.
    pub approvals: Vec<Approval>,
    /// Overrides that were granted, with their reasons.
    pub overrides: Vec<OverrideView>,
    /// The last recorded check of each gate.
    pub checks: Vec<CheckView>,
    /// The rollout, once it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutView>,
    /// When the gates let it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admitted_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<PromotionOutcome>,
    /// The release that took its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<ReleaseId>,
    /// Traffic of its canary.
    pub served: Served,
    /// The watch of what it brought live, while that is the stage's last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<WatchView>,
    /// Incidents that suspect it, the newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suspected: Vec<Suspicion>,
    /// Log number of its last event.
    pub log_index: u64,
    /// All its events, oldest first.
    pub events: Vec<Recorded>,
}

/// An override with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OverrideView {
    /// The gate that it names.
    pub gate: GateName,
    /// Who asked for it.
    pub by: ActorId,
    /// When it was asked for.
    pub at: Timestamp,
    /// When it ends.
    pub until: Timestamp,
    /// The second person, who confirmed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_by: Option<ActorId>,
    /// Whether it waits for a second person, and does not count until then.
    #[serde(default)]
    pub waits: bool,
    /// Why; none where it was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a check of one gate found last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckView {
    /// The gate.
    pub gate: GateName,
    /// Entry or verification.
    pub of: CheckOf,
    /// What it found.
    pub evidence: EvidenceView,
}

/// A rollout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RolloutView {
    /// All steps, those of a rollback behind them.
    pub steps: Vec<StepView>,
    /// Share of traffic that the release has.
    pub weight: Weight,
    /// The label of what was live until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_version: Option<Version>,
    /// Requests that the release served so far.
    pub requests: u64,
    /// How many of them failed.
    pub errors: u64,
    /// The judge's last ruling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ruling: Option<Ruling>,
    /// Gauges at each weight, and what they come to with all traffic.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub saturation: Vec<Saturation>,
    /// Why and since when it stands still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<PauseView>,
    /// Why and since when it is, or was, taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<RollbackView>,
    /// When it goes on by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub go_on_at: Option<Timestamp>,
    /// When verification counts as failed, once it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify_until: Option<Timestamp>,
}

/// One step of a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepView {
    /// Its index, from 0.
    pub index: u32,
    /// What it makes true.
    pub action: StepAction,
    /// Where it stands.
    pub state: StepWord,
    /// Since when; none where it is still to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Until when a server has the work, while it is under way. One that lives asks for more time before; if it does
    /// not, the step is looked at again then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leased_until: Option<Timestamp>,
}

/// The word for where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepWord {
    /// It is true.
    Done,
    /// It is being made true.
    Now,
    /// It is still to come.
    Next,
    /// Its target refused it.
    Failed,
    /// Nobody can tell: a person looks.
    Parked,
}

/// Why a rollout stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PauseView {
    /// Why.
    pub why: PauseReason,
    /// Since when.
    pub since: Timestamp,
}

/// Why a rollout is taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RollbackView {
    /// What for.
    pub why: RollbackReason,
    /// One sentence with numbers.
    pub says: String,
    /// Since when.
    pub since: Timestamp,
}
