//! Releases: registering one, and reading what it is and where it has been.

use std::collections::BTreeMap;

use gateline_model::{
    Artifact, ArtifactName, Assessment, Change, ChangeKind, ChangeText, PipelineRef, PromotionId, ReleaseId,
    Scope, Span, StageName, StageRef, Version,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{EvidenceView, PromotionSummary};
use crate::endpoint::{endpoint, needs};
use crate::{Empty, Page, ReleaseName};

endpoint! {
    /// Lists releases, the newest first.
    ListReleases: Get "/api/v1/releases", needs(Scope::Read),
    path Empty, query ReleaseQuery, body Empty, reply Page<ReleaseSummary>
}
endpoint! {
    /// Registers a release. The same content again is the same release.
    RegisterRelease: Post "/api/v1/releases", needs(Scope::Register),
    path Empty, query Empty, body RegisterRequest, reply ReleaseView
}
endpoint! {
    /// Explains the risk of a release before a stage: each factor's part, and what the level picks.
    GetRisk: Get "/api/v1/releases/{release}/risk", needs(Scope::Read),
    path ReleasePath, query RiskQuery, body Empty, reply RiskView
}
endpoint! {
    /// Shows a release: what it is made of, what it changes, its evidence and its life.
    GetRelease: Get "/api/v1/releases/{release}", needs(Scope::Read),
    path ReleasePath, query Empty, body Empty, reply ReleaseView
}

/// A release in a path. A `/` in its name is written `%2F`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReleasePath {
    /// The release.
    pub release: ReleaseName,
}

/// Which releases to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReleaseQuery {
    /// Only this project's; needs `pipeline`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<gateline_model::ProjectName>,
    /// Only this pipeline's; needs `project`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<gateline_model::PipelineName>,
    /// Only this label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
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

/// Into which stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RiskQuery {
    /// The stage of its pipeline.
    pub to: StageName,
}

/// A release's risk before a stage, with what the level picks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RiskView {
    /// The release.
    pub release: ReleaseId,
    /// Its label.
    pub version: Version,
    /// The stage.
    pub stage: StageRef,
    /// The promotion whose recorded decision says so; none where it was assessed for this answer alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promotion: Option<PromotionId>,
    /// When that decision was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
    /// The level, and each factor's part in it.
    pub assessment: Assessment,
    /// Who is asked at this level.
    pub approval: String,
    /// How it rolls out at this level.
    pub rollout: String,
    /// Gates that have other settings at this level.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<GateAtRisk>,
}

/// A gate with its settings at a level of risk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateAtRisk {
    /// The gate.
    pub gate: String,
    /// Its settings, as JSON.
    pub settings: String,
}

/// A release to register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterRequest {
    /// The pipeline that it moves through.
    pub of: PipelineRef,
    /// Its label.
    pub version: Version,
    /// Its artifacts by name: `oci://REPOSITORY@sha256:..`, `file:PATH@sha256:..` or `git:URL@COMMIT`.
    pub artifacts: BTreeMap<ArtifactName, String>,
    /// What it changes.
    #[serde(default)]
    pub change: Change,
    /// Its authors and notes.
    #[serde(default)]
    pub text: ChangeText,
}

/// A release at a glance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReleaseSummary {
    /// Its id.
    pub id: ReleaseId,
    /// Its pipeline.
    pub of: PipelineRef,
    /// Its label.
    pub version: Version,
    /// Its number within the pipeline.
    pub number: u64,
    /// What kind of change it brings.
    pub kind: ChangeKind,
    /// Whether callers of the old version break.
    pub breaking: bool,
    /// When it was registered.
    pub registered_at: Timestamp,
}

/// A release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReleaseView {
    /// Its id.
    pub id: ReleaseId,
    /// Its pipeline.
    pub of: PipelineRef,
    /// Its label.
    pub version: Version,
    /// Its number within the pipeline.
    pub number: u64,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// Its artifacts.
    pub artifacts: Vec<Artifact>,
    /// What it changes.
    pub change: Change,
    /// Its authors and notes; none where they were erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<ChangeText>,
    /// Its evidence, oldest first.
    pub evidence: Vec<EvidenceView>,
    /// Where it has been and stands, in the order of the pipeline's stages.
    pub life: Vec<LifeStage>,
}

/// A release's life in one stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LifeStage {
    /// The stage.
    pub stage: StageName,
    /// Whether the release is live there.
    pub live: bool,
    /// Whether it was verified there.
    pub verified: bool,
    /// Healthy live time there.
    pub soaked: Span,
    /// The promotion that showed why it may not go there by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub barred_by: Option<PromotionId>,
    /// Its promotions into this stage, the newest first.
    pub promotions: Vec<PromotionSummary>,
}
