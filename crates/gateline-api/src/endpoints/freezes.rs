//! Freezes: times in which stages admit nothing.

use gateline_model::{
    ActorId, ChangeKind, Freeze, FreezeName, PipelineName, ProjectName, Recurs, Scope, StageName, Stretch,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ErasedView, ReasonRequest};
use crate::Empty;
use crate::endpoint::{endpoint, needs};

endpoint! {
    /// Lists freezes that are declared and not lifted.
    ListFreezes: Get "/api/v1/freezes", needs(Scope::Read),
    path Empty, query FreezeQuery, body Empty, reply Vec<FreezeView>
}
endpoint! {
    /// Declares a freeze.
    DeclareFreeze: Post "/api/v1/freezes", needs(Scope::Freeze),
    path Empty, query Empty, body FreezeRequest, reply FreezeView
}
endpoint! {
    /// Ends a freeze early.
    LiftFreeze: Post "/api/v1/freezes/{project}/{name}/lift", needs(Scope::Freeze),
    path FreezePath, query Empty, body ReasonRequest, reply Vec<FreezeView>
}

/// A freeze in a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FreezePath {
    /// The project.
    pub project: ProjectName,
    /// The freeze.
    pub name: FreezeName,
}

/// Which freezes to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FreezeQuery {
    /// Only this project's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
}

/// A freeze to declare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FreezeRequest {
    /// The project.
    pub project: ProjectName,
    /// Its name within the project.
    pub name: FreezeName,
    /// Only this pipeline; every pipeline of the project where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<PipelineName>,
    /// Only these stages; the stages marked `production` where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageName>,
    /// First moment; now where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// First moment after it.
    pub until: Timestamp,
    /// At which times in between it holds; at all of them where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurs: Option<Recurs>,
    /// Kinds of change that pass all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exempt: Vec<ChangeKind>,
    /// Whether it holds a rollback too.
    #[serde(default)]
    pub applies_to_rollback: bool,
    /// Why.
    pub reason: String,
}

/// A freeze with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FreezeView {
    /// The project.
    pub project: ProjectName,
    /// The freeze.
    pub freeze: Freeze,
    /// Whether it is in force now.
    pub in_force: bool,
    /// The time that it holds now, or holds next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Stretch>,
    /// Who declared it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<ActorId>,
    /// Why; none where it was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the reason was erased, and by whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased: Option<ErasedView>,
}
