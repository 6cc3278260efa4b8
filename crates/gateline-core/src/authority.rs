//! Authority: may this actor do that to this object, by which right; or why not, and who may. The one rule below every
//! transport: `decide` asks it for every command, routes for what they show, and `gateline can` prints what it says.

use gateline_model::{ActorId, GroupName, PipelineName, ProjectName, Scope, StageName, StageRef, Who};
use jiff::Timestamp;

use crate::command::{Actor, Credential};
use crate::decide::server_project;
use crate::people::People;
use crate::sight;
use crate::world::World;

/// What is done something to: a project, or a pipeline or stage in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The project.
    pub project: ProjectName,
    /// The pipeline, where only one is concerned.
    pub pipeline: Option<PipelineName>,
    /// The stage, where only one is concerned.
    pub stage: Option<StageName>,
}

impl Object {
    /// A whole project.
    pub fn project(project: &ProjectName) -> Self {
        Self {
            project: project.clone(),
            pipeline: None,
            stage: None,
        }
    }

    /// One pipeline.
    pub fn pipeline(of: &gateline_model::PipelineRef) -> Self {
        Self {
            pipeline: Some(of.pipeline.clone()),
            ..Self::project(&of.project)
        }
    }

    /// One stage.
    pub fn stage(stage: &StageRef) -> Self {
        Self {
            project: stage.project.clone(),
            pipeline: Some(stage.pipeline.clone()),
            stage: Some(stage.stage.clone()),
        }
    }
}

impl std::fmt::Display for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.project)?;
        let pipeline = self.pipeline.as_ref().map(PipelineName::as_str);
        let stage = self.stage.as_ref().map(StageName::as_str);
        for part in [pipeline, stage].into_iter().flatten() {
            write!(f, "/{part}")?;
        }
        Ok(())
    }
}

/// Why an actor may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Right {
    /// It is Gateline itself, which reports what it was planned to do.
    Gateline,
    /// Everybody who was let in may look: no role there gives `read`.
    Everybody,
    /// The actor is asked there, or owns the rules.
    Asked,
    /// The token administers the server.
    AdminToken,
    /// No roles are declared here: the token's scope is enough.
    Token,
    /// A role permits it.
    Role {
        /// The project whose roles say so.
        of: ProjectName,
        /// The role.
        role: GroupName,
        /// The team by which the actor has it; none where the actor is named.
        team: Option<GroupName>,
    },
    /// Layers ask, and the actor's scope lets it answer: who may is the layer's to say.
    Layer,
}

impl std::fmt::Display for Right {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Right::Gateline => f.write_str("it is Gateline itself"),
            Right::Everybody => f.write_str("everybody who was let in may look: no role there gives `read`"),
            Right::Asked => f.write_str("as one who is asked there"),
            Right::AdminToken => f.write_str("by a token with the scope `admin`"),
            Right::Token => f.write_str("by the scope of the token; no roles are declared here"),
            Right::Role {
                of,
                role,
                team: Some(team),
            } => write!(f, "by role `{role}` of `{of}`, as one of team `{team}`"),
            Right::Role { of, role, team: None } => write!(f, "by role `{role}` of `{of}`, by name"),
            Right::Layer => f.write_str("where a layer asks the actor"),
        }
    }
}

/// Why an actor may not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// What was shown does not reach that far.
    #[error("the token lacks the scope `{}`", .0.word())]
    Scope(Scope),
    /// Nobody but the holders of admin tokens may, as no roles are declared.
    #[error("no roles are declared for `{0}`, so that only tokens may act there")]
    NoRoles(ProjectName),
    /// Reading is limited there, and the actor has no right of any kind: nothing more is said.
    #[error("no role lets `{actor}` {} in `{object}`{}", verb(*.scope), nor_read(*.scope))]
    Unseen {
        /// Who asked.
        actor: ActorId,
        /// For what.
        scope: Scope,
        /// On what.
        object: Object,
    },
    /// No role permits it.
    #[error("no role lets `{actor}` {} in `{object}`; {}{}", verb(*.scope), who_may(.roles), also(.unknown))]
    NoRole {
        /// Who asked.
        actor: ActorId,
        /// For what.
        scope: Scope,
        /// On what.
        object: Object,
        /// The roles that permit it, with who has them.
        roles: Vec<String>,
        /// Of which teams with these roles it is not known who is on call, and why.
        unknown: Vec<String>,
    },
}

impl Denied {
    /// The same of another verb, where what is denied is to look.
    fn of(self, asked: Scope) -> Self {
        match self {
            Denied::Unseen { actor, object, .. } => Denied::Unseen {
                actor,
                scope: asked,
                object,
            },
            Denied::Scope(_) | Denied::NoRoles(_) | Denied::NoRole { .. } => self,
        }
    }
}

/// What a scope lets somebody do, as a verb.
pub fn verb(scope: Scope) -> &'static str {
    match scope {
        Scope::Admin => "administer, and apply roles",
        Scope::Read => "read",
        Scope::Register => "register releases",
        Scope::SubmitEvidence => "submit evidence",
        Scope::Promote => "promote",
        Scope::Approve => "approve",
        Scope::Waive => "waive findings",
        Scope::Override => "override gates",
        Scope::Freeze => "freeze",
        Scope::Incident => "open and close incidents",
        Scope::Apply => "apply pipelines, policies, calendars and notifications",
    }
}

fn nor_read(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "",
        Scope::Admin
        | Scope::Register
        | Scope::SubmitEvidence
        | Scope::Promote
        | Scope::Approve
        | Scope::Waive
        | Scope::Override
        | Scope::Freeze
        | Scope::Incident
        | Scope::Apply => ", nor read there",
    }
}

fn who_may(roles: &[String]) -> String {
    if roles.is_empty() {
        return "no role there does".to_owned();
    }
    format!("those with {} may", roles.join(", or "))
}

fn also(sentences: &[String]) -> String {
    sentences.iter().map(|sentence| format!("; {sentence}")).collect()
}

/// Whether an actor may do something to an object now, and why.
///
/// # Errors
/// [`Denied`] with the reason, and who may.
pub fn may(
    world: &World,
    actor: &Actor,
    scope: Scope,
    object: &Object,
    now: Timestamp,
) -> Result<Right, Denied> {
    by_people(
        world,
        &People::of(world, &object.project, now),
        actor,
        scope,
        object,
    )
}

/// Whether everything is seen by what was shown, whatever roles say.
pub(crate) fn sees_all(actor: &Actor) -> bool {
    match &actor.shown {
        Credential::Gateline => true,
        Credential::Token(scopes) => scopes.contains(&Scope::Admin),
        Credential::Session => false,
    }
}

/// Whether an actor may look at an object: everybody where reading is not limited, else those who have some right there.
fn read(world: &World, people: &People, actor: &Actor, object: &Object) -> Result<Right, Denied> {
    if !sight::is_limited(people) {
        return Ok(Right::Everybody);
    }
    let mut seen = sight::parts(world, people, &object.project, &actor.id).into_iter();
    let part = seen.find(|part| part.touches(object));
    part.map(|part| part.by).ok_or_else(|| Denied::Unseen {
        actor: actor.id.clone(),
        scope: Scope::Read,
        object: object.clone(),
    })
}

pub(crate) fn by_people(
    world: &World,
    people: &People,
    actor: &Actor,
    scope: Scope,
    object: &Object,
) -> Result<Right, Denied> {
    match &actor.shown {
        Credential::Gateline => return Ok(Right::Gateline),
        Credential::Token(scopes) if scopes.contains(&Scope::Admin) => return Ok(Right::AdminToken),
        Credential::Token(scopes) if scope != Scope::Read && !scopes.contains(&scope) => {
            return Err(Denied::Scope(scope));
        }
        Credential::Token(_) | Credential::Session => {}
    }
    match scope {
        Scope::Read => return read(world, people, actor, object),
        // What is not seen is not answered. Keys and the like are everybody's own, wherever the server's roles limit reading.
        Scope::Approve if object.project == server_project() => return Ok(Right::Layer),
        Scope::Approve => {
            let seen = read(world, people, actor, object);
            return seen.map(|_| Right::Layer).map_err(|denied| denied.of(scope));
        }
        Scope::Admin
        | Scope::Register
        | Scope::SubmitEvidence
        | Scope::Promote
        | Scope::Waive
        | Scope::Override
        | Scope::Freeze
        | Scope::Incident
        | Scope::Apply => {}
    }
    let mut permitting = Vec::new();
    let mut their_teams = Vec::new();
    let mut declared = false;
    for roles in people.roles() {
        declared |= !roles.roles.is_empty();
        for role in &roles.roles {
            let reaches = role.may.contains(&scope) || role.may.contains(&Scope::Admin);
            if !reaches
                || !covers(&role.pipelines, object.pipeline.as_ref())
                || !covers(&role.stages, object.stage.as_ref())
            {
                continue;
            }
            let right = |team| Right::Role {
                of: roles.project.clone(),
                role: role.name.clone(),
                team,
            };
            if role.actors.contains(&actor.id) {
                return Ok(right(None));
            }
            if let Some(team) = role.teams.iter().find(|team| people.is_in(&actor.id, team)) {
                return Ok(right(Some(team.clone())));
            }
            permitting.push(format!("role `{}`", role.name));
            their_teams.extend(&role.teams);
        }
    }
    if declared {
        read(world, people, actor, object).map_err(|denied| denied.of(scope))?;
    }
    match &actor.shown {
        Credential::Token(_) if !declared => Ok(Right::Token),
        _ if !declared => Err(Denied::NoRoles(object.project.clone())),
        _ => Err(Denied::NoRole {
            actor: actor.id.clone(),
            scope,
            object: object.clone(),
            roles: permitting,
            unknown: people.on_call_unknown(their_teams),
        }),
    }
}

/// Whether somebody who was let do something lasting has the right to it yet: by a role, or by a token that administers.
/// Where no roles are declared it was a token's scope, which was looked at when it was shown.
pub(crate) fn still_may(
    world: &World,
    people: &People,
    actor: &ActorId,
    scope: Scope,
    object: &Object,
) -> bool {
    let as_person = Actor {
        id: actor.clone(),
        name: None,
        shown: Credential::Session,
    };
    match by_people(world, people, &as_person, scope, object) {
        Ok(_) | Err(Denied::NoRoles(_)) => true,
        Err(Denied::Scope(_) | Denied::Unseen { .. } | Denied::NoRole { .. }) => people.administers(actor),
    }
}

/// Whether a role that is limited to some names covers what is done: the whole needs a role without limits.
fn covers<N: PartialEq>(names: &[N], name: Option<&N>) -> bool {
    names.is_empty() || name.is_some_and(|name| names.contains(name))
}

/// The layers of a stage's rules that would ask an actor, as `WHO` words.
pub fn layers_that_ask(people: &People, actor: &ActorId, stage: &gateline_model::Stage) -> Vec<Who> {
    let asked = stage
        .approval
        .iter()
        .flat_map(|rule| &rule.layers)
        .flat_map(|layer| &layer.from.0);
    let mut found: Vec<Who> = asked
        .filter(|who| people.is_asked(actor, who, &[]))
        .cloned()
        .collect();
    found.sort();
    found.dedup();
    found
}

/// Why nobody is on call in teams that a stage's layers ask, where that could not be found out.
pub fn layers_unknown(people: &People, stage: &gateline_model::Stage) -> Vec<String> {
    let layers = stage.approval.iter().flat_map(|rule| &rule.layers);
    let asked: Vec<Who> = layers.flat_map(|layer| layer.from.0.iter().cloned()).collect();
    people.on_call_unknown(&people.teams_asked(&asked, &[]))
}
