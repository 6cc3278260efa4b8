//! `POST /api/v1/projects/{project}/delegations/end`

use gateline_api::{DelegationView, EndDelegation, EndDelegationRequest};
use gateline_core::Command;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<EndDelegation>) -> Result<Vec<DelegationView>, Refused> {
    let project = call.path.project.clone();
    let EndDelegationRequest { by, to } = call.body.clone();
    let by = match by {
        Some(by) => by,
        None => call.actor()?.id,
    };
    call.submit(Command::EndDelegation {
        project: project.clone(),
        by,
        to,
    })
    .await?;
    Ok(views::delegations(&call.app.hub, &project))
}
