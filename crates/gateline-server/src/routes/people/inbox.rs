//! `GET /api/v1/inbox`

use gateline_api::{GetInbox, InboxItem, Page};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<GetInbox>) -> Result<Page<InboxItem>, Refused> {
    let actor = call.actor()?;
    views::inbox(&call.app.hub, &actor.id, &call.query)
}
