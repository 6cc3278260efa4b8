//! The summary that an approver sees: pages, replies and messages all take this one.

use gateline_model::{PromotionId, StreamId, Summary};
use jiff::Timestamp;

use super::release::text_of;
use crate::hub::Hub;
use crate::refused::Refused;

/// A held promotion for those who are asked; `None` where it is not held.
///
/// # Errors
/// When the store cannot be read.
pub(crate) async fn summary(hub: &Hub, id: &PromotionId) -> Result<Option<Summary>, Refused> {
    let release = hub.with_world(|world| {
        let promotion = world.promotion(id)?;
        world.release(&promotion.release).cloned()
    });
    let Some(release) = release else { return Ok(None) };
    let stream = StreamId::Release(release.id);
    let events = hub.read(move |store| store.read_stream(&stream, 0)).await?;
    let text = text_of(&release, events.into_iter().next());
    Ok(hub.with_world(|world| gateline_core::summary(world, id, text, Timestamp::now())))
}
