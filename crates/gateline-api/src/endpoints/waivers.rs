//! Waivers: accepted exceptions, each for one named finding.

use gateline_model::{PipelineName, ProjectName, ReleaseId, Scope, StageName, Waiver, WaiverId};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ErasedView, ReasonRequest};
use crate::Empty;
use crate::endpoint::{endpoint, needs};

endpoint! {
    /// Lists waivers that are in force.
    ListWaivers: Get "/api/v1/waivers", needs(Scope::Read),
    path Empty, query WaiverQuery, body Empty, reply Vec<WaiverView>
}
endpoint! {
    /// Accepts one finding of a release's evidence for a time.
    GrantWaiver: Post "/api/v1/waivers", needs(Scope::Waive),
    path Empty, query Empty, body WaiverRequest, reply WaiverView
}
endpoint! {
    /// Ends a waiver early.
    LiftWaiver: Post "/api/v1/waivers/{project}/{waiver}/lift", needs(Scope::Waive),
    path WaiverPath, query Empty, body ReasonRequest, reply Vec<WaiverView>
}

/// A waiver in a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaiverPath {
    /// The project.
    pub project: ProjectName,
    /// The waiver.
    pub waiver: WaiverId,
}

/// Which waivers to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WaiverQuery {
    /// Only this project's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// Only this pipeline's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<PipelineName>,
}

/// A waiver to grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaiverRequest {
    /// A release whose evidence has the finding.
    pub release: ReleaseId,
    /// The finding, by its identity.
    pub finding: String,
    /// Only this stage; every stage of the pipeline where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<StageName>,
    /// First moment after it.
    pub until: Timestamp,
    /// Where it is written down what is done about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// Why.
    pub reason: String,
}

/// A waiver with its reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WaiverView {
    /// Its id.
    pub id: WaiverId,
    /// The project.
    pub project: ProjectName,
    /// The waiver.
    pub waiver: Waiver,
    /// Why; none where it was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the reason was erased, and by whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased: Option<ErasedView>,
}
