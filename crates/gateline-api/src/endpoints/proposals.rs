//! Proposals: new versions of what is protected, which its owners approve before they are in force.

use gateline_model::{
    ActorId, Admission, Commit, Declared, Digest, GateName, GroupName, ProjectName, PromotionId,
    ProposalApproval, ProposalId, ProposalOutcome, Scope, Tier, Verdict, Version,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ReasonRequest, SignedRequest};
use crate::Empty;
use crate::endpoint::{endpoint, needs};

endpoint! {
    /// Lists the proposals that wait for their owners, those that end first in front.
    ListProposals: Get "/api/v1/proposals", needs(Scope::Read),
    path Empty, query ProposalQuery, body Empty, reply Vec<ProposalView>
}
endpoint! {
    /// Shows a proposal with what it changes; one that ended too.
    GetProposal: Get "/api/v1/proposals/{project}/{number}", needs(Scope::Read),
    path ProposalPath, query Empty, body Empty, reply ProposalDetail
}
endpoint! {
    /// Shows what the proposed version would have decided for the last promotions before it was proposed.
    PreviewProposal: Get "/api/v1/proposals/{project}/{number}/preview", needs(Scope::Read),
    path ProposalPath, query Empty, body Empty, reply PreviewView
}
endpoint! {
    /// Approves a proposal as one of its owners. The last approval that is needed brings it into force.
    ApproveProposal: Post "/api/v1/proposals/{project}/{number}/approve", needs(Scope::Approve),
    path ProposalPath, query Empty, body ProposalAnswer, reply ProposalView
}
endpoint! {
    /// Rejects a proposal as one of its owners, which ends it.
    RejectProposal: Post "/api/v1/proposals/{project}/{number}/reject", needs(Scope::Approve),
    path ProposalPath, query Empty, body ProposalNo, reply ProposalView
}
endpoint! {
    /// Takes one's own proposal back, or one's approval of it.
    WithdrawProposal: Post "/api/v1/proposals/{project}/{number}/withdraw", needs(Scope::Read),
    path ProposalPath, query Empty, body ReasonRequest, reply ProposalView
}

/// A proposal in a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProposalPath {
    /// The project.
    pub project: ProjectName,
    /// Its number there.
    pub number: u64,
}

impl ProposalPath {
    /// The proposal.
    pub fn id(&self) -> ProposalId {
        ProposalId {
            project: self.project.clone(),
            number: self.number,
        }
    }
}

/// Which proposals to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProposalQuery {
    /// Only this project's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// Only those that wait on whoever asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mine: Option<bool>,
}

/// An owner's yes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProposalAnswer {
    /// The question that was seen: refused where it is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question: Option<Digest>,
    /// A comment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The signature over the statement that says all this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed: Option<SignedRequest>,
}

/// An owner's no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposalNo {
    /// The question that was seen: refused where it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Digest>,
    /// Why.
    pub reason: String,
}

/// A proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProposalView {
    /// The project.
    pub project: ProjectName,
    /// Its number there.
    pub number: u64,
    /// What it is a version of.
    pub of: Declared,
    /// The version.
    pub version: Digest,
    /// The version that was in force when it was proposed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Digest>,
    /// Who proposed it.
    pub by: ActorId,
    /// When.
    pub at: Timestamp,
    /// First moment at which it does not wait any more.
    pub until: Timestamp,
    /// The commit that it was taken from, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// Who wrote that commit; none where it is not known, or was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// What its owners are asked: answers are bound to it.
    pub question: Digest,
    /// What protects it now: each must be met. Empty where it ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<ProtectionView>,
    /// The approvals that were given and not withdrawn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<ProposalApproval>,
    /// How it ended; none where it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<ProposalOutcome>,
    /// Who ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<ActorId>,
    /// Why it was rejected or withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl ProposalView {
    /// The proposal.
    pub fn id(&self) -> ProposalId {
        ProposalId {
            project: self.project.clone(),
            number: self.number,
        }
    }

    /// What it still needs, in words.
    pub fn still_needs(&self) -> String {
        let open = self
            .needs
            .iter()
            .filter(|need| need.given.len() < need.count as usize);
        let words: Vec<String> = open
            .map(|need| {
                let owners: Vec<&str> = need.owners.iter().map(GroupName::as_str).collect();
                let left = need.count as usize - need.given.len();
                let signed = need.signed.at_least();
                let signed: String = signed
                    .iter()
                    .map(|with| format!(", signed with {with}"))
                    .collect();
                format!("{left} of {}{signed}", owners.join(" or "))
            })
            .collect();
        words.join(", and ")
    }
}

/// A protection of what is proposed, and whose approvals count for it now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProtectionView {
    /// The teams whose people may approve.
    pub owners: Vec<GroupName>,
    /// How many must.
    pub count: u32,
    /// How strongly each yes must be bound.
    pub signed: Tier,
    /// Who did and still owns it.
    pub given: Vec<ActorId>,
}

/// A proposal with what it changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProposalDetail {
    /// The proposal.
    pub proposal: ProposalView,
    /// What a pipeline means differently, a line each; none for anything else, and where nothing was in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meaning: Option<Vec<String>>,
    /// What the files say differently.
    pub files: Vec<FileLines>,
}

/// One file of two versions, as far as it differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileLines {
    /// Its name.
    pub name: String,
    /// Lines with `+`, `-` or a space in front; `…` where equal ones are left out.
    pub lines: Vec<String>,
}

/// What a proposed version would have decided.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PreviewView {
    /// The promotions, the latest first.
    pub promotions: Vec<PreviewedView>,
    /// How many of them it would have decided otherwise.
    pub otherwise: u64,
    /// Why it could not be found out, where it could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
}

/// One promotion of a preview.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PreviewedView {
    /// Which.
    pub promotion: PromotionId,
    /// The release's label.
    pub version: Version,
    /// When it was decided.
    pub at: Timestamp,
    /// What was decided then.
    pub then: Admission,
    /// In one sentence.
    pub then_says: String,
    /// What would have been decided; none where it could not be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<Admission>,
    /// In one sentence, or why it could not be.
    pub now_says: String,
    /// The gates whose verdicts differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<GateChange>,
}

/// A gate whose verdict differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateChange {
    /// The gate.
    pub gate: GateName,
    /// Its verdict then; none where it was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<Verdict>,
    /// Its verdict with the new version; none where it is not there any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<Verdict>,
    /// What it says with the new version; empty where it is not there any more.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub says: String,
}
