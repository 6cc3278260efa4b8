//! The board: pipelines by stages, with what is live and what is proposed below it.

use gateline_model::{
    Health, Opening, PipelineRef, PromotionId, PromotionKind, ReleaseId, Scope, StageName, Version, Weight,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PromotionState;
use crate::Empty;
use crate::endpoint::{endpoint, needs};

endpoint! {
    /// Shows what is live in every stage and what is proposed, filtered and paged by the server.
    GetBoard: Get "/api/v1/board", needs(Scope::Read),
    path Empty, query BoardQuery, body Empty, reply Board
}

/// Which pipelines the board shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BoardQuery {
    /// Only pipelines whose `project/pipeline` contains this text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Only pipelines in which something is like this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub show: Option<BoardShow>,
    /// In which order; by name where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<BoardOrder>,
    /// The page after this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// At most so many pipelines.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "crate::page::limit"
    )]
    #[schemars(with = "Option<u32>", range(min = 1, max = 500))]
    pub limit: Option<u32>,
}

/// What the board may be narrowed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BoardShow {
    /// Something is proposed.
    Open,
    /// A promotion is held or refused before its gates.
    Held,
    /// A rollout is under way.
    RollingOut,
    /// What is live somewhere is not healthy, or its health is unknown.
    NotHealthy,
}

/// The orders of the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BoardOrder {
    /// By project and name.
    #[default]
    Name,
    /// What needs somebody first, then what is rolling out, then what is held, then the rest.
    Need,
}

/// A page of the board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Board {
    /// The pipelines, in the order that was asked for.
    pub pipelines: Vec<BoardPipeline>,
    /// How many pipelines match on all pages.
    pub total: u64,
    /// How many pipelines there are.
    pub all: u64,
    /// In how many of those that match something waits for a person: to approve, to mend, to look.
    pub needing: u64,
    /// In how many of those that match something rolls out.
    pub rolling: u64,
    /// Give it as `after` to get what follows; none at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Log number up to which the board is true: the next event's.
    pub log: u64,
}

/// One pipeline of the board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BoardPipeline {
    /// Which.
    pub of: PipelineRef,
    /// Its stages, in the order of its file.
    pub stages: Vec<BoardStage>,
}

/// One cell of the board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BoardStage {
    /// Its name.
    pub stage: StageName,
    /// Whether users depend on it.
    pub production: bool,
    /// What is live.
    pub live: Option<LiveView>,
    /// What is proposed, oldest first.
    pub proposed: Vec<Proposed>,
}

/// A release that is live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LiveView {
    /// Its id.
    pub release: ReleaseId,
    /// Its label.
    pub version: Version,
    /// The promotion that brought it.
    pub promotion: PromotionId,
    /// Since when.
    pub since: Timestamp,
    /// Its health.
    pub health: Health,
    /// Why it is not healthy, as it was seen when it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_why: Option<String>,
    /// Since when the health is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_since: Option<Timestamp>,
}

/// A promotion that has not ended, at a glance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Proposed {
    /// Its id.
    pub promotion: PromotionId,
    /// The release.
    pub release: ReleaseId,
    /// Its label.
    pub version: Version,
    /// Its kind.
    pub kind: PromotionKind,
    /// The word for where it stands.
    pub state: PromotionState,
    /// How many gates are satisfied.
    pub satisfied: u32,
    /// How many gates there are.
    pub gates: u32,
    /// One sentence for a person.
    pub headline: String,
    /// When windows and freezes let it in next, while they keep it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening: Option<Opening>,
    /// Since when it stands so.
    pub since: Timestamp,
    /// Who or what can change it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting_on: Vec<String>,
    /// When it changes by itself, at the earliest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The rollout, once it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutBrief>,
}

/// A running rollout at a glance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RolloutBrief {
    /// The step that is being taken or was taken last, from 1.
    pub step: u32,
    /// How many steps there are.
    pub steps: u32,
    /// Share of traffic that the release has.
    pub weight: Weight,
    /// Requests that it served so far.
    pub requests: u64,
    /// How many of them failed.
    pub errors: u64,
}
