//! Quorums: a share of a team needs a team whose members are all known. Who is in it by a sign-in alone is known only once he
//! came, and a share of those who happened to come is none of the team.

use gateline_model::{GroupName, NewVersion, Pipeline, ProjectName, Roles, Who};

use super::server_project;
use crate::draft::Draft;
use crate::people::People;
use crate::rejection::Rejection;

/// Refuses a version of a pipeline or of roles with which a quorum would be one of people who are not all known.
pub(super) fn of_known_people(
    draft: &Draft<'_>,
    of: &ProjectName,
    new: &NewVersion,
) -> Result<(), Rejection> {
    match new {
        NewVersion::Pipeline { pipeline, .. } => {
            let people = People::read(draft, of);
            let by_sign_in = |team: &GroupName| people.roles().any(|roles| is_by_sign_in(roles, team));
            refused(pipeline, &by_sign_in)
        }
        NewVersion::Roles { roles, .. } => {
            let by_sign_in = |team: &GroupName| is_by_sign_in(roles, team);
            let everywhere = *of == server_project();
            let projects = draft.projects().filter(|(name, _)| everywhere || *name == of);
            let mut pipelines = projects.flat_map(|(_, project)| {
                let names = project.in_force.keys();
                names.filter_map(|name| project.pipeline(name))
            });
            pipelines.try_for_each(|pipeline| refused(pipeline, &by_sign_in))
        }
        NewVersion::Policy { .. } | NewVersion::Calendar { .. } | NewVersion::Notifications { .. } => Ok(()),
    }
}

fn is_by_sign_in(roles: &Roles, team: &GroupName) -> bool {
    roles.team(team).is_some_and(|team| !team.claims.is_empty())
}

fn refused(pipeline: &Pipeline, by_sign_in: &dyn Fn(&GroupName) -> bool) -> Result<(), Rejection> {
    for stage in &pipeline.stages {
        let layers = stage.approval.iter().flat_map(|rule| &rule.layers);
        let shares = layers.filter_map(|layer| Some((layer.quorum?, &layer.from)));
        for (share, from) in shares {
            let team = from.0.iter().find_map(|who| match who {
                Who::Team(team) => Some(team).filter(|team| by_sign_in(team)),
                Who::Actor(_) | Who::Owners => None,
            });
            if let Some(team) = team {
                return Err(Rejection::invalid(
                    "approval.quorum",
                    format!(
                        "stage `{}` of pipeline `{}` asks for {share} of `{team}`, whose members are only known once they sign in (`claims`)",
                        stage.name, pipeline.name
                    ),
                    "ask for a number of people with `count`, or name the members of the team",
                ));
            }
        }
    }
    Ok(())
}
