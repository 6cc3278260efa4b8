//! `GET /api/v1/keys`

use gateline_api::{KeyView, ListKeys};
use gateline_core::server_project;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<ListKeys>) -> Result<Vec<KeyView>, Refused> {
    let mut keys = views::keys(&call.app.hub, call.query.actor.as_ref());
    // Keys are the server's: whoever may not read there sees the own ones.
    if !call.sight.sees_project(&server_project()) {
        let own = call.actor()?.id;
        keys.retain(|key| key.actor == own);
    }
    Ok(keys)
}
