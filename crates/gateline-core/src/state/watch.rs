//! A stage's watch, the noise of its thresholds, and what changed in the stage lately.

use std::collections::BTreeMap;
use std::sync::Arc;

use gateline_model::{
    Digest, Event, Evidence, GateName, LookOutcome, Looks, NoiseFound, PromotionId, PromotionKind,
    PromotionOutcome, ReleaseId, Risk, Span, WatchOutcome,
};
use jiff::Timestamp;

/// How many of a stage's last changes are kept: an incident is held against them.
pub const CHANGES_KEPT_MAX: usize = 20;
/// How many times of bad health are kept: they are no healthy time when noise is measured.
pub const UNHEALTHY_KEPT_MAX: usize = 100;

/// A watch of what is live.
#[derive(Debug, Clone, PartialEq)]
pub struct Watching {
    /// The promotion that brought it.
    pub promotion: PromotionId,
    /// The release.
    pub release: ReleaseId,
    /// The pipeline version whose checks are looked at.
    pub pipeline: Digest,
    /// The level of risk that it was admitted with.
    pub risk: Risk,
    /// Time between two looks of a check.
    pub every: Span,
    /// How many looks of one check must fail in a row.
    pub in_a_row: u32,
    /// Since when.
    pub since: Timestamp,
    /// When it is over.
    pub until: Timestamp,
    /// Each check with what its looks found.
    pub gates: BTreeMap<GateName, Looked>,
    /// How it ended, where it has.
    pub ended: Option<(WatchOutcome, String, Timestamp)>,
}

/// What the looks of one check found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Looked {
    /// How many found what.
    pub looks: Looks,
    /// How many failed one after the other, up to the last.
    pub failing: u32,
    /// The last look.
    pub last: Option<Look>,
    /// How often its threshold would have fired while nothing was wrong.
    pub noise: Option<NoiseFound>,
}

/// One look.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// What it came to.
    pub outcome: LookOutcome,
    /// Why.
    pub says: String,
    /// What was found.
    pub evidence: Arc<Evidence>,
    /// When.
    pub at: Timestamp,
}

impl Watching {
    /// The watch that an event begins.
    pub(super) fn begin(event: &Event, at: Timestamp) -> Option<Self> {
        let Event::WatchBegan {
            promotion,
            release,
            pipeline,
            risk,
            gates,
            every,
            in_a_row,
            until,
        } = event
        else {
            return None;
        };
        let gates = gates.iter();
        Some(Self {
            promotion: promotion.clone(),
            release: *release,
            pipeline: *pipeline,
            risk: *risk,
            every: *every,
            in_a_row: *in_a_row,
            since: at,
            until: *until,
            gates: gates.map(|gate| (gate.clone(), Looked::default())).collect(),
            ended: None,
        })
    }

    /// What all looks found.
    pub fn looks(&self) -> Looks {
        let each = self.gates.values().map(|looked| looked.looks);
        each.fold(Looks::default(), Looks::plus)
    }

    /// Whether it goes on.
    pub fn is_open(&self) -> bool {
        self.ended.is_none()
    }

    pub(super) fn look(&mut self, gate: &GateName, look: Look) {
        let looked = self.gates.entry(gate.clone()).or_default();
        looked.looks.count(look.outcome);
        match look.outcome {
            LookOutcome::Passed => looked.failing = 0,
            LookOutcome::Failed => looked.failing += 1,
            // Neither healthy nor failed: what was counted stays.
            LookOutcome::Errored => {}
        }
        looked.last = Some(look);
    }
}

/// One change of what is live in a stage: a promotion that began to change its target.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// The promotion.
    pub promotion: PromotionId,
    /// The release.
    pub release: ReleaseId,
    /// Its kind.
    pub kind: PromotionKind,
    /// When it began.
    pub began: Timestamp,
    /// How and when it ended, where it has.
    pub ended: Option<(PromotionOutcome, Timestamp)>,
}
