//! Forms about proposals: what owners say, and what is taken back.

use gateline_api::ProposalPath;
use gateline_core::Command;
use gateline_model::Answered;

use super::{Act, Done, Fields, bad, done, no_such, submit};
use crate::refused::Refused;
use crate::ui::link;
use crate::ui::pages::proposal_again;
use crate::ui::visit::Visit;

/// Approves, rejects or withdraws, and leads back to the proposal.
pub(in crate::ui) async fn about_proposal(
    mut visit: Visit,
    act: Act,
    fields: Fields,
) -> Result<Done, Refused> {
    let path: ProposalPath = visit.path().await?;
    let became = match command(&path, act, &fields) {
        // What a passkey signed is verified first, and goes beside the answer.
        Ok(_) if act == Act::ApproveProposal && !fields.signed.is_empty() => {
            super::keys::approve(&visit, &Answered::Proposal(path.id()), &fields).await
        }
        Ok(command) => submit(&visit, &fields, command).await,
        Err(refused) => Err(refused),
    };
    let page = became.map(|_| link::proposal(&path.id()));
    done(act, fields, page, async |tried| {
        proposal_again(&visit, &path, Some(tried)).await
    })
    .await
}

fn command(path: &ProposalPath, act: Act, fields: &Fields) -> Result<Command, Refused> {
    let proposal = path.id();
    let reason = fields.reason.trim().to_owned();
    // A form always says which question was seen: an answer to another one is refused.
    Ok(match act {
        Act::ApproveProposal => Command::ApproveProposal {
            proposal,
            question: Some(fields.question.parse().map_err(bad)?),
            comment: (!reason.is_empty()).then_some(reason),
            signed: None,
        },
        Act::RejectProposal => Command::RejectProposal {
            proposal,
            question: Some(fields.question.parse().map_err(bad)?),
            reason,
        },
        Act::WithdrawProposal => Command::WithdrawProposal { proposal, reason },
        _ => return Err(no_such(act, "proposal")),
    })
}
