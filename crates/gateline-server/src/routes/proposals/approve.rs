//! `POST /api/v1/proposals/{project}/{number}/approve`

use gateline_api::{ApproveProposal, ProposalAnswer, ProposalView};
use gateline_core::Command;
use gateline_model::{Answer, Answered};

use crate::call::Call;
use crate::refused::Refused;
use crate::{signing, views};

pub(crate) async fn handle(call: Call<ApproveProposal>) -> Result<ProposalView, Refused> {
    let proposal = call.path.id();
    let ProposalAnswer {
        question,
        comment,
        signed,
    } = call.body.clone();
    let answered = Answered::Proposal(proposal.clone());
    let answer = (Answer::Approve, comment.as_deref().unwrap_or_default());
    let signed = signing::of_call(&call, &answered, answer, signed.as_ref()).await?;
    let (signed, signed_to, kept) = signing::parts(signed);
    let command = Command::ApproveProposal {
        proposal: proposal.clone(),
        question: question.or(signed_to),
        comment,
        signed,
    };
    call.submit_with(command, kept).await?;
    views::proposal(&call.app.hub, &call.sight, &proposal).await
}
