//! `GET /api/v1/sessions`

use gateline_api::{ListSessions, SessionView};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<ListSessions>) -> Result<Vec<SessionView>, Refused> {
    views::sessions(&call.app.hub, call.caller()?).await
}
