//! `POST /api/v1/proposals/{project}/{number}/withdraw`

use gateline_api::{ProposalView, WithdrawProposal};
use gateline_core::Command;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<WithdrawProposal>) -> Result<ProposalView, Refused> {
    let proposal = call.path.id();
    let command = Command::WithdrawProposal {
        proposal: proposal.clone(),
        reason: call.body.reason.clone(),
    };
    call.submit(command).await?;
    views::proposal(&call.app.hub, &call.sight, &proposal).await
}
