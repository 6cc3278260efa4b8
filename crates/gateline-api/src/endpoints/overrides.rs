//! Overrides, what a second person is to confirm, and reviews that are owed.

use gateline_model::{
    GateName, PipelineName, ProjectName, PromotionId, Review, Scope, StageName, StageRef, Version,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ErasedView, OverrideView, PromotionView, ReasonRequest};
use crate::Empty;
use crate::endpoint::{endpoint, needs};

endpoint! {
    /// Lists overrides in force, those that wait for a second person, and reviews that are not written.
    ListOverrides: Get "/api/v1/overrides", needs(Scope::Read),
    path Empty, query OverrideQuery, body Empty, reply OverridesView
}
endpoint! {
    /// Confirms, as a second person, the override that somebody else asked for.
    ConfirmOverride: Post "/api/v1/promotions/{project}/{pipeline}/{stage}/{number}/overrides/{gate}/confirm", needs(Scope::Override),
    path OverridePath, query Empty, body ConfirmRequest, reply PromotionView
}
endpoint! {
    /// Takes an override back, so that its gate counts again: whoever granted or confirmed it, or an administrator.
    WithdrawOverride: Post "/api/v1/promotions/{project}/{pipeline}/{stage}/{number}/overrides/{gate}/withdraw", needs(Scope::Read),
    path OverridePath, query Empty, body ReasonRequest, reply PromotionView
}
endpoint! {
    /// Writes what came of an override that let a release in. Who may is the stage's to say.
    WriteReview: Post "/api/v1/promotions/{project}/{pipeline}/{stage}/{number}/overrides/{gate}/review", needs(Scope::Read),
    path OverridePath, query Empty, body ReasonRequest, reply OverridesView
}

/// An override in a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OverridePath {
    /// The project.
    pub project: ProjectName,
    /// The pipeline.
    pub pipeline: PipelineName,
    /// The stage.
    pub stage: StageName,
    /// The promotion's number in its stage.
    pub number: u64,
    /// The gate that the override names.
    pub gate: GateName,
}

impl OverridePath {
    /// The override of a promotion.
    pub fn new(id: &PromotionId, gate: &GateName) -> Self {
        let PromotionId { stage, number } = id.clone();
        Self {
            project: stage.project,
            pipeline: stage.pipeline,
            stage: stage.stage,
            number,
            gate: gate.clone(),
        }
    }

    /// The promotion.
    pub fn id(&self) -> PromotionId {
        PromotionId {
            stage: StageRef {
                project: self.project.clone(),
                pipeline: self.pipeline.clone(),
                stage: self.stage.clone(),
            },
            number: self.number,
        }
    }
}

/// Which overrides to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OverrideQuery {
    /// Only this project's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
}

/// A confirmation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConfirmRequest {
    /// When the override that was seen was asked for: refused where another was asked for since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Timestamp>,
}

/// Overrides and reviews.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OverridesView {
    /// Overrides of promotions that are not admitted yet, those that end first in front.
    pub overrides: Vec<OpenOverride>,
    /// Reviews that are not written, those that are owed first in front.
    pub reviews: Vec<OpenReview>,
}

/// An override of a promotion that is not admitted yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenOverride {
    /// The promotion.
    pub promotion: PromotionId,
    /// The release's label.
    pub version: Version,
    /// The override, with its reason.
    #[serde(rename = "override")]
    pub permission: OverrideView,
}

/// A review that is not written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenReview {
    /// What it is about.
    pub review: Review,
    /// Why the gate was overridden; none where it was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the reason was erased, and by whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased: Option<ErasedView>,
    /// Who is to write it, in words.
    pub from: String,
    /// Whether it should be written by now.
    pub overdue: bool,
}
