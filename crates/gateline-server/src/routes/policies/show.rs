//! `GET /api/v1/policies/{project}/{policy}`

use gateline_api::{GetPolicy, PolicyView};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<GetPolicy>) -> Result<PolicyView, Refused> {
    views::policy(&call.app.hub, &call.path).await
}
