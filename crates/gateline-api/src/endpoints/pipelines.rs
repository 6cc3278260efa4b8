//! Pipelines: applying a file, and reading what is in force.

use gateline_model::{Digest, Pipeline, PipelineName, PipelineRef, ProjectName, Scope, Written};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ProposalView;
use crate::endpoint::{endpoint, needs};
use crate::{Empty, Finding, Page};

endpoint! {
    /// Lists the pipelines and the version of each that is in force.
    ListPipelines: Get "/api/v1/pipelines", needs(Scope::Read),
    path Empty, query PipelineQuery, body Empty, reply Page<PipelineBrief>
}
endpoint! {
    /// Brings a pipeline file into force, or proposes it where it is protected. The same content again changes nothing.
    ApplyPipeline: Put "/api/v1/pipelines", needs(Scope::Apply),
    path Empty, query Empty, body ApplyRequest, reply ApplyReply
}
endpoint! {
    /// Shows a pipeline: the version in force, or the one that is asked for.
    GetPipeline: Get "/api/v1/pipelines/{project}/{pipeline}", needs(Scope::Read),
    path PipelinePath, query VersionQuery, body Empty, reply PipelineView
}

/// A pipeline in a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PipelinePath {
    /// The project.
    pub project: ProjectName,
    /// The pipeline.
    pub pipeline: PipelineName,
}

impl PipelinePath {
    /// The pipeline's full name.
    pub fn reference(&self) -> PipelineRef {
        PipelineRef {
            project: self.project.clone(),
            pipeline: self.pipeline.clone(),
        }
    }
}

/// Which pipelines to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PipelineQuery {
    /// Only this project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
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

/// Which version of a pipeline.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VersionQuery {
    /// The version; the one in force where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Digest>,
}

/// A pipeline at a glance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PipelineBrief {
    /// Which.
    pub of: PipelineRef,
    /// The version in force.
    pub version: Digest,
    /// How many stages it has.
    pub stages: u32,
    /// How many releases it has.
    pub releases: u64,
}

/// A pipeline file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyRequest {
    /// How findings call the file.
    pub file_name: String,
    /// Its content.
    pub text: String,
    /// The commit that it was taken from, and who wrote that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<Written>,
}

/// What applying a file came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApplyReply {
    /// The project.
    pub project: ProjectName,
    /// The pipeline.
    pub pipeline: PipelineName,
    /// The version: in force now, unless it is proposed.
    pub version: Digest,
    /// Whether it came into force now.
    pub changed: bool,
    /// The proposal, where it is protected and waits for its owners.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposed: Option<ProposalView>,
    /// What hardly anybody means.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Finding>,
}

/// One version of a pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PipelineView {
    /// Which pipeline.
    pub of: PipelineRef,
    /// The version.
    pub version: Digest,
    /// Whether it is in force.
    pub in_force: bool,
    /// What it says, with every default filled in.
    pub pipeline: Pipeline,
    /// The file as it was written; none where it was not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}
