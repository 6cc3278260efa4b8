//! `GET /api/v1/whoami`

use gateline_api::{TeamsIn, WhoAmI, WhoAmIView};
use gateline_core::{Credential, People};
use jiff::Timestamp;

use crate::call::Call;
use crate::refused::Refused;

pub(crate) async fn handle(call: Call<WhoAmI>) -> Result<WhoAmIView, Refused> {
    let actor = call.actor()?;
    let now = Timestamp::now();
    let mut teams: Vec<TeamsIn> = call.app.hub.with_world(|world| {
        let in_project = |(project, _): (&gateline_model::ProjectName, _)| TeamsIn {
            project: project.clone(),
            teams: People::of(world, project, now).teams_of(&actor.id),
        };
        let seen = world
            .projects()
            .filter(|(project, _)| call.sight.sees_project(project));
        seen.map(in_project).collect()
    });
    teams.retain(|one| !one.teams.is_empty());
    teams.sort_by(|a, b| a.project.cmp(&b.project));
    let scopes = match actor.shown {
        Credential::Token(scopes) => Some(scopes),
        Credential::Session | Credential::Gateline => None,
    };
    Ok(WhoAmIView {
        actor: actor.id,
        scopes,
        teams,
    })
}
