//! `GET /api/v1/projects/{project}/roles`

use gateline_api::{GetRoles, Named, RolesView};
use gateline_model::Declared;

use crate::call::Call;
use crate::refused::Refused;
use crate::seen::not_there;

pub(crate) async fn handle(call: Call<GetRoles>) -> Result<RolesView, Refused> {
    let project = &call.path.project;
    let roles = call
        .app
        .hub
        .with_world(|world| world.project(project).and_then(|state| state.roles.clone()));
    let roles = roles.ok_or_else(|| not_there(&Named::Declared(project.clone(), Declared::Roles)))?;
    Ok(RolesView {
        version: roles.version(),
        roles: (*roles).clone(),
    })
}
