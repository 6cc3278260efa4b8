//! Rows of the read models, made from the states that an append leaves behind.

use std::sync::Arc;

use gateline_core::{Phase, Promotion, World};
use gateline_model::{Event, Served};
use gateline_store::{PromotionRow, ReleaseRow, Row};
use jiff::Timestamp;

/// The rows of what was written.
pub(crate) fn rows(
    world: &World,
    promotions: &[Arc<Promotion>],
    events: &[gateline_core::Proposed],
    now: Timestamp,
) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for proposed in events {
        rows.extend(registered(&proposed.event, now));
    }
    rows.extend(promotions.iter().filter_map(|promotion| {
        let version = version(world, promotion, events)?;
        Some(promoted(promotion, version))
    }));
    rows
}

/// The row of a release, from its registration.
pub(crate) fn registered(event: &Event, at: Timestamp) -> Option<Row> {
    let Event::ReleaseRegistered { release, number } = event else {
        return None;
    };
    Some(Row::Release(ReleaseRow {
        id: release.id(),
        of: release.of.clone(),
        version: release.version.clone(),
        number: *number,
        kind: release.change.kind,
        breaking: release.change.breaking,
        registered_at: at,
    }))
}

/// The release's label: from the world, or from the registration in the same append.
fn version(
    world: &World,
    promotion: &Promotion,
    events: &[gateline_core::Proposed],
) -> Option<gateline_model::Version> {
    world
        .release(&promotion.release)
        .map(|state| state.release.version.clone())
        .or_else(|| {
            events.iter().find_map(|proposed| match &proposed.event {
                Event::ReleaseNumbered { version, release, .. } if *release == promotion.release => {
                    Some(version.clone())
                }
                _ => None,
            })
        })
}

/// The row of a promotion, from its state.
pub(crate) fn promoted(promotion: &Promotion, version: gateline_model::Version) -> Row {
    let (rollout, ended) = match &promotion.phase {
        Phase::Held => (None, None),
        Phase::Rolling(rollout) => (Some(rollout), None),
        Phase::Ended(ended) => (ended.rollout.as_ref(), Some(ended)),
    };
    Row::Promotion(Box::new(PromotionRow {
        id: promotion.id.clone(),
        release: promotion.release,
        version,
        kind: promotion.kind,
        requested_at: promotion.requested_at,
        admitted_at: rollout.map(|rollout| rollout.admitted_at),
        ended_at: ended.map(|ended| ended.at),
        outcome: ended.map(|ended| ended.outcome),
        says: promotion.says(),
        steps: rollout
            .map(|rollout| rollout.applied().to_vec())
            .unwrap_or_default(),
        served: ended.map_or_else(Served::default, |ended| ended.served),
    }))
}
