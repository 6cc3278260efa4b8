//! `POST /api/v1/proposals/{project}/{number}/reject`

use gateline_api::{ProposalView, RejectProposal};
use gateline_core::Command;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<RejectProposal>) -> Result<ProposalView, Refused> {
    let proposal = call.path.id();
    let command = Command::RejectProposal {
        proposal: proposal.clone(),
        question: call.body.question,
        reason: call.body.reason.clone(),
    };
    call.submit(command).await?;
    views::proposal(&call.app.hub, &call.sight, &proposal).await
}
