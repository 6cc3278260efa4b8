//! `POST /api/v1/sessions/end`

use gateline_api::{EndSessions, SessionView};

use crate::auth::{By, end_others};
use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<EndSessions>) -> Result<Vec<SessionView>, Refused> {
    let caller = call.caller()?;
    let kept = match &caller.by {
        By::Session(id) => Some(*id),
        By::Token(_) | By::Signed => None,
    };
    end_others(&call.app, &caller.actor.id, kept).await?;
    views::sessions(&call.app.hub, caller).await
}
