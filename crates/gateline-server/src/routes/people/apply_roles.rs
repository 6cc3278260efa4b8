//! `PUT /api/v1/roles`

use std::sync::Arc;

use gateline_api::{ApplyRoles, RolesReply, entry};
use gateline_core::Command;
use gateline_model::Declared;
use gateline_store::Blob;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<ApplyRoles>) -> Result<RolesReply, Refused> {
    let file = &call.body;
    let read = gateline_spec::read_roles(&file.file_name, &file.text)
        .map_err(|found| views::refused_file(&file.file_name, &found))?;
    let kept = Blob::of(file.text.as_bytes()).map_err(|err| Refused::new(&entry::BODY, err.to_string()))?;
    let source = kept.digest();
    let roles = Arc::new(read.roles);
    let command = Command::ApplyRoles {
        roles: roles.clone(),
        source,
        written: file.written.clone(),
    };
    let receipt = call.submit_with(command, vec![Arc::new(kept)]).await?;
    let version = roles.version();
    let proposed = views::proposed(&call.app.hub, &roles.project, &Declared::Roles, version).await?;
    Ok(RolesReply {
        project: roles.project.clone(),
        version,
        changed: !receipt.events.is_empty() && proposed.is_none(),
        proposed,
        warnings: views::findings(&read.warnings),
    })
}
