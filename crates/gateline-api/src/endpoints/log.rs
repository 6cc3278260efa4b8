//! The log: searching it, its checkpoint, and being told of what is new.

use gateline_model::{ActorId, Recorded, Scope, StreamId};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Empty;
use crate::endpoint::{endpoint, needs};

endpoint! {
    /// Searches the log, the newest event first.
    SearchLog: Get "/api/v1/log", needs(Scope::Read),
    path Empty, query LogQuery, body Empty, reply LogPage
}
endpoint! {
    /// Erases the names and texts beside events, for ever. The events stay, and with them every proof and every decision.
    EraseText: Post "/api/v1/log/erase", needs(Scope::Admin),
    path Empty, query Empty, body EraseRequest, reply EraseReply
}
endpoint! {
    /// Gives the log's size and Merkle root: keep it to prove later that nothing was changed.
    GetCheckpoint: Get "/api/v1/log/checkpoint", needs(Scope::Read),
    path Empty, query Empty, body Empty, reply Checkpoint
}
endpoint! {
    /// Tells of every new event as it is recorded. Resumes after the `Last-Event-ID` header.
    WatchEvents: Get "/api/events", needs(Scope::Read),
    path Empty, query WatchQuery, body Empty, reply Notice as Events
}

/// Which events to look for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogQuery {
    /// Only this stream, as `promotion/payments/payment-service/dev/7`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamId>,
    /// Only streams whose name begins so, as `stage/payments/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Only events of this name, as `promotion_admitted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Only this actor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<ActorId>,
    /// Not before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Only log numbers below this one: `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// At most so many.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "crate::page::limit"
    )]
    #[schemars(with = "Option<u32>", range(min = 1, max = 500))]
    pub limit: Option<u32>,
}

/// A page of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LogPage {
    /// The events, the newest first.
    pub events: Vec<Recorded>,
    /// Give it as `before` to get what is older; none at the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
    /// Those of them whose names and text were erased.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub erased: Vec<ErasedView>,
}

/// An event whose names and text were erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErasedView {
    /// Its log number.
    pub number: u64,
    /// When they were.
    pub at: Timestamp,
    /// By whom.
    pub by: ActorId,
    /// Log number of the event that says so, with the reason.
    pub event: u64,
}

/// Whose names and texts to erase: of the events named, or of those that fit everything else that is said. At least one of
/// `events`, `actor`, `stream` and `containing` is needed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EraseRequest {
    /// Only these log numbers; at most 1,000.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000))]
    pub events: Vec<u64>,
    /// Only what this actor caused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<ActorId>,
    /// Only this stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamId>,
    /// Only where this stands in the names or the text, in capitals or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub containing: Option<String>,
    /// Only log numbers below this one: `next` of the reply before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// Only tell what would be erased.
    #[serde(default)]
    pub dry_run: bool,
    /// Why; it is recorded in the log.
    pub reason: String,
}

/// What was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EraseReply {
    /// The log numbers of the events, the newest first. None of them had been erased before.
    pub erased: Vec<u64>,
    /// Give it as `before` to go on: not all of the log was looked through; none at its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// The log's end, as a promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Checkpoint {
    /// How many events there are.
    pub size: u64,
    /// Merkle root over their leaves (RFC 6962), 64 hex digits.
    pub root: String,
    /// Time of the last event.
    pub at: Timestamp,
}

/// Which events to be told of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WatchQuery {
    /// Only streams whose name begins so, as `promotion/payments/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Begin with this log number; with what is new where neither this nor `Last-Event-ID` is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
}

/// Word of one new event: enough to know what to read again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notice {
    /// Its log number.
    pub number: u64,
    /// Its stream.
    pub stream: StreamId,
    /// Its name, as `promotion_admitted`.
    pub event: String,
}
