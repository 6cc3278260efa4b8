//! Who may do what where: roles, teams, owners and machines as they are in force in a project, and what they let one person do.

use std::sync::Arc;

use gateline_api::TokenView;
use gateline_core::authority::{Object, may, verb};
use gateline_core::{Actor, Credential, People, Sight, server_project};
use gateline_model::{ActorId, Digest, GroupName, OnCall, ProjectName, Roles, Rota, Scope, Span};
use jiff::Timestamp;

use crate::hub::Hub;

/// The people of a project at a moment.
pub(crate) struct PeopleView {
    pub(crate) project: ProjectName,
    /// The documents that hold there: the project's own before the server's.
    pub(crate) documents: Vec<Arc<Roles>>,
    /// Every team of them, with who is known to be in it now.
    pub(crate) teams: Vec<TeamNow>,
    /// The tokens, where the one who looks may administer the server.
    pub(crate) tokens: Option<Vec<TokenView>>,
}

/// A team as it is now.
pub(crate) struct TeamNow {
    pub(crate) of: ProjectName,
    pub(crate) name: GroupName,
    /// Everybody who is known to be in it.
    pub(crate) members: Vec<ActorId>,
    /// Groups of sign-ins whose people are in it.
    pub(crate) claims: Vec<String>,
    pub(crate) on_call: Option<OnCallNow>,
}

/// Who is on call, and who is next where that is written down.
pub(crate) struct OnCallNow {
    /// Who, or why nobody knows: then nobody is.
    pub(crate) now: Result<Vec<ActorId>, String>,
    /// Since when a source says so.
    pub(crate) since: Option<Timestamp>,
    /// When somebody else has the rota, and who.
    pub(crate) next: Option<(Timestamp, Option<ActorId>)>,
    /// The host that is asked, and how often.
    pub(crate) source: Option<(String, Span)>,
}

/// What somebody may do in a project as a whole, verb by verb, and why or why not.
pub(crate) struct MayView {
    pub(crate) verb: &'static str,
    pub(crate) may: bool,
    pub(crate) because: String,
}

/// The projects that have a document, a pipeline or a policy, by name.
pub(crate) fn project_names(hub: &Hub, sight: &Sight) -> Vec<ProjectName> {
    let mut found: Vec<ProjectName> =
        hub.with_world(|world| world.projects().map(|(name, _)| name.clone()).collect());
    found.retain(|name| sight.sees_project(name));
    found.sort();
    found
}

/// The version of the roles in force of each project, or of one.
pub(crate) fn roles_in_force(
    hub: &Hub,
    sight: &Sight,
    only: Option<&ProjectName>,
) -> Vec<(ProjectName, Digest)> {
    let mut found: Vec<(ProjectName, Digest)> = hub.with_world(|world| {
        let projects = world
            .projects()
            .filter(|(name, _)| only.is_none_or(|only| only == *name) && sight.sees_project(name));
        let declared =
            projects.filter_map(|(name, project)| Some((name.clone(), project.roles.as_ref()?.version())));
        declared.collect()
    });
    found.sort();
    found
}

/// The people of a project now.
pub(crate) fn people_of(hub: &Hub, project: &ProjectName, looks: &Actor, now: Timestamp) -> PeopleView {
    let tokens = administers(hub, looks, now).then(|| super::tokens(hub));
    hub.with_world(|world| {
        let people = People::of(world, project, now);
        let mut documents: Vec<Arc<Roles>> = people.roles().cloned().collect();
        documents.dedup_by(|a, b| a.project == b.project);
        let teams = documents.iter().flat_map(|roles| {
            let people = &people;
            roles.teams.iter().map(move |team| TeamNow {
                of: roles.project.clone(),
                name: team.name.clone(),
                members: people.members(&team.name),
                claims: team.claims.clone(),
                on_call: team
                    .on_call
                    .as_ref()
                    .map(|declared| on_call(people, roles, &team.name, declared, now)),
            })
        });
        PeopleView {
            project: project.clone(),
            teams: teams.collect(),
            documents: documents.clone(),
            tokens,
        }
    })
}

fn on_call(people: &People, roles: &Roles, team: &GroupName, declared: &OnCall, now: Timestamp) -> OnCallNow {
    let known = people.on_call_in(&roles.project, team);
    let since = known.as_ref().ok().and_then(|(_, since)| *since);
    let next = |rota: &Rota| rota.changes_at(now).map(|at| (at, rota.at(at).cloned()));
    let (next, source) = match declared {
        OnCall::Rota(rota) => (next(rota), None),
        OnCall::Source(source) => (None, Some((host(&source.http), source.every))),
    };
    OnCallNow {
        now: known.map(|(who, _)| who),
        since,
        next,
        source,
    }
}

/// The host of an address: what stands behind it may be a secret.
fn host(address: &str) -> String {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned()
}

/// Whether somebody may administer the server, and so may see its tokens.
fn administers(hub: &Hub, actor: &Actor, now: Timestamp) -> bool {
    let server = Object::project(&server_project());
    hub.with_world(|world| may(world, actor, Scope::Admin, &server, now).is_ok())
}

/// What a person who signed in may do in a project: the same answer as `gateline can`.
pub(crate) fn may_of(hub: &Hub, project: &ProjectName, who: &ActorId, now: Timestamp) -> Vec<MayView> {
    let actor = Actor {
        id: who.clone(),
        name: None,
        shown: Credential::Session,
    };
    let object = Object::project(project);
    hub.with_world(|world| {
        let answer = |scope: Scope| {
            let answer = may(world, &actor, scope, &object, now);
            MayView {
                verb: verb(scope),
                may: answer.is_ok(),
                because: answer.map_or_else(|denied| denied.to_string(), |right| right.to_string()),
            }
        };
        Scope::ALL.into_iter().map(answer).collect()
    })
}

/// The teams that somebody is in now.
pub(crate) fn teams_of(hub: &Hub, project: &ProjectName, who: &ActorId, now: Timestamp) -> Vec<GroupName> {
    hub.with_world(|world| People::of(world, project, now).teams_of(who))
}
