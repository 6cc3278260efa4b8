//! `POST /api/v1/proposals/{project}/{number}/approve`

use gateline_api::{ApproveProposal, ProposalView};
use gateline_core::Command;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<ApproveProposal>) -> Result<ProposalView, Refused> {
    let proposal = call.path.id();
    let command = Command::ApproveProposal {
        proposal: proposal.clone(),
        question: call.body.question,
        comment: call.body.comment.clone(),
    };
    call.submit(command).await?;
    views::proposal(&call.app.hub, &call.sight, &proposal).await
}
