//! `PUT /api/v1/roles`

use std::sync::Arc;

use gateline_api::{ApplyRoles, Problem, RolesReply, entry};
use gateline_core::{Command, server_project};
use gateline_model::{Declared, OnCall, Roles};
use gateline_store::Blob;

use crate::authors;
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
    may_name_its_secrets(&call, &roles)?;
    let command = Command::ApplyRoles {
        roles: roles.clone(),
        source,
        written: authors::known(&call.app, file.written.clone()),
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

/// A source of who is on call is asked with a secret, at an address that the roles name: whoever writes roles of a project chooses
/// among the secrets that the server's file offers to projects, and no others. The server's own roles may name any.
fn may_name_its_secrets(call: &Call<ApplyRoles>, roles: &Roles) -> Result<(), Refused> {
    if roles.project == server_project() {
        return Ok(());
    }
    let secrets = &call.app.settings.file.secrets;
    for team in &roles.teams {
        let Some(OnCall::Source(source)) = &team.on_call else {
            continue;
        };
        if let Some(reference) = source
            .token
            .as_ref()
            .filter(|reference| !secrets.allows(reference))
        {
            let says = format!(
                "team `{}` asks with the secret `{reference}`, which this server does not offer to projects",
                team.name
            );
            let hint = "let `secrets` of the server's file name its folder or variable, or use one that is named there";
            return Err(Problem::coded("roles.secret", 422, "The request is wrong", says, hint).into());
        }
    }
    Ok(())
}
