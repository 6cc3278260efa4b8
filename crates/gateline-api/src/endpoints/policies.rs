//! Policy modules: applying one, and reading what is in force.

use std::collections::BTreeMap;

use gateline_model::{Digest, PolicyName, ProjectName, Scope, Written};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ProposalView;
use crate::Empty;
use crate::endpoint::{endpoint, needs};

endpoint! {
    /// Lists the policy modules and the version of each that is in force.
    ListPolicies: Get "/api/v1/policies", needs(Scope::Read),
    path Empty, query PolicyQuery, body Empty, reply Vec<PolicyBrief>
}
endpoint! {
    /// Brings a policy module into force. The same files again change nothing.
    ApplyPolicy: Put "/api/v1/policies", needs(Scope::Apply),
    path Empty, query Empty, body PolicyRequest, reply PolicyReply
}
endpoint! {
    /// Shows the files of a policy module, as they are in force.
    GetPolicy: Get "/api/v1/policies/{project}/{policy}", needs(Scope::Read),
    path PolicyPath, query Empty, body Empty, reply PolicyView
}

/// A policy module in a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyPath {
    /// The project.
    pub project: ProjectName,
    /// The module.
    pub policy: PolicyName,
}

/// Which policy modules to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyQuery {
    /// Only this project's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
}

/// A policy module at a glance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyBrief {
    /// The project that owns it.
    pub project: ProjectName,
    /// What gates call it.
    pub name: PolicyName,
    /// The version in force: the digest of its files.
    pub version: Digest,
}

/// A policy module to apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyRequest {
    /// The project that owns it.
    pub project: ProjectName,
    /// What gates call it.
    pub name: PolicyName,
    /// Its files by path: `*.rego`, `data.json`, `data.yaml` and `.manifest`.
    pub files: BTreeMap<String, String>,
    /// The commit that it was taken from, and who wrote that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<Written>,
}

/// What applying a policy module came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyReply {
    /// The project.
    pub project: ProjectName,
    /// The module.
    pub name: PolicyName,
    /// The version: in force now, unless it is proposed.
    pub version: Digest,
    /// Whether it came into force now.
    pub changed: bool,
    /// The proposal, where it is protected and waits for its owners.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposed: Option<ProposalView>,
}

/// A policy module as it is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyView {
    /// The project.
    pub project: ProjectName,
    /// The module.
    pub name: PolicyName,
    /// The version: the digest of its files.
    pub version: Digest,
    /// What its author calls this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The packages whose rules are asked.
    pub packages: Vec<String>,
    /// Its files by path.
    pub files: BTreeMap<String, String>,
}
