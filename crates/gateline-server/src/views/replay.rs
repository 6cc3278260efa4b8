//! A rollout judged again, from what was kept of it.

use gateline_api::entry;
use gateline_model::ruling::Replay;
use gateline_model::{Event, JudgeSettings, PromotionId, StreamId};

use crate::hub::Hub;
use crate::refused::Refused;

/// A rollout as it was judged, or as other settings would have judged it.
///
/// # Errors
/// 404 if there never was such a promotion.
pub(crate) async fn replay(
    hub: &Hub,
    id: &PromotionId,
    with: Option<&JudgeSettings>,
) -> Result<Replay, Refused> {
    let (stream, of) = (StreamId::Promotion(id.clone()), id.clone());
    let events = hub.read(move |store| store.read_stream(&stream, 0)).await?;
    let (ticks, _) = hub.read(move |store| store.ticks(&of)).await?;
    let unknown = || Refused::new(&entry::PROMOTION_UNKNOWN, format!("there is no promotion `{id}`"));
    let pinned = events.iter().rev().find_map(|recorded| match &recorded.event {
        Event::PromotionRequested { pipeline, .. } | Event::PipelineRepinned { pipeline } => Some(*pipeline),
        _ => None,
    });
    let pinned = pinned.ok_or_else(unknown)?;
    let stage = hub.with_world(|world| {
        let pipeline = world.project(&id.stage.project)?.versions.get(&pinned)?.clone();
        pipeline.stage(&id.stage.stage).cloned()
    });
    let stage = stage.ok_or_else(unknown)?;
    let (id, with) = (id.clone(), with.cloned());
    // Every tick is weighed again: not on a thread that answers others.
    let judged = tokio::task::spawn_blocking(move || {
        gateline_engine::replay(&id, &events, &stage, &ticks, with.as_ref())
    });
    let judged = judged
        .await
        .map_err(|err| Refused::new(&entry::BUG, err.to_string()))?;
    judged.map_err(|err| Refused::new(&entry::BUG, err.to_string()))
}
