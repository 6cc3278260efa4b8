//! `GET /api/v1/log/checkpoint`

use gateline_api::{Checkpoint, GetCheckpoint};

use crate::call::Call;
use crate::refused::Refused;

pub(crate) async fn handle(call: Call<GetCheckpoint>) -> Result<Checkpoint, Refused> {
    let head = call.app.hub.read(|store| store.head()).await?;
    Ok(Checkpoint {
        size: head.size,
        root: head.root.to_string(),
        at: head.at,
    })
}
