//! Proposals: which protections hold, who owns what they protect, and what a proposal still needs. Computed anew each
//! time, from the roles and pipelines in force: who left a team does not count any more.

use gateline_model::{
    ActorId, Declared, GroupName, NewVersion, PipelineRef, ProjectName, Proposal, ProposalApproval,
    ProposalId, Protection, Scope, Tier, Who,
};
use jiff::Timestamp;

use crate::authority::{self, Object};
use crate::command::Actor;
use crate::decide::lost_key;
use crate::people::People;
use crate::rejection::Rejection;
use crate::state::OpenProposal;
use crate::world::World;

/// One protection of a proposal, with the approvals that count for it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// The protection.
    pub protection: Protection,
    /// Whose approvals count for it.
    pub given: Vec<ActorId>,
}

impl Needed {
    /// Whether enough owners approved.
    pub fn is_met(&self) -> bool {
        self.given.len() >= self.protection.count as usize
    }
}

/// By which right an actor answers a proposal.
pub(crate) struct Seat {
    pub team: GroupName,
    pub instead_of: Option<ActorId>,
    /// How strongly a yes of the team must be bound.
    pub least: Tier,
}

/// What protects what a proposal would replace, each with the approvals that count for it. All must be met.
///
/// Where nothing protects it any more, one yes of anybody who owned it would be no owner's: then the list is empty, and applying
/// the version again brings it into force.
pub(crate) fn needed(people: &People, proposal: &Proposal, given: &[ProposalApproval]) -> Vec<Needed> {
    let protections = people.protections(&proposal.new.declared());
    let counted = |protection: Protection| {
        let owners = owners(std::slice::from_ref(&protection));
        let mut counted: Vec<&ProposalApproval> = Vec::new();
        for answer in given {
            let sits = people.seats(&answer.by, &owners, &[]);
            let same_seat = sits
                .iter()
                .any(|(_, instead_of)| *instead_of == answer.instead_of);
            let again = counted
                .iter()
                .any(|one| one.by == answer.by || one.seat() == answer.seat());
            let own = [&answer.by, answer.seat()]
                .into_iter()
                .any(|who| took_part(proposal, who).is_some());
            let weak = answer.bound.tier < protection.signed;
            if same_seat && !again && !own && !weak && !is_lost(people, answer) {
                counted.push(answer);
            }
        }
        let given = counted.into_iter().map(|answer| answer.by.clone()).collect();
        Needed { protection, given }
    };
    protections.into_iter().map(counted).collect()
}

/// The answers of yes whose keys hold.
pub(crate) fn standing(people: &People, open: &OpenProposal) -> Vec<ProposalApproval> {
    let stands = |given: &&ProposalApproval| !is_lost(people, given);
    open.approvals.iter().filter(stands).cloned().collect()
}

/// Whether the key that signed a yes was revoked since: whoever gave it may give it again.
fn is_lost(people: &People, answer: &ProposalApproval) -> bool {
    lost_key(people, &answer.bound, &answer.by, answer.at).is_some()
}

/// How strongly a yes must be bound as the strictest of all protections asks.
pub(crate) fn strictest(people: &People, proposal: &Proposal) -> Tier {
    tier(&people.protections(&proposal.new.declared()))
}

fn tier<'a>(protections: impl IntoIterator<Item = &'a Protection>) -> Tier {
    let asked = protections.into_iter().map(|protection| protection.signed);
    asked.max().unwrap_or_default()
}

/// What somebody has to do with a proposal that keeps its owner from answering it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Proposed,
    Wrote,
}

fn took_part(proposal: &Proposal, who: &ActorId) -> Option<Part> {
    match proposal.by == *who {
        true => Some(Part::Proposed),
        false => proposal.written_by.contains(who).then_some(Part::Wrote),
    }
}

/// By which right an actor may answer: the first seat that is his or was handed on to him, and that nobody else answered from.
///
/// # Errors
/// That the actor owns nothing of it, proposed it, or wrote it, or that somebody answered from each seat.
pub(crate) fn seat(
    people: &People,
    proposal: &Proposal,
    given: &[ProposalApproval],
    actor: &ActorId,
) -> Result<Seat, Rejection> {
    if let Some(part) = took_part(proposal, actor) {
        return Err(own(part, actor, actor));
    }
    let protections = people.protections(&proposal.new.declared());
    let mut refused = None;
    for (who, instead_of) in people.seats(actor, &owners(&protections), &[]) {
        let Who::Team(team) = who else { continue };
        let sits = instead_of.as_ref().unwrap_or(actor);
        let twin = given
            .iter()
            .find(|given| given.by != *actor && given.seat() == sits);
        if let Some(part) = took_part(proposal, sits) {
            refused.get_or_insert_with(|| own(part, actor, sits));
        } else if let Some(twin) = twin {
            refused.get_or_insert_with(|| {
                Rejection::conflict(
                    "proposal.seat_answered",
                    format!("`{}` approved it for `{sits}`", twin.by),
                    "somebody else who owns it must approve it",
                )
            });
        } else {
            let counts = |protection: &&Protection| protection.owners.contains(&team);
            let least = tier(protections.iter().filter(counts));
            return Ok(Seat {
                team,
                instead_of,
                least,
            });
        }
    }
    Err(refused.unwrap_or_else(|| not_asked(&proposal.new.declared(), &protections, actor)))
}

/// That an actor would answer what he, or the one whose seat it is, has a part in.
fn own(part: Part, actor: &ActorId, who: &ActorId) -> Rejection {
    let (code, did, hint) = match part {
        Part::Proposed => (
            "proposal.own",
            "proposed it",
            "another of its owners must answer; take it back with `gateline proposal withdraw`",
        ),
        Part::Wrote => (
            "proposal.author",
            "wrote the commit that it was taken from",
            "another of its owners must answer",
        ),
    };
    let says = match who == actor {
        true => format!("`{actor}` {did}"),
        false => format!("`{actor}` would answer for `{who}`, who {did}"),
    };
    Rejection::forbidden(code, says, hint)
}

/// That an actor has no seat, or that there is none.
fn not_asked(declared: &Declared, protections: &[Protection], actor: &ActorId) -> Rejection {
    if protections.is_empty() {
        return Rejection::conflict(
            "proposal.not_protected",
            format!("nothing protects {declared} any more"),
            "apply the same files again: they are in force at once",
        );
    }
    let words: Vec<String> = protections.iter().map(ToString::to_string).collect();
    let says = format!(
        "`{actor}` does not own {declared}; it takes {}",
        words.join(", and ")
    );
    Rejection::forbidden(
        "proposal.not_owner",
        says,
        "see who is in the teams with `gateline roles`",
    )
}

fn owners(protections: &[Protection]) -> Vec<Who> {
    let teams = protections.iter().flat_map(|protection| &protection.owners);
    let mut owners: Vec<Who> = teams.cloned().map(Who::Team).collect();
    owners.sort();
    owners.dedup();
    owners
}

impl People {
    /// Everything that protects one thing of the project now: the roles of the project and of the server, and where it is a
    /// pipeline, its version in force. Each must be met.
    pub fn protections(&self, declared: &Declared) -> Vec<Protection> {
        let by_roles = self.roles().filter_map(|roles| roles.protected.of(declared));
        let own = match declared {
            Declared::Pipeline(name) => self
                .pipeline(name)
                .and_then(|pipeline| pipeline.protected.as_ref()),
            Declared::Policy(_) | Declared::Calendar(_) | Declared::Notifications | Declared::Roles => None,
        };
        let mut found: Vec<Protection> = Vec::new();
        for protection in own.into_iter().chain(by_roles) {
            if !found.contains(protection) {
                found.push(protection.clone());
            }
        }
        found
    }
}

/// What a proposal is about, for whoever wants to know who may answer.
pub(crate) fn object(project: &ProjectName, new: &NewVersion) -> Object {
    match new.declared() {
        Declared::Pipeline(pipeline) => Object::pipeline(&PipelineRef {
            project: project.clone(),
            pipeline,
        }),
        Declared::Policy(_) | Declared::Calendar(_) | Declared::Notifications | Declared::Roles => {
            Object::project(project)
        }
    }
}

/// What a proposal still needs, as the world is at a moment.
pub fn proposal_needs(
    world: &World,
    project: &ProjectName,
    open: &OpenProposal,
    now: Timestamp,
) -> Vec<Needed> {
    needed(&People::of(world, project, now), &open.proposal, &open.approvals)
}

/// How strongly an actor's yes to a proposal must be bound now.
///
/// # Errors
/// The rejection that it would get.
pub fn may_answer_proposal(
    world: &World,
    project: &ProjectName,
    open: &OpenProposal,
    actor: &ActorId,
    now: Timestamp,
) -> Result<Tier, Rejection> {
    let people = People::of(world, project, now);
    Ok(seat(&people, &open.proposal, &standing(&people, open), actor)?.least)
}

/// The proposals that wait on an actor now, those that end first in front.
pub fn proposals_for(world: &World, actor: &Actor, now: Timestamp) -> Vec<ProposalId> {
    let mut found = Vec::new();
    for (project, state) in world.projects() {
        let people = People::of(world, project, now);
        for open in state.proposals.values() {
            let Proposal {
                number, until, new, ..
            } = &*open.proposal;
            let answered = open.approvals.iter().any(|given| given.by == actor.id);
            let may =
                authority::by_people(world, &people, actor, Scope::Approve, &object(project, new)).is_ok();
            let sits = || seat(&people, &open.proposal, &standing(&people, open), &actor.id).is_ok();
            if may && !answered && now < *until && sits() {
                let id = ProposalId {
                    project: project.clone(),
                    number: *number,
                };
                found.push((*until, id));
            }
        }
    }
    found.sort();
    found.into_iter().map(|(_, id)| id).collect()
}

#[cfg(test)]
mod tests;
