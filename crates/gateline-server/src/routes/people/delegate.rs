//! `POST /api/v1/projects/{project}/delegations`

use gateline_api::{Delegate, DelegateRequest, DelegationView};
use gateline_core::Command;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<Delegate>) -> Result<Vec<DelegationView>, Refused> {
    let project = call.path.project.clone();
    let DelegateRequest {
        to,
        team,
        from,
        until,
        reason,
    } = call.body.clone();
    call.submit(Command::Delegate {
        project: project.clone(),
        to,
        team,
        from,
        until,
        reason,
    })
    .await?;
    Ok(views::delegations(&call.app.hub, &project))
}
