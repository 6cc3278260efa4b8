//! Promotions: requesting one, and reading how it goes. Steering one is in `steering`.

use std::fmt;

use gateline_model::ruling::Replay;
use gateline_model::{
    PipelineName, ProjectName, PromotionId, PromotionKind, PromotionOutcome, ReleaseId, Scope, Served,
    StageName, StageRef, StepAction, Summary, Tick, Version,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PromotionView;
use crate::endpoint::{endpoint, needs};
use crate::{Empty, Page, ReleaseName};

endpoint! {
    /// Lists promotions, the newest request first.
    ListPromotions: Get "/api/v1/promotions", needs(Scope::Read),
    path Empty, query PromotionQuery, body Empty, reply Page<PromotionSummary>
}
endpoint! {
    /// Requests the promotion of a release into a stage of its pipeline.
    Promote: Post "/api/v1/promotions", needs(Scope::Promote),
    path Empty, query Empty, body PromoteRequest, reply PromotionView
}
endpoint! {
    /// Shows a promotion: its decision, its rollout and all its events.
    GetPromotion: Get "/api/v1/promotions/{project}/{pipeline}/{stage}/{number}", needs(Scope::Read),
    path PromotionPath, query Empty, body Empty, reply PromotionView
}
endpoint! {
    /// Sums a held promotion up for those who are asked: what changes, the risk, the gates, what happens next, who else is asked.
    GetSummary: Get "/api/v1/promotions/{project}/{pipeline}/{stage}/{number}/summary", needs(Scope::Read),
    path PromotionPath, query Empty, body Empty, reply SummaryView
}
endpoint! {
    /// Gives what the judge saw of a rollout's traffic, oldest first.
    GetTicks: Get "/api/v1/promotions/{project}/{pipeline}/{stage}/{number}/ticks", needs(Scope::Read),
    path PromotionPath, query Empty, body Empty, reply Vec<Tick>
}
endpoint! {
    /// Judges a rollout again from the ticks that were kept: as it was judged, or by other settings.
    ReplayRollout: Get "/api/v1/promotions/{project}/{pipeline}/{stage}/{number}/replay", needs(Scope::Read),
    path PromotionPath, query ReplayQuery, body Empty, reply Replay
}

/// By what a rollout is judged again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayQuery {
    /// A judge as a pipeline writes it, in YAML or JSON: `evidence`, or a map. As it was judged where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge: Option<String>,
}

/// A promotion in a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PromotionPath {
    /// The project.
    pub project: ProjectName,
    /// The pipeline.
    pub pipeline: PipelineName,
    /// The stage.
    pub stage: StageName,
    /// The number of the promotion into this stage.
    pub number: u64,
}

impl PromotionPath {
    /// The promotion's id.
    pub fn id(&self) -> PromotionId {
        let Self {
            project,
            pipeline,
            stage,
            number,
        } = self.clone();
        PromotionId {
            stage: StageRef {
                project,
                pipeline,
                stage,
            },
            number,
        }
    }
}

impl From<&PromotionId> for PromotionPath {
    fn from(id: &PromotionId) -> Self {
        let StageRef {
            project,
            pipeline,
            stage,
        } = id.stage.clone();
        Self {
            project,
            pipeline,
            stage,
            number: id.number,
        }
    }
}

/// What somebody who is asked needs, as data and as text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SummaryView {
    /// The summary.
    pub summary: Summary,
    /// The same as plain text that fits one screen, with times in UTC.
    pub text: String,
}

/// Which promotions to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PromotionQuery {
    /// Only this project's; needs `pipeline`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// Only this pipeline's; needs `project`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<PipelineName>,
    /// Only into this stage; needs `project` and `pipeline`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<StageName>,
    /// Only this release's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<ReleaseName>,
    /// Only those that ended (`true`) or are open (`false`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<bool>,
    /// The page after this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// At most so many.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "crate::page::limit"
    )]
    #[schemars(with = "Option<u32>", range(min = 1, max = 500))]
    pub limit: Option<u32>,
}

/// A promotion to request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PromoteRequest {
    /// The release.
    pub release: ReleaseName,
    /// The stage of its pipeline.
    pub stage: StageName,
}

/// The word for where a promotion stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PromotionState {
    /// Before its gates: at least one waits.
    Held,
    /// Before its gates: at least one refuses. It has ended where `ended_at` is set.
    Refused,
    /// Every gate lets it in; it waits for its lane.
    Admitted,
    /// Steps are being taken.
    RollingOut,
    /// The rollout stands still.
    Paused,
    /// All steps are true; the checks after the rollout run.
    Verifying,
    /// The rollout is being taken back.
    RollingBack,
    /// Ended: the release is live.
    Verified,
    /// Ended: it was held longer than the stage allows.
    Expired,
    /// Ended: a newer release took its place.
    Superseded,
    /// Ended by an actor.
    Aborted,
    /// Ended: the rollout was taken back.
    RolledBack,
    /// Ended: the rollout could not be taken back.
    RollbackFailed,
}

impl PromotionState {
    /// The word, as JSON writes it.
    pub const fn word(self) -> &'static str {
        match self {
            PromotionState::Held => "held",
            PromotionState::Refused => "refused",
            PromotionState::Admitted => "admitted",
            PromotionState::RollingOut => "rolling_out",
            PromotionState::Paused => "paused",
            PromotionState::Verifying => "verifying",
            PromotionState::RollingBack => "rolling_back",
            PromotionState::Verified => "verified",
            PromotionState::Expired => "expired",
            PromotionState::Superseded => "superseded",
            PromotionState::Aborted => "aborted",
            PromotionState::RolledBack => "rolled_back",
            PromotionState::RollbackFailed => "rollback_failed",
        }
    }
}

impl From<PromotionOutcome> for PromotionState {
    fn from(outcome: PromotionOutcome) -> Self {
        match outcome {
            PromotionOutcome::Verified => PromotionState::Verified,
            PromotionOutcome::Refused => PromotionState::Refused,
            PromotionOutcome::Expired => PromotionState::Expired,
            PromotionOutcome::Superseded => PromotionState::Superseded,
            PromotionOutcome::Aborted => PromotionState::Aborted,
            PromotionOutcome::RolledBack => PromotionState::RolledBack,
            PromotionOutcome::RollbackFailed => PromotionState::RollbackFailed,
        }
    }
}

impl fmt::Display for PromotionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.word().replace('_', " "))
    }
}

/// A promotion at a glance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PromotionSummary {
    /// Its id.
    pub id: PromotionId,
    /// The release.
    pub release: ReleaseId,
    /// Its label.
    pub version: Version,
    /// Its kind.
    pub kind: PromotionKind,
    /// The word for where it stands.
    pub state: PromotionState,
    /// The last sentence said of it.
    pub says: String,
    /// The reason of whoever aborted it; none where nobody did, or where it was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_because: Option<String>,
    /// When it was requested.
    pub requested_at: Timestamp,
    /// When it was admitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admitted_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<PromotionOutcome>,
    /// Steps that became true.
    pub steps: Vec<StepAction>,
    /// Traffic of its canary.
    pub served: Served,
}
