//! `GET /api/v1/projects/{project}/notifications`

use gateline_api::{GetNotifications, NotificationsView};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<GetNotifications>) -> Result<NotificationsView, Refused> {
    views::notifications(&call.app.hub, &call.path.project)
}
