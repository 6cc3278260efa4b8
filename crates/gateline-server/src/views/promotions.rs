//! Promotions at a glance: rows of the read model, with the word for where each stands now.

use gateline_api::{Page, PromotionQuery, PromotionState, PromotionSummary, entry, page_size};
use gateline_core::{Sight, World};
use gateline_model::{PipelineRef, PromotionId, PromotionOutcome, StreamId};
use gateline_store::{PromotionRow, PromotionSearch, Read};
use jiff::Timestamp;

use super::names::release_named;
use super::promotion::{ended_because, says_of};
use super::standing::state;
use crate::hub::Hub;
use crate::refused::Refused;
use crate::seen::seen_rows;

/// Parts of a cursor are joined by this; no id or time contains it.
const CURSOR_JOINT: char = '~';

/// The page of promotions that is asked for.
///
/// # Errors
/// 422 for a query that does not fit together, 404 for a release that there is not.
pub(crate) async fn promotions(
    hub: &Hub,
    sight: &Sight,
    query: PromotionQuery,
) -> Result<Page<PromotionSummary>, Refused> {
    let PromotionQuery {
        project,
        pipeline,
        stage,
        release,
        ended,
        after,
        limit,
    } = query;
    let pipeline = pipeline_of(project, pipeline)?;
    if stage.is_some() && pipeline.is_none() {
        return Err(Refused::new(
            &entry::QUERY,
            "`stage` needs `project` and `pipeline`",
        ));
    }
    let release = match release {
        Some(name) => Some(hub.with_world(|world| release_named(world, sight, &name))?.id),
        None => None,
    };
    let after = after.map(|text| cursor(&text)).transpose()?;
    let size = page_size(limit);
    let search = PromotionSearch {
        pipeline,
        stage,
        release,
        ended,
        after,
        limit: 0,
    };
    let sight = sight.clone();
    let read = move |store: &dyn Read| {
        let read = |after: Option<(Timestamp, PromotionId)>, limit| {
            store.promotions(&PromotionSearch {
                after: after.or(search.after.clone()),
                limit,
                ..search.clone()
            })
        };
        let sees = |row: &PromotionRow| sight.sees_stage(&row.id.stage);
        let place = |row: &PromotionRow| (row.requested_at, row.id.clone());
        seen_rows((size, None), &sight, read, sees, place)
    };
    let found = hub.read(read).await?;
    Ok(Page {
        items: shown(hub, found.items).await?,
        next: found.next.map(|(at, id)| format!("{at}{CURSOR_JOINT}{id}")),
    })
}

/// The promotions that match, the newest first.
pub(super) async fn summaries(hub: &Hub, search: PromotionSearch) -> Result<Vec<PromotionSummary>, Refused> {
    let rows = hub.read(move |store| store.promotions(&search)).await?;
    shown(hub, rows).await
}

async fn shown(hub: &Hub, rows: Vec<PromotionRow>) -> Result<Vec<PromotionSummary>, Refused> {
    let mut items: Vec<PromotionSummary> =
        hub.with_world(|world| rows.into_iter().map(|row| summary(world, row)).collect());
    for item in items
        .iter_mut()
        .filter(|item| item.ended_at.is_none() && item.admitted_at.is_some())
    {
        item.served = hub.traffic(&item.id);
        // The row has what was recorded, which is the judge's changes only.
        item.says = says_of(hub, &item.id).unwrap_or_else(|| std::mem::take(&mut item.says));
    }
    with_reasons(hub, &mut items).await?;
    Ok(items)
}

/// Adds why actors aborted what they did: that is free text, and in the record alone.
async fn with_reasons(hub: &Hub, items: &mut [PromotionSummary]) -> Result<(), Refused> {
    let aborted = |item: &&mut PromotionSummary| item.outcome == Some(PromotionOutcome::Aborted);
    let mut items: Vec<&mut PromotionSummary> = items.iter_mut().filter(aborted).collect();
    let ids: Vec<PromotionId> = items.iter().map(|item| item.id.clone()).collect();
    let streams = hub
        .read(move |store| {
            let read = |id| store.read_stream(&StreamId::Promotion(id), 0);
            ids.into_iter().map(read).collect::<Result<Vec<_>, _>>()
        })
        .await?;
    for (item, events) in items.iter_mut().zip(&streams) {
        item.ended_because = ended_because(PromotionOutcome::Aborted, events);
    }
    Ok(())
}

fn summary(world: &World, row: PromotionRow) -> PromotionSummary {
    let PromotionRow {
        id,
        release,
        version,
        kind,
        requested_at,
        admitted_at,
        ended_at,
        outcome,
        says,
        steps,
        served,
    } = row;
    let state = match (outcome, world.promotion(&id)) {
        (Some(outcome), _) => outcome.into(),
        (None, Some(open)) => state(open),
        // It ended since the row was read.
        (None, None) if admitted_at.is_some() => PromotionState::RollingOut,
        (None, None) => PromotionState::Held,
    };
    PromotionSummary {
        id,
        release,
        version,
        kind,
        state,
        says,
        ended_because: None,
        requested_at,
        admitted_at,
        ended_at,
        outcome,
        steps,
        served,
    }
}

/// A pipeline from the two parts of a query.
pub(super) fn pipeline_of(
    project: Option<gateline_model::ProjectName>,
    pipeline: Option<gateline_model::PipelineName>,
) -> Result<Option<PipelineRef>, Refused> {
    match (project, pipeline) {
        (Some(project), Some(pipeline)) => Ok(Some(PipelineRef { project, pipeline })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(Refused::new(&entry::QUERY, "`project` needs `pipeline`")),
        (None, Some(_)) => Err(Refused::new(&entry::QUERY, "`pipeline` needs `project`")),
    }
}

fn cursor(text: &str) -> Result<(Timestamp, PromotionId), Refused> {
    let parts = text.split_once(CURSOR_JOINT);
    let read = parts.and_then(|(at, id)| Some((at.parse().ok()?, id.parse().ok()?)));
    read.ok_or_else(|| {
        Refused::new(
            &entry::QUERY,
            "`after` is no cursor: give `next` of the page before",
        )
    })
}
