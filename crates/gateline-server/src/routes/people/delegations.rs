//! `GET /api/v1/projects/{project}/delegations`

use gateline_api::{DelegationView, ListDelegations};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<ListDelegations>) -> Result<Vec<DelegationView>, Refused> {
    Ok(views::delegations(&call.app.hub, &call.path.project))
}
