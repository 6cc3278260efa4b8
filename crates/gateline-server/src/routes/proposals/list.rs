//! `GET /api/v1/proposals`

use gateline_api::{ListProposals, ProposalView};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<ListProposals>) -> Result<Vec<ProposalView>, Refused> {
    views::proposals(&call.app.hub, &call.sight, call.query.project.as_ref()).await
}
