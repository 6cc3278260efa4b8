//! `GET /api/v1/proposals/{project}/{number}/statement`

use gateline_api::{GetProposalStatement, StatementReply};
use gateline_model::Answered;

use crate::call::Call;
use crate::refused::Refused;
use crate::signing;

pub(crate) async fn handle(call: Call<GetProposalStatement>) -> Result<StatementReply, Refused> {
    let answered = Answered::Proposal(call.path.id());
    signing::to_be_signed(&call, &answered, &call.query)
}
