//! An event as it stands in the log, and its erasable part beside it. Knows no event's body.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Event;
use crate::{ActorId, StreamId};

/// The erasable part of an event: personal names and free text. The fold never reads it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Private {
    /// The actor's display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_name: Option<String>,
    /// The reason or comment that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Other text by name, as `notes` and `authors` of a release.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub text: BTreeMap<String, String>,
}

impl Private {
    /// Whether there is anything to keep.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// An event as it stands in the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Recorded {
    /// Its log number: the leaf's index, from 0, without gaps.
    pub number: u64,
    /// Its stream.
    pub stream: StreamId,
    /// Its version in the stream, from 1.
    pub version: u64,
    /// When it was recorded; never before the event in front of it.
    pub at: Timestamp,
    /// Who caused it.
    pub actor: ActorId,
    /// What happened.
    pub event: Event,
    /// The erasable part, where there is one and it was not erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private: Option<Private>,
}
