//! `GET /api/v1/inbox/rollouts`

use gateline_api::{GetInboxRollouts, StandingRollout};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<GetInboxRollouts>) -> Result<Vec<StandingRollout>, Refused> {
    let actor = call.actor()?;
    views::inbox_rollouts(&call.app.hub, &actor, call.query.project.as_ref()).await
}
