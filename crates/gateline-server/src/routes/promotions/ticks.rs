//! `GET /api/v1/promotions/{project}/{pipeline}/{stage}/{number}/ticks`

use gateline_api::{GetTicks, Named};
use gateline_model::{StreamId, Tick};

use crate::call::Call;
use crate::refused::Refused;
use crate::seen::not_there;

pub(crate) async fn handle(call: Call<GetTicks>) -> Result<Vec<Tick>, Refused> {
    let id = call.path.id();
    let known = call
        .app
        .hub
        .with_world(|world| world.version(&StreamId::Promotion(id.clone())))
        > 0;
    if !known {
        return Err(not_there(&Named::Promotion(id)));
    }
    let (ticks, _) = call.app.hub.read(move |store| store.ticks(&id)).await?;
    Ok(ticks)
}
