//! People: who is in which team at a moment, and who may answer what a layer asks.
//!
//! Looked up in the log each time, never kept with an answer: who left a team does not count any more.

use std::sync::Arc;

use gateline_model::{
    ActorId, Approval, Delegation, GroupName, OnCall, Owner, Pipeline, PipelineName, ProjectName, Roles,
    Team, Who,
};
use jiff::Timestamp;

use crate::decide::server_project;
use crate::draft::Draft;
use crate::state::{Account, Enrolled, Project};
use crate::world::World;

/// The teams of a project, with those of the whole server.
pub struct People {
    /// The project itself.
    here: Option<Arc<Project>>,
    /// The server's project: its teams are everybody's, and it knows tokens, sign-ins and keys.
    server: Option<Arc<Project>>,
    now: Timestamp,
}

impl People {
    /// As the world is at a moment.
    pub fn of(world: &World, project: &ProjectName, now: Timestamp) -> Self {
        Self {
            here: world.project(project).cloned(),
            server: world.project(&server_project()).cloned(),
            now,
        }
    }

    /// Those of the whole server alone, as a project that is not there yet has them.
    pub(crate) fn of_server(world: &World, now: Timestamp) -> Self {
        Self {
            here: None,
            server: world.project(&server_project()).cloned(),
            now,
        }
    }

    /// The same, noting that both projects were read.
    pub(crate) fn read(draft: &Draft<'_>, project: &ProjectName) -> Self {
        Self {
            here: draft.project(project),
            server: draft.project(&server_project()),
            now: draft.facts.now,
        }
    }

    /// The documents of roles in force: the project's before the server's.
    pub fn roles(&self) -> impl Iterator<Item = &Arc<Roles>> {
        let projects = [&self.here, &self.server].into_iter().flatten();
        projects.filter_map(|project| project.roles.as_ref())
    }

    /// The version in force of a pipeline of the project.
    pub(crate) fn pipeline(&self, name: &PipelineName) -> Option<&Arc<Pipeline>> {
        self.here.as_ref()?.pipeline(name)
    }

    /// Every pipeline of the project, in force.
    pub(crate) fn pipelines(&self) -> impl Iterator<Item = &Arc<Pipeline>> {
        let here = self.here.iter();
        here.flat_map(|here| here.in_force.keys().filter_map(|name| here.pipeline(name)))
    }

    /// The documents of roles, each with the project that it belongs to and that knows what its sources said.
    fn documents(&self) -> impl Iterator<Item = (&Project, &Arc<Roles>)> {
        let projects = [&self.here, &self.server].into_iter().flatten();
        projects.filter_map(|project| Some((&**project, project.roles.as_ref()?)))
    }

    /// Whom a team has on call now, as its project knows.
    fn on_call<'a>(&self, of: &'a Project, team: &'a Team) -> Result<Vec<&'a ActorId>, String> {
        match &team.on_call {
            None => Ok(Vec::new()),
            Some(OnCall::Rota(rota)) => Ok(rota.at(self.now).into_iter().collect()),
            Some(OnCall::Source(source)) => match of.on_call.get(&team.name) {
                Some(asked) if asked.source == *source => Ok(asked.who(self.now)?.iter().collect()),
                Some(_) | None => Err("its source was not asked yet".to_owned()),
            },
        }
    }

    /// Whom a team of a project's roles has on call now, and since when where a source says so.
    ///
    /// # Errors
    /// Why that could not be found out: then nobody is on call.
    pub fn on_call_in(
        &self,
        project: &ProjectName,
        team: &GroupName,
    ) -> Result<(Vec<ActorId>, Option<Timestamp>), String> {
        let mut documents = self.documents();
        let Some((of, roles)) = documents.find(|(_, roles)| roles.project == *project) else {
            return Ok(Default::default());
        };
        let Some(team) = roles.team(team) else {
            return Ok(Default::default());
        };
        let last = of.on_call.get(&team.name).and_then(|asked| asked.last.as_ref());
        let who = self.on_call(of, team)?;
        Ok((who.into_iter().cloned().collect(), last.map(|last| last.since)))
    }

    /// The teams of these in which nobody is on call because that could not be found out, and why, as sentences.
    pub fn on_call_unknown<'a>(&self, teams: impl IntoIterator<Item = &'a GroupName>) -> Vec<String> {
        let unknown = teams.into_iter().flat_map(|name| {
            self.documents().filter_map(move |(of, roles)| {
                let why = self.on_call(of, roles.team(name)?).err()?;
                Some(format!("nobody is on call in `{name}`: {why}"))
            })
        });
        let mut found: Vec<String> = unknown.collect();
        found.sort();
        found.dedup();
        found
    }

    /// The teams that are meant by those who are asked.
    pub fn teams_asked(&self, asked: &[Who], paths: &[String]) -> Vec<GroupName> {
        let teams = asked.iter().flat_map(|who| match who {
            Who::Team(team) => vec![team.clone()],
            Who::Actor(_) => Vec::new(),
            Who::Owners => self.owners(paths),
        });
        teams.collect()
    }

    /// Whether an actor's account was disabled: then the actor is in no team and is asked nothing, and what was said before does
    /// not count either.
    fn is_out(&self, actor: &ActorId) -> bool {
        let accounts = self.server.iter().flat_map(|server| &server.accounts);
        let mut disabled = accounts.filter(|(_, account)| **account == Account::Disabled);
        disabled.any(|(name, _)| name.as_str() == actor.as_str())
    }

    /// Whether an actor is in a team now: as a member, on call, by a sign-in's group, or by a token in force. Nobody is whose
    /// account was disabled.
    pub fn is_in(&self, actor: &ActorId, team: &GroupName) -> bool {
        if self.is_out(actor) {
            return false;
        }
        let by_declaration = self.documents().any(|(of, roles)| {
            let Some(team) = roles.team(team) else {
                return false;
            };
            team.members.contains(actor)
                || self.on_call(of, team).is_ok_and(|who| who.contains(&actor))
                || team.claims.iter().any(|claim| self.carries(actor, claim))
        });
        by_declaration || self.has_token_for(actor, team)
    }

    fn carries(&self, actor: &ActorId, claim: &String) -> bool {
        let signed_in = self.server.iter().filter_map(|server| server.sign_ins.get(actor));
        signed_in
            .filter(|sign_in| self.now < sign_in.until)
            .any(|sign_in| sign_in.groups.contains(claim))
    }

    fn has_token_for(&self, actor: &ActorId, team: &GroupName) -> bool {
        self.server
            .iter()
            .flat_map(|server| server.tokens.values())
            .any(|token| {
                token.actor == *actor
                    && token.expires.is_none_or(|expires| self.now < expires)
                    && token.groups.contains(team)
            })
    }

    /// Every actor who is known to be in a team now. Who is in it by a sign-in is known once he signed in.
    pub fn members(&self, team: &GroupName) -> Vec<ActorId> {
        let declared = self
            .documents()
            .filter_map(|(of, roles)| Some((of, roles.team(team)?)));
        // Where a source could not be read, nobody is on call.
        let named = declared.flat_map(|(of, team)| {
            let on_call = self.on_call(of, team).unwrap_or_default();
            team.members.iter().chain(on_call)
        });
        let server = self.server.iter();
        let signed_in = server.clone().flat_map(|server| server.sign_ins.keys());
        let with_token = server.flat_map(|server| server.tokens.values().map(|token| &token.actor));
        let mut found: Vec<ActorId> = named
            .chain(signed_in)
            .chain(with_token)
            .filter(|actor| self.is_in(actor, team))
            .cloned()
            .collect();
        found.sort();
        found.dedup();
        found
    }

    /// Every team that an actor is in now.
    pub fn teams_of(&self, actor: &ActorId) -> Vec<GroupName> {
        let declared = self
            .roles()
            .flat_map(|roles| roles.teams.iter().map(|team| &team.name));
        let tokens = self.server.iter().flat_map(|server| server.tokens.values());
        let by_token = tokens
            .filter(|token| token.actor == *actor)
            .flat_map(|token| &token.groups);
        let mut found: Vec<GroupName> = declared
            .chain(by_token)
            .filter(|team| self.is_in(actor, team))
            .cloned()
            .collect();
        found.sort();
        found.dedup();
        found
    }

    /// Whether an actor is one of those who are asked, by the actor's own right.
    pub fn is_asked(&self, actor: &ActorId, who: &Who, paths: &[String]) -> bool {
        match who {
            Who::Team(team) => self.is_in(actor, team),
            Who::Actor(named) => named == actor && !self.is_out(actor),
            Who::Owners => self.owners(paths).iter().any(|team| self.is_in(actor, team)),
        }
    }

    /// Everybody who is known to be asked.
    pub fn asked(&self, who: &Who, paths: &[String]) -> Vec<ActorId> {
        match who {
            Who::Team(team) => self.members(team),
            Who::Actor(named) => vec![named.clone()],
            Who::Owners => {
                let mut all: Vec<ActorId> = self
                    .owners(paths)
                    .iter()
                    .flat_map(|team| self.members(team))
                    .collect();
                all.sort();
                all.dedup();
                all
            }
        }
    }

    /// The teams that answer for paths: for each path those of the last entry that matches it.
    pub fn owners(&self, paths: &[String]) -> Vec<GroupName> {
        let entries: Vec<&Owner> = self
            .here
            .iter()
            .filter_map(|here| here.roles.as_ref())
            .flat_map(|roles| &roles.owners)
            .collect();
        let mut found: Vec<GroupName> = paths
            .iter()
            .filter_map(|path| {
                let matches = |owner: &&&Owner| {
                    owner
                        .paths
                        .iter()
                        .any(|pattern| fast_glob::glob_match(pattern, path))
                };
                entries.iter().rev().find(matches)
            })
            .map(|owner| owner.team.clone())
            .collect();
        found.sort();
        found.dedup();
        found
    }

    /// As whom an actor may answer one of those who are asked: as himself first, else instead of somebody who handed it on.
    pub fn seat(&self, actor: &ActorId, asked: &[Who], paths: &[String]) -> Option<(Who, Option<ActorId>)> {
        self.seats(actor, asked, paths).into_iter().next()
    }

    /// All of them: as himself where he is asked, and instead of each who handed it on.
    pub fn seats(&self, actor: &ActorId, asked: &[Who], paths: &[String]) -> Vec<(Who, Option<ActorId>)> {
        let own = asked.iter().find(|who| self.is_asked(actor, who, paths));
        let own = own.map(|who| (who.clone(), None));
        let handed_on = self.handed_on_to(actor).filter_map(|delegation| {
            let by = &delegation.by;
            let who = asked
                .iter()
                .find(|who| delegation.covers(who) && self.is_asked(by, who, paths))?;
            Some((who.clone(), Some(by.clone())))
        });
        own.into_iter().chain(handed_on).collect()
    }

    /// What others hand on to an actor now.
    fn handed_on_to(&self, actor: &ActorId) -> impl Iterator<Item = &Delegation> {
        let projects = [&self.here, &self.server].into_iter().flatten();
        projects
            .flat_map(|project| &project.delegations)
            .filter(move |delegation| delegation.to == *actor && delegation.holds(self.now))
    }

    /// The member of a team who handed on to an actor what the team decides, and named the team: what is handed on in
    /// general is not the last word.
    pub(crate) fn decides_for(&self, actor: &ActorId, team: &GroupName) -> Option<ActorId> {
        let named = |delegation: &&Delegation| delegation.team.as_ref() == Some(team);
        let mut handed_on = self.handed_on_to(actor).filter(named);
        let member = handed_on.find(|delegation| self.is_in(&delegation.by, team))?;
        Some(member.by.clone())
    }

    /// Until when an answer that was given instead of somebody is his: the end of the delegation that covers it.
    pub(crate) fn sits_until(&self, answer: &Approval) -> Option<Timestamp> {
        let instead_of = answer.instead_of.as_ref()?;
        let covering = self
            .handed_on_to(&answer.by)
            .filter(|delegation| delegation.by == *instead_of && delegation.covers(&answer.from));
        covering.map(|delegation| delegation.until).max()
    }

    /// Whether an answer is in somebody's own name, or what he was handed on for it is in force.
    pub(crate) fn still_sits(&self, answer: &Approval) -> bool {
        answer.instead_of.is_none() || self.sits_until(answer).is_some()
    }

    /// Whether a token in force lets an actor administer the server.
    pub(crate) fn administers(&self, actor: &ActorId) -> bool {
        let tokens = self.server.iter().flat_map(|server| server.tokens.values());
        tokens
            .filter(|token| token.actor == *actor)
            .any(|token| token.administers(self.now))
    }

    /// A key that is or was enrolled, by fingerprint.
    pub fn key(&self, fingerprint: &str) -> Option<&Enrolled> {
        self.server.as_ref()?.keys.get(fingerprint)
    }

    /// When a rota of one of these teams changes hands next. What a source says next is an event of its own, and that
    /// it has become too old is seen by every look: neither makes a decision that is to be recorded before.
    pub fn changes_at(&self, asked: &[Who]) -> Option<Timestamp> {
        let teams = asked.iter().filter_map(|who| match who {
            Who::Team(team) => Some(team),
            Who::Actor(_) | Who::Owners => None,
        });
        let declared = teams.flat_map(|team| self.roles().filter_map(|roles| roles.team(team)));
        let changes = declared.filter_map(|team| match team.on_call.as_ref()? {
            OnCall::Rota(rota) => rota.changes_at(self.now),
            OnCall::Source(_) => None,
        });
        changes.min()
    }
}
