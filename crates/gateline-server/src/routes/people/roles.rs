//! `GET /api/v1/projects/{project}/roles`

use gateline_api::{GetRoles, RolesView, entry};

use crate::call::Call;
use crate::refused::Refused;

pub(crate) async fn handle(call: Call<GetRoles>) -> Result<RolesView, Refused> {
    let project = &call.path.project;
    let roles = call
        .app
        .hub
        .with_world(|world| world.project(project).and_then(|state| state.roles.clone()));
    let roles = roles
        .ok_or_else(|| Refused::new(&entry::ROLES_UNKNOWN, format!("project `{project}` has no roles")))?;
    Ok(RolesView {
        version: roles.version(),
        roles: (*roles).clone(),
    })
}
