//! `GET /api/v1/releases/{release}/risk`

use gateline_api::{GetRisk, RiskView};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<GetRisk>) -> Result<RiskView, Refused> {
    views::risk(&call.app.hub, &call.sight, &call.path.release, &call.query.to)
}
