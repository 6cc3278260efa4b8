//! `GET /api/v1/promotions/{project}/{pipeline}/{stage}/{number}/ticks`

use gateline_api::{GetTicks, entry};
use gateline_model::{StreamId, Tick};

use crate::call::Call;
use crate::refused::Refused;

pub(crate) async fn handle(call: Call<GetTicks>) -> Result<Vec<Tick>, Refused> {
    let id = call.path.id();
    let known = call
        .app
        .hub
        .with_world(|world| world.version(&StreamId::Promotion(id.clone())))
        > 0;
    if !known {
        return Err(Refused::new(
            &entry::PROMOTION_UNKNOWN,
            format!("there is no promotion `{id}`"),
        ));
    }
    let (ticks, _) = call.app.hub.read(move |store| store.ticks(&id)).await?;
    Ok(ticks)
}
