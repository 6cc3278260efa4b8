//! A release's state: its content and the evidence that was recorded for it.

use std::sync::Arc;

use gateline_model::{ActorId, Event, Evidence, EvidenceId, Release, ReleaseBrief, ReleaseId};
use jiff::Timestamp;

use super::IllegalEvent;

/// What a release stream has come to.
#[derive(Debug, Clone, PartialEq)]
pub struct ReleaseState {
    /// Its id.
    pub id: ReleaseId,
    /// Its content.
    pub release: Arc<Release>,
    /// The order of registration in its pipeline, from 1.
    pub number: u64,
    /// Who registered it.
    pub registered_by: ActorId,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// Its evidence, oldest first, with ids.
    pub evidence: Vec<(EvidenceId, Arc<Evidence>)>,
}

impl ReleaseState {
    /// What drivers and people call it. The id is known: it is not hashed again.
    pub fn brief(&self) -> ReleaseBrief {
        ReleaseBrief {
            id: self.id,
            version: self.release.version.clone(),
            artifacts: self.release.artifacts.clone(),
        }
    }

    /// The stream has the release's id: content is not hashed with each fold.
    pub(crate) fn begin(
        id: ReleaseId,
        event: &Event,
        by: &ActorId,
        at: Timestamp,
    ) -> Result<Self, IllegalEvent> {
        match event {
            Event::ReleaseRegistered { release, number } => Ok(Self {
                id,
                release: release.clone(),
                number: *number,
                registered_by: by.clone(),
                registered_at: at,
                evidence: Vec::new(),
            }),
            other => Err(IllegalEvent {
                event: other.name(),
                why: "a release begins by being registered",
            }),
        }
    }

    pub(crate) fn evolve(&mut self, event: &Event) -> Result<(), IllegalEvent> {
        match event {
            Event::EvidenceRecorded { evidence } => {
                self.evidence.push((evidence.id(), evidence.clone()));
                Ok(())
            }
            other => Err(IllegalEvent {
                event: other.name(),
                why: "it is not a release's event",
            }),
        }
    }
}
