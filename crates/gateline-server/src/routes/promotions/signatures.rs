//! `GET /api/v1/promotions/{project}/{pipeline}/{stage}/{number}/signatures`

use gateline_api::{ListSignatures, Named, SignatureView};

use gateline_model::Answered;

use crate::call::Call;
use crate::refused::Refused;
use crate::seen::not_there;
use crate::views;

pub(crate) async fn handle(call: Call<ListSignatures>) -> Result<Vec<SignatureView>, Refused> {
    let id = call.path.id();
    let stream = gateline_model::StreamId::Promotion(id.clone());
    let known = call.app.hub.with_world(|world| world.version(&stream) > 0);
    if !known {
        return Err(not_there(&Named::Promotion(id)));
    }
    views::signatures(&call.app.hub, Answered::Promotion(id)).await
}
