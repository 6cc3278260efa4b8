//! Rows of the read models: history that pages and lists show. Each row depends on one stream.

use gateline_model::{
    ChangeKind, PipelineRef, PromotionId, PromotionKind, PromotionOutcome, ReleaseId, Served, StageName,
    StepAction, Version,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A row to insert or to replace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "row", rename_all = "snake_case")]
pub enum Row {
    /// One promotion.
    Promotion(Box<PromotionRow>),
    /// One release.
    Release(ReleaseRow),
}

/// One promotion's history at a glance. Its stream has the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromotionRow {
    /// Its id.
    pub id: PromotionId,
    /// The release.
    pub release: ReleaseId,
    /// Its label.
    pub version: Version,
    /// Its kind.
    pub kind: PromotionKind,
    /// When it was requested.
    pub requested_at: Timestamp,
    /// When it was admitted.
    pub admitted_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<PromotionOutcome>,
    /// The last sentence said of it.
    pub says: String,
    /// Steps that became true.
    pub steps: Vec<StepAction>,
    /// Traffic of its canary.
    pub served: Served,
}

/// One release at a glance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReleaseRow {
    /// Its id.
    pub id: ReleaseId,
    /// Its pipeline.
    pub of: PipelineRef,
    /// Its label.
    pub version: Version,
    /// Its number within the pipeline.
    pub number: u64,
    /// What kind of change it brings.
    pub kind: ChangeKind,
    /// Whether it is a breaking change.
    pub breaking: bool,
    /// When it was registered.
    pub registered_at: Timestamp,
}

/// Which promotions to look for. Newest request first, then by id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PromotionSearch {
    /// Only this pipeline.
    pub pipeline: Option<PipelineRef>,
    /// Only this stage of it.
    pub stage: Option<StageName>,
    /// Only this release.
    pub release: Option<ReleaseId>,
    /// Only those that ended (`true`) or are open (`false`).
    pub ended: Option<bool>,
    /// Only rows after this one in the order: the next page.
    pub after: Option<(Timestamp, PromotionId)>,
    /// At most so many; capped at [`READ_EVENTS_MAX`](crate::READ_EVENTS_MAX).
    pub limit: usize,
}

/// Which releases to look for. Newest registration first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReleaseSearch {
    /// Only this pipeline.
    pub pipeline: Option<PipelineRef>,
    /// Only this label.
    pub version: Option<Version>,
    /// Only rows after this one in the order: the next page.
    pub after: Option<(Timestamp, ReleaseId)>,
    /// At most so many; capped at [`READ_EVENTS_MAX`](crate::READ_EVENTS_MAX).
    pub limit: usize,
}
