//! Approvals: one actor's yes, bound to a digest of what was decided.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ActorId, Digest, GroupName, Risk, Span};

/// Who must approve, and when the rule applies. The first rule whose condition holds is used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRule {
    /// Condition (CEL) on `change`, `release`, `risk` and `stage`; always where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Nobody is asked; the log says so.
    #[serde(default)]
    pub automatic: bool,
    /// Groups that are asked, one after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<Layer>,
    /// Whether an override may name the approval gate.
    #[serde(default)]
    pub overridable: bool,
}

/// One group of people whose yes is needed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// The group.
    pub from: GroupName,
    /// How many of them.
    #[serde(default = "one")]
    pub count: u32,
    /// How soon they should answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sla: Option<Span>,
}

fn one() -> u32 {
    1
}

/// Sets the risk level: the first rule whose condition holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RiskRule {
    /// Condition (CEL) on `change`, `release` and `stage`; always where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// The level then.
    pub level: Risk,
}

/// One actor's yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Approval {
    /// Who.
    pub by: ActorId,
    /// For which group.
    pub from: GroupName,
    /// To what: the decision's question.
    pub question: Digest,
    /// When.
    pub at: Timestamp,
}
