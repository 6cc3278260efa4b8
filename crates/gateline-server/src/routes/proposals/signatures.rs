//! `GET /api/v1/proposals/{project}/{number}/signatures`

use gateline_api::{ListProposalSignatures, SignatureView};
use gateline_model::Answered;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<ListProposalSignatures>) -> Result<Vec<SignatureView>, Refused> {
    let id = call.path.id();
    // One that never was is not there.
    views::proposal(&call.app.hub, &call.sight, &id).await?;
    views::signatures(&call.app.hub, Answered::Proposal(id)).await
}
