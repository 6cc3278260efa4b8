//! `GET /api/v1/keys`

use gateline_api::{KeyView, ListKeys};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<ListKeys>) -> Result<Vec<KeyView>, Refused> {
    Ok(views::keys(&call.app.hub, call.query.actor.as_ref()))
}
