//! `GET /api/v1/promotions/{project}/{pipeline}/{stage}/{number}/statement`

use gateline_api::{GetStatement, StatementReply};
use gateline_model::Answered;

use crate::call::Call;
use crate::refused::Refused;
use crate::signing;

pub(crate) async fn handle(call: Call<GetStatement>) -> Result<StatementReply, Refused> {
    let answered = Answered::Promotion(call.path.id());
    signing::to_be_signed(&call, &answered, &call.query)
}
