//! `GET /metrics`

use axum::http::header;
use axum::response::{IntoResponse, Response};
use gateline_api::GetMetrics;

use crate::call::Call;
use crate::refused::Refused;

/// Media type: OpenMetrics 1.0.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(crate) async fn handle(call: Call<GetMetrics>) -> Result<Response, Refused> {
    Ok(([(header::CONTENT_TYPE, OPENMETRICS)], call.app.hub.metrics()).into_response())
}
