//! Steering a promotion: what an actor may say to one that is open. Each replies with the promotion as it is then.

use gateline_model::{ActorId, Digest, GateName, No, Scope, Weight};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PromotionPath, PromotionView, SignedRequest};
use crate::Empty;
use crate::endpoint::{endpoint, needs};

endpoint! {
    /// Approves a promotion for a group of the token.
    Approve: Post "/api/v1/promotions/{project}/{pipeline}/{stage}/{number}/approve", needs(Scope::Approve),
    path PromotionPath, query Empty, body ApproveRequest, reply PromotionView
}
endpoint! {
    /// Says no to a promotion, or what is to be changed first.
    Refuse: Post "/api/v1/promotions/{project}/{pipeline}/{stage}/{number}/refuse", needs(Scope::Approve),
    path PromotionPath, query Empty, body RefuseRequest, reply PromotionView
}
endpoint! {
    /// Takes one's answer to a promotion back.
    Withdraw: Post "/api/v1/promotions/{project}/{pipeline}/{stage}/{number}/withdraw", needs(Scope::Approve),
    path PromotionPath, query Empty, body ReasonRequest, reply PromotionView
}
endpoint! {
    /// Asks a named person to look at a promotion.
    AskPerson: Post "/api/v1/promotions/{project}/{pipeline}/{stage}/{number}/ask", needs(Scope::Approve),
    path PromotionPath, query Empty, body AskRequest, reply PromotionView
}
endpoint! {
    /// Permits admission although one named gate is not satisfied.
    OverrideGate: Post "/api/v1/promotions/{project}/{pipeline}/{stage}/{number}/override", needs(Scope::Override),
    path PromotionPath, query Empty, body OverrideRequest, reply PromotionView
}
endpoint! {
    /// Ends a promotion; a rollout is taken back.
    Abort: Post "/api/v1/promotions/{project}/{pipeline}/{stage}/{number}/abort", needs(Scope::Promote),
    path PromotionPath, query Empty, body ReasonRequest, reply PromotionView
}
endpoint! {
    /// Lets a rollout stand still.
    Pause: Post "/api/v1/promotions/{project}/{pipeline}/{stage}/{number}/pause", needs(Scope::Promote),
    path PromotionPath, query Empty, body ReasonRequest, reply PromotionView
}
endpoint! {
    /// Lets a rollout that stands still go on.
    Resume: Post "/api/v1/promotions/{project}/{pipeline}/{stage}/{number}/resume", needs(Scope::Promote),
    path PromotionPath, query Empty, body ReasonRequest, reply PromotionView
}

endpoint! {
    /// Lets a rollout go on to its next step without waiting for time or the judge.
    Advance: Post "/api/v1/promotions/{project}/{pipeline}/{stage}/{number}/advance", needs(Scope::Promote),
    path PromotionPath, query Empty, body AdvanceRequest, reply PromotionView
}

/// A yes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ApproveRequest {
    /// The question that was seen: refused where it changed since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question: Option<Digest>,
    /// A comment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The signature over the statement that says all this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed: Option<SignedRequest>,
}

/// A no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefuseRequest {
    /// What the no asks for.
    pub no: No,
    /// The question that was seen: refused where it changed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Digest>,
    /// Why.
    pub reason: String,
    /// The signature over the statement that says all this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<SignedRequest>,
}

/// A named person to ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskRequest {
    /// Who.
    pub who: ActorId,
}

/// An override.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OverrideRequest {
    /// Exactly one gate.
    pub gate: GateName,
    /// When the permission ends.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
}

/// A word to go on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdvanceRequest {
    /// Index of the step that was seen to stand, from 0: refused where another one stands now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
    /// Share of traffic that the release was seen to have: refused where it has another one now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<Weight>,
    /// Why.
    pub reason: String,
}

/// A reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonRequest {
    /// Why.
    pub reason: String,
}
