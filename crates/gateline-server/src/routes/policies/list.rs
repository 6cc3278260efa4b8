//! `GET /api/v1/policies`

use gateline_api::{ListPolicies, PolicyBrief};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<ListPolicies>) -> Result<Vec<PolicyBrief>, Refused> {
    Ok(views::policies(&call.app.hub, &call.sight, &call.query))
}
