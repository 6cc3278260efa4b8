//! `GET /readyz`

use axum::response::{IntoResponse, Response};
use gateline_api::{GetReadiness, entry};

use crate::call::Call;
use crate::refused::Refused;

pub(crate) async fn handle(call: Call<GetReadiness>) -> Result<Response, Refused> {
    match call.app.hub.ready() {
        Ok(()) => Ok("ready\n".into_response()),
        Err(why) => Err(Refused::new(&entry::UNAVAILABLE, why)),
    }
}
