//! `GET /metrics`

use axum::http::header;
use axum::response::{IntoResponse, Response};
use gateline_api::{GetMetrics, OPENMETRICS_MEDIA};

use crate::call::Call;
use crate::refused::Refused;

pub(crate) async fn handle(call: Call<GetMetrics>) -> Result<Response, Refused> {
    Ok((
        [(header::CONTENT_TYPE, OPENMETRICS_MEDIA)],
        call.app.hub.metrics(),
    )
        .into_response())
}
