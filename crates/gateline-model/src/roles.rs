//! Roles: who may do what in a project, and who is in which team. A document, stored and versioned like a pipeline.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ActorId, Digest, GroupName, OnCall, PipelineName, ProjectName, Protected, Scope, StageName};

/// Teams, roles, owners and machines of one project. Those of the project `gateline` hold in every project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    /// The project.
    pub project: ProjectName,
    /// Groups of people that layers ask and roles name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<Team>,
    /// Who may do what.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
    /// Which team answers for which paths of the source; the last entry that matches a path counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<Owner>,
    /// Machines that show a signed token of their CI instead of one of ours.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub machines: Vec<Machine>,
    /// What is in force only once owners approved it.
    #[serde(default, skip_serializing_if = "Protected::is_empty")]
    pub protected: Protected,
}

/// A group of people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Team {
    /// Its name, as layers and roles write it.
    pub name: GroupName,
    /// Actors who are always in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<ActorId>,
    /// Groups of a sign-in whose people are in it, as `PROVIDER:GROUP`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<String>,
    /// Who is in it for now: one after the other, or as a source says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_call: Option<OnCall>,
}

/// What some people may do, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Its name, for explanations.
    pub name: GroupName,
    /// Teams that have it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<GroupName>,
    /// Actors who have it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actors: Vec<ActorId>,
    /// What it permits. `admin` permits everything. Approving is not a role's: a stage's layers say who may.
    pub may: Vec<Scope>,
    /// Pipelines that it holds for; every one where none is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pipelines: Vec<PipelineName>,
    /// Stages that it holds for; every one where none is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageName>,
}

/// Who answers for some paths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// Patterns of paths, as in `db/**`: `*` stops at `/`, `**` does not.
    pub paths: Vec<String>,
    /// The team.
    pub team: GroupName,
}

/// A machine that is known by what its CI signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The actor that it is here.
    pub actor: ActorId,
    /// Who signs, as in `https://token.actions.githubusercontent.com`.
    pub issuer: String,
    /// Whom the token must be made for.
    pub audience: String,
    /// Claims that must have exactly these values. Ids, as names can be given to somebody else.
    pub claims: BTreeMap<String, String>,
}

impl Roles {
    /// The version: a digest of the canonical content.
    pub fn version(&self) -> Digest {
        Digest::of_json(self)
    }

    /// A team by name.
    pub fn team(&self, name: &GroupName) -> Option<&Team> {
        self.teams.iter().find(|team| team.name == *name)
    }
}
