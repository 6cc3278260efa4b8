//! `PUT /api/v1/notifications`

use std::sync::Arc;

use gateline_api::{ApplyNotifications, NotificationsReply, entry};
use gateline_core::Command;
use gateline_model::Declared;
use gateline_store::Blob;

use crate::authors;
use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<ApplyNotifications>) -> Result<NotificationsReply, Refused> {
    let file = &call.body;
    let read = gateline_spec::read_notifications(&file.file_name, &file.text)
        .map_err(|found| views::refused_file(&file.file_name, &found))?;
    let kept = Blob::of(file.text.as_bytes()).map_err(|err| Refused::new(&entry::BODY, err.to_string()))?;
    let source = kept.digest();
    let notifications = Arc::new(read.notifications);
    let command = Command::ApplyNotifications {
        notifications: notifications.clone(),
        source,
        written: authors::known(&call.app, file.written.clone()),
    };
    let receipt = call.submit_with(command, vec![Arc::new(kept)]).await?;
    let (project, version) = (&notifications.project, notifications.version());
    let proposed = views::proposed(&call.app.hub, project, &Declared::Notifications, version).await?;
    Ok(NotificationsReply {
        project: notifications.project.clone(),
        version,
        changed: !receipt.events.is_empty() && proposed.is_none(),
        proposed,
        warnings: views::findings(&read.warnings),
    })
}
