//! Stages: what is live, what is proposed, what is barred; rolling back and lifting bars.

use std::collections::BTreeMap;

use gateline_model::{
    Freeze, FreezeName, Opening, PipelineName, ProjectName, PromotionId, ReleaseId, Review, Scope, Stage,
    StageName, StageRef, TargetName, Version,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{IncidentBrief, LiveView, PromotionSummary, PromotionView, Proposed, ReasonRequest, WatchView};
use crate::endpoint::{endpoint, needs};
use crate::{Empty, ReleaseName};

endpoint! {
    /// Shows a stage: what is live, what is proposed, what is barred, and its last promotions.
    GetStage: Get "/api/v1/stages/{project}/{pipeline}/{stage}", needs(Scope::Read),
    path StagePath, query Empty, body Empty, reply StageView
}
endpoint! {
    /// Requests that the release that was live before comes back.
    RollBack: Post "/api/v1/stages/{project}/{pipeline}/{stage}/rollback", needs(Scope::Promote),
    path StagePath, query Empty, body ReasonRequest, reply PromotionView
}
endpoint! {
    /// Lets a barred release be promoted again.
    Unbar: Post "/api/v1/stages/{project}/{pipeline}/{stage}/unbar", needs(Scope::Promote),
    path StagePath, query Empty, body UnbarRequest, reply StageView
}

/// A stage in a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StagePath {
    /// The project.
    pub project: ProjectName,
    /// The pipeline.
    pub pipeline: PipelineName,
    /// The stage.
    pub stage: StageName,
}

impl StagePath {
    /// The stage's full name.
    pub fn reference(&self) -> StageRef {
        let Self {
            project,
            pipeline,
            stage,
        } = self.clone();
        StageRef {
            project,
            pipeline,
            stage,
        }
    }
}

impl From<&StageRef> for StagePath {
    fn from(stage: &StageRef) -> Self {
        let StageRef {
            project,
            pipeline,
            stage,
        } = stage.clone();
        Self {
            project,
            pipeline,
            stage,
        }
    }
}

/// A bar to lift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnbarRequest {
    /// The release.
    pub release: ReleaseName,
    /// Why.
    pub reason: String,
}

/// A stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StageView {
    /// Which.
    pub of: StageRef,
    /// What the pipeline in force says of it.
    pub spec: Stage,
    /// What is live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<LiveView>,
    /// Where a rollback would go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Version>,
    /// The promotion that could not be taken back, where nothing was changed since: a rollback then brings back what is live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stuck: Option<PromotionId>,
    /// What is proposed, oldest first.
    pub proposed: Vec<Proposed>,
    /// Who may change each target now.
    pub lanes: BTreeMap<TargetName, PromotionId>,
    /// Releases that may not come here by themselves.
    pub barred: Vec<BarView>,
    /// Freezes that hold here and are not over.
    pub freezes: Vec<Freeze>,
    /// The freezes that hold here now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frozen_by: Vec<FreezeName>,
    /// When windows and freezes let a release in next, while they keep all out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening: Option<Opening>,
    /// Reviews of overrides that are not written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reviews: Vec<Review>,
    /// The watch of what is live, or the last one that there was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<WatchView>,
    /// Incidents that are open here, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incidents: Vec<IncidentBrief>,
    /// The last promotions, the newest first.
    pub promotions: Vec<PromotionSummary>,
}

/// A barred release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BarView {
    /// The release.
    pub release: ReleaseId,
    /// Its label, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// The promotion that showed why.
    pub by: PromotionId,
}
