//! Sight: what an actor may read. A project is open to everybody who was let in until a role there gives `read`; then it is
//! seen by those with any role there, and by those who are asked there. Knows no route: it says what is seen, not how.

use std::collections::{BTreeSet, HashMap};

use gateline_model::{
    ActorId, Asked, Event, GroupName, Incident, NewVersion, PipelineName, PipelineRef, ProjectName, Recorded,
    ReleaseId, Roles, Scope, Stage, StageName, StageRef, StreamId, Who,
};
use jiff::Timestamp;

use crate::authority::{self, Object, Right};
use crate::command::Actor;
use crate::decide::server_project;
use crate::people::People;
use crate::world::World;

/// What an actor may read at a moment. Lists are filtered by it; what it does not see is answered as if it were not there.
#[derive(Debug, Clone, Default)]
pub struct Sight {
    /// What is seen of each project in which not everything is.
    limited: HashMap<ProjectName, Vec<Part>>,
    /// What is seen of a project that is not there yet.
    elsewhere: Seen,
}

/// What is seen of one project.
#[derive(Debug, Clone)]
enum Seen {
    All,
    Parts(Vec<Part>),
}

impl Default for Seen {
    /// Nothing.
    fn default() -> Self {
        Seen::Parts(Vec::new())
    }
}

/// A part of a project, and by which right it is seen. Where no pipeline or stage is named, it is every one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pipelines: Vec<PipelineName>,
    stages: Vec<StageName>,
    pub(crate) by: Right,
}

impl Part {
    /// Whether an object is in it, or has it in itself: who sees one stage sees what holds for the whole pipeline, too.
    pub(crate) fn touches(&self, object: &Object) -> bool {
        fn meets<N: PartialEq>(names: &[N], name: Option<&N>) -> bool {
            names.is_empty() || name.is_none_or(|name| names.contains(name))
        }
        meets(&self.pipelines, object.pipeline.as_ref()) && meets(&self.stages, object.stage.as_ref())
    }
}

impl Sight {
    /// Everything, as Gateline itself sees it.
    pub fn all() -> Self {
        Self {
            limited: HashMap::new(),
            elsewhere: Seen::All,
        }
    }

    /// Nothing, as who was not let in sees it.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// What an actor may read now.
    pub fn of(world: &World, actor: &Actor, now: Timestamp) -> Self {
        if authority::sees_all(actor) {
            return Self::all();
        }
        let server = world.project(&server_project());
        let closed = server.is_some_and(|server| gives_read(server.roles.as_deref()));
        let part_of = |name: &ProjectName| parts(world, &People::of(world, name, now), name, &actor.id);
        let limited = world
            .projects()
            .filter(|(_, state)| closed || gives_read(state.roles.as_deref()))
            .map(|(name, _)| (name.clone(), part_of(name)))
            .collect();
        let elsewhere = match closed {
            true => Seen::Parts(parts_by_role(&People::of_server(world, now), &actor.id)),
            false => Seen::All,
        };
        Self { limited, elsewhere }
    }

    /// Whether an object is seen.
    pub fn sees(&self, object: &Object) -> bool {
        let parts = match (self.limited.get(&object.project), &self.elsewhere) {
            (Some(parts), _) | (None, Seen::Parts(parts)) => parts,
            (None, Seen::All) => return true,
        };
        parts.iter().any(|part| part.touches(object))
    }

    /// Whether anything of a project is seen.
    pub fn sees_project(&self, project: &ProjectName) -> bool {
        self.sees(&Object::project(project))
    }

    /// Whether a pipeline is seen.
    pub fn sees_pipeline(&self, of: &PipelineRef) -> bool {
        self.sees(&Object::pipeline(of))
    }

    /// Whether a stage is seen, with the promotions into it.
    pub fn sees_stage(&self, stage: &StageRef) -> bool {
        self.sees(&Object::stage(stage))
    }

    /// Whether a release is seen: it is its pipeline's.
    pub fn sees_release(&self, world: &World, release: &ReleaseId) -> bool {
        match world.release(release) {
            Some(state) => self.sees_pipeline(&state.release.of),
            None => self.sees_everything(),
        }
    }

    /// Whether nothing is hidden.
    pub fn sees_everything(&self) -> bool {
        matches!(self.elsewhere, Seen::All) && self.limited.is_empty()
    }

    /// Whether something of a stream is seen.
    pub fn sees_stream(&self, world: &World, stream: &StreamId) -> bool {
        match stream {
            StreamId::Project(project) | StreamId::Notifications(project) | StreamId::Incidents(project) => {
                self.sees_project(project)
            }
            StreamId::Release(release) => self.sees_release(world, release),
            StreamId::Stage(stage) => self.sees_stage(stage),
            StreamId::Promotion(id) => self.sees_stage(&id.stage),
        }
    }

    /// Whether an event is seen: what a project's stream says of one pipeline is seen with that pipeline.
    pub fn sees_event(&self, world: &World, recorded: &Recorded) -> bool {
        if self.sees_everything() {
            return true;
        }
        let narrower = match (&recorded.stream, &recorded.event) {
            (StreamId::Project(project), event) => about(project, event),
            (StreamId::Notifications(_), Event::NotificationPlanned { notice, .. }) => {
                return self.sees_stream(world, &recorded.stream) && self.sees_stream(world, &notice.stream);
            }
            (StreamId::Incidents(project), event) => return self.sees_of_incidents(world, project, event),
            _ => None,
        };
        match narrower {
            Some(object) => self.sees(&object),
            None => self.sees_stream(world, &recorded.stream),
        }
    }
}

impl Sight {
    /// Whether an incident is seen: one that touches no stage with its project, another with all that it touches and suspects,
    /// for its sentence names them.
    pub fn sees_incident(&self, project: &ProjectName, incident: &Incident) -> bool {
        let sees = |stage: &StageRef| self.sees_stage(stage);
        self.sees_project(project)
            && incident.stages.iter().all(sees)
            && incident
                .suspects
                .iter()
                .all(|suspect| sees(&suspect.promotion.stage))
    }

    fn sees_of_incidents(&self, world: &World, project: &ProjectName, event: &Event) -> bool {
        let known = |number: &u64| {
            let noted = world.incidents(project).and_then(|state| state.get(*number));
            noted.is_some_and(|noted| self.sees_incident(project, &noted.incident))
        };
        match event {
            Event::IncidentOpened { incident } => self.sees_incident(project, incident),
            Event::SuspectLifted { number, .. } | Event::IncidentClosed { number, .. } => known(number),
            _ => self.sees_project(project),
        }
    }
}

/// What of a project an event of its stream is about, where that is not the whole.
fn about(project: &ProjectName, event: &Event) -> Option<Object> {
    let of = |pipeline: &PipelineName, stage: Option<&StageName>| Object {
        pipeline: Some(pipeline.clone()),
        stage: stage.cloned(),
        ..Object::project(project)
    };
    match event {
        Event::PipelineApplied { pipeline, .. } => Some(of(&pipeline.name, None)),
        Event::ReleaseNumbered { pipeline, .. } => Some(of(pipeline, None)),
        Event::WaiverGranted { waiver } => Some(of(&waiver.pipeline, waiver.stage.as_ref())),
        Event::FreezeDeclared { freeze } => freeze.pipeline.as_ref().map(Object::pipeline),
        Event::VersionProposed { proposal } => match &proposal.new {
            NewVersion::Pipeline { pipeline, .. } => Some(of(&pipeline.name, None)),
            NewVersion::Policy { .. }
            | NewVersion::Calendar { .. }
            | NewVersion::Notifications { .. }
            | NewVersion::Roles { .. } => None,
        },
        _ => None,
    }
}

/// Whether a document of roles limits reading: it does as soon as one of its roles gives `read`.
pub(crate) fn gives_read(roles: Option<&Roles>) -> bool {
    roles.is_some_and(|roles| roles.roles.iter().any(|role| role.may.contains(&Scope::Read)))
}

/// Whether reading is limited in a project: by its own roles, or by those of the server.
pub(crate) fn is_limited(people: &People) -> bool {
    people.roles().any(|roles| gives_read(Some(roles)))
}

/// What an actor sees of a project whose reading is limited: by roles, whatever they permit, and by being asked.
pub(crate) fn parts(world: &World, people: &People, project: &ProjectName, actor: &ActorId) -> Vec<Part> {
    let mut found = parts_by_role(people, actor);
    // Who sees it all needs no other right.
    if !found
        .iter()
        .any(|part| part.pipelines.is_empty() && part.stages.is_empty())
    {
        found.extend(parts_by_asking(world, people, project, actor));
    }
    found
}

fn parts_by_role(people: &People, actor: &ActorId) -> Vec<Part> {
    let roles = people
        .roles()
        .flat_map(|roles| roles.roles.iter().map(move |role| (roles, role)));
    let held = roles.filter_map(|(roles, role)| {
        let team = match role.actors.contains(actor) {
            true => None,
            false => Some(role.teams.iter().find(|team| people.is_in(actor, team))?.clone()),
        };
        Some(Part {
            pipelines: role.pipelines.clone(),
            stages: role.stages.clone(),
            by: Right::Role {
                of: roles.project.clone(),
                role: role.name.clone(),
                team,
            },
        })
    });
    held.collect()
}

/// What somebody sees who is asked: the stages whose layers, reviews or overrides ask the actor, the promotions that somebody
/// asked the actor about by name, and the whole project for those who own its rules.
fn parts_by_asking(world: &World, people: &People, project: &ProjectName, actor: &ActorId) -> Vec<Part> {
    let mut asked = AskedOf {
        people,
        actor,
        known: HashMap::new(),
    };
    let owners = people.protecting_teams();
    if owners.into_iter().any(|team| asked.is_asked(&Who::Team(team))) {
        return vec![part(Vec::new(), Vec::new())];
    }
    let mut stages: BTreeSet<(PipelineName, StageName)> = BTreeSet::new();
    for pipeline in people.pipelines() {
        let owned = pipeline
            .protected
            .iter()
            .flat_map(|protection| &protection.owners);
        let whole = owned.cloned().any(|team| asked.is_asked(&Who::Team(team)));
        let in_it = pipeline
            .stages
            .iter()
            .filter(|stage| whole || asked_in(stage).iter().any(|who| asked.is_asked(who)));
        stages.extend(in_it.map(|stage| (pipeline.name.clone(), stage.name.clone())));
    }
    // Promotions ask as the version that they are pinned to says, and whomever somebody named.
    for (who, places) in world.asking().of(project) {
        if asked.is_asked(who) {
            let open = places.iter().map(|(_, id)| (&id.stage.pipeline, &id.stage.stage));
            stages.extend(
                open.collect::<BTreeSet<_>>()
                    .into_iter()
                    .map(|(a, b)| (a.clone(), b.clone())),
            );
        }
    }
    let seen = stages
        .into_iter()
        .map(|(pipeline, stage)| part(vec![pipeline], vec![stage]));
    seen.collect()
}

fn part(pipelines: Vec<PipelineName>, stages: Vec<StageName>) -> Part {
    Part {
        pipelines,
        stages,
        by: Right::Asked,
    }
}

/// Everybody whom the rules of a stage may ask.
fn asked_in(stage: &Stage) -> Vec<Who> {
    let layers = stage.approval.iter().flat_map(|rule| &rule.layers);
    let of_layers = layers.flat_map(|layer| [&layer.from, &layer.escalate]);
    let authorities = stage.approval.iter().filter_map(|rule| rule.authority.clone());
    let all = of_layers.chain([&stage.overrides.review.from]);
    let named = all.flat_map(|Asked(who)| who.iter().cloned());
    named.chain(authorities.map(Who::Team)).collect()
}

/// Whether one actor is asked, looked up once for each who is.
struct AskedOf<'a> {
    people: &'a People,
    actor: &'a ActorId,
    known: HashMap<Who, bool>,
}

impl AskedOf<'_> {
    fn is_asked(&mut self, who: &Who) -> bool {
        if let Some(known) = self.known.get(who) {
            return *known;
        }
        let seats: Vec<Who> = match who {
            Who::Team(_) | Who::Actor(_) => vec![who.clone()],
            // Which paths are touched is each change's: whoever answers for any is asked.
            Who::Owners => self.people.owning_teams().map(Who::Team).collect(),
        };
        let asked = self.people.seat(self.actor, &seats, &[]).is_some();
        self.known.insert(who.clone(), asked);
        asked
    }
}

impl People {
    /// Every team that answers for some path of the project.
    fn owning_teams(&self) -> impl Iterator<Item = GroupName> {
        let owners = self.roles().flat_map(|roles| &roles.owners);
        owners.map(|owner| owner.team.clone())
    }

    /// Every team that owns rules of the project as its roles say.
    fn protecting_teams(&self) -> Vec<GroupName> {
        let protections = self.roles().flat_map(|roles| roles.protected.all());
        protections
            .flat_map(|protection| protection.owners.iter().cloned())
            .collect()
    }
}

#[cfg(test)]
mod tests;
