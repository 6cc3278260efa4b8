//! `GET /healthz`

use axum::response::{IntoResponse, Response};
use gateline_api::GetLiveness;

use crate::call::Call;
use crate::refused::Refused;

pub(crate) async fn handle(_: Call<GetLiveness>) -> Result<Response, Refused> {
    Ok("ok\n".into_response())
}
