//! `GET /api/v1/promotions/{project}/{pipeline}/{stage}/{number}/signatures`

use gateline_api::{ListSignatures, SignatureView, entry};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<ListSignatures>) -> Result<Vec<SignatureView>, Refused> {
    let id = call.path.id();
    let stream = gateline_model::StreamId::Promotion(id.clone());
    let known = call.app.hub.with_world(|world| world.version(&stream) > 0);
    if !known {
        let says = format!("there is no promotion `{id}`");
        return Err(Refused::new(&entry::PROMOTION_UNKNOWN, says));
    }
    views::signatures(&call.app.hub, &id).await
}
