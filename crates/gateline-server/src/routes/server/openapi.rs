//! `GET /api/openapi.json`

use std::sync::LazyLock;

use gateline_api::GetOpenapi;
use serde_json::Value;

use crate::call::Call;
use crate::refused::Refused;

static DOCUMENT: LazyLock<Value> = LazyLock::new(gateline_api::openapi);

pub(crate) async fn handle(_: Call<GetOpenapi>) -> Result<Value, Refused> {
    Ok(DOCUMENT.clone())
}
