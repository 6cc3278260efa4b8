//! People: roles, what somebody may do, what waits on whom, and answers that were handed on.

use gateline_model::{
    ActorId, Delegation, Digest, GroupName, PipelineName, ProjectName, PromotionId, Risk, Roles, Scope,
    StageName, Tier, Version, Weight, Who,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ApplyRequest, PauseView, ProposalView};
use crate::endpoint::{endpoint, needs};
use crate::{Empty, Finding, Page};

endpoint! {
    /// Shows the roles of a project that are in force.
    GetRoles: Get "/api/v1/projects/{project}/roles", needs(Scope::Read),
    path ProjectPath, query Empty, body Empty, reply RolesView
}
endpoint! {
    /// Brings a file of roles into force. The same content again changes nothing.
    ApplyRoles: Put "/api/v1/roles", needs(Scope::Admin),
    path Empty, query Empty, body ApplyRequest, reply RolesReply
}
endpoint! {
    /// Lists the delegations of a project that were not ended.
    ListDelegations: Get "/api/v1/projects/{project}/delegations", needs(Scope::Read),
    path ProjectPath, query Empty, body Empty, reply Vec<DelegationView>
}
endpoint! {
    /// Hands one's answers on for a time.
    Delegate: Post "/api/v1/projects/{project}/delegations", needs(Scope::Approve),
    path ProjectPath, query Empty, body DelegateRequest, reply Vec<DelegationView>
}
endpoint! {
    /// Ends a delegation early.
    EndDelegation: Post "/api/v1/projects/{project}/delegations/end", needs(Scope::Approve),
    path ProjectPath, query Empty, body EndDelegationRequest, reply Vec<DelegationView>
}
endpoint! {
    /// Says who asks: the actor, what was shown, and the teams in each project.
    WhoAmI: Get "/api/v1/whoami", needs(Scope::Read),
    path Empty, query Empty, body Empty, reply WhoAmIView
}
endpoint! {
    /// Explains whether an actor may do something, by which role, or who may.
    Can: Get "/api/v1/can", needs(Scope::Read),
    path Empty, query CanQuery, body Empty, reply CanReply
}
endpoint! {
    /// Lists what waits on the one who asks, oldest first.
    GetInbox: Get "/api/v1/inbox", needs(Scope::Read),
    path Empty, query InboxQuery, body Empty, reply Page<InboxItem>
}
endpoint! {
    /// Lists the rollouts that stand still for a person, of those that the one who asks may let go on: the longest first.
    GetInboxRollouts: Get "/api/v1/inbox/rollouts", needs(Scope::Read),
    path Empty, query InboxRolloutsQuery, body Empty, reply Vec<StandingRollout>
}

/// A project in a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectPath {
    /// The project.
    pub project: ProjectName,
}

/// Roles in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RolesView {
    /// The version.
    pub version: Digest,
    /// What they say.
    pub roles: Roles,
}

/// What applying a file of roles came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RolesReply {
    /// The project.
    pub project: ProjectName,
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

/// A delegation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DelegationView {
    /// What was handed on.
    #[serde(flatten)]
    pub delegation: Delegation,
    /// Whether it holds now.
    pub holds: bool,
}

/// Answers to hand on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DelegateRequest {
    /// To whom.
    pub to: ActorId,
    /// For which team; for every one where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<GroupName>,
    /// From then; now where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Until then.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
}

/// A delegation to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndDelegationRequest {
    /// Who had handed it on; the one who asks where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<ActorId>,
    /// To whom.
    pub to: ActorId,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WhoAmIView {
    /// The actor.
    pub actor: ActorId,
    /// What the token may do; none for a session, which reaches as far as the roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<Scope>>,
    /// The teams in each project.
    pub teams: Vec<TeamsIn>,
}

/// Teams in a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TeamsIn {
    /// The project.
    pub project: ProjectName,
    /// The teams.
    pub teams: Vec<GroupName>,
}

/// May an actor do that?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CanQuery {
    /// The actor; the one who asks where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<ActorId>,
    /// The verb.
    pub verb: Scope,
    /// The project.
    pub project: ProjectName,
    /// The pipeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<PipelineName>,
    /// The stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<StageName>,
}

/// Whether, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CanReply {
    /// The actor.
    pub actor: ActorId,
    /// The verb.
    pub verb: Scope,
    /// The object, as PROJECT/PIPELINE/STAGE.
    pub object: String,
    /// Whether.
    pub may: bool,
    /// By which right; or why not, and who may.
    pub because: String,
    /// The layers that would ask the actor, where the verb is `approve` and a stage is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<Who>,
}

/// What of the inbox to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct InboxQuery {
    /// Only this project's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// Those behind this one: `next` of the page before.
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

/// Which rollouts of the inbox to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct InboxRolloutsQuery {
    /// Only this project's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
}

/// A rollout that stands still for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StandingRollout {
    /// Which.
    pub promotion: PromotionId,
    /// The release's label.
    pub version: Version,
    /// Share of traffic that the release has.
    pub weight: Weight,
    /// Why and since when it stands.
    pub paused: PauseView,
}

/// One promotion that waits on the one who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InboxItem {
    /// Which.
    pub promotion: PromotionId,
    /// The release's label.
    pub version: Version,
    /// The label of what is live in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Version>,
    /// The assessed risk.
    pub risk: Risk,
    /// Why it is held, in the words of the decision.
    pub headline: String,
    /// Who is asked and who answered, in the words of the decision.
    pub says: String,
    /// What is asked: the decision's question, to answer with.
    pub question: Digest,
    /// By which right the one who asks may answer.
    pub from: Who,
    /// Instead of whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<ActorId>,
    /// Since when the question stands.
    pub since: Timestamp,
    /// How soon it should be answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Whether the actor was asked by name.
    pub by_name: bool,
    /// Whether a yes needs a comment.
    pub comment: bool,
    /// How strongly a yes must be bound.
    pub signed: Tier,
}
