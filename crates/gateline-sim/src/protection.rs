//! Protection, looked at again: whether what came into force was approved by its owners, from the events alone and by plain rules.
//!
//! Written apart from `gateline-core`'s rules on purpose: two ways to the same answer. Knows pipelines, whose protection random runs change.

use std::collections::BTreeSet;

use gateline_core::{Project, World, server_project};
use gateline_model::{
    ActorId, Event, NewVersion, Pipeline, ProjectName, ProposalOutcome, Recorded, StreamId, Team,
};
use jiff::Timestamp;

use crate::admission::{has_duty, is_bound};

/// What is wrong with an event that brings a pipeline into force, or that ends its proposal. `world` is the fold up to it, `same`
/// what was appended with it before.
pub(crate) fn recheck(world: &World, recorded: &Recorded, same: &[Recorded]) -> Option<String> {
    let StreamId::Project(of) = &recorded.stream else {
        return None;
    };
    match &recorded.event {
        Event::PipelineApplied { pipeline, .. } => applied(world, of, pipeline, same),
        Event::ProposalEnded {
            number,
            outcome: ProposalOutcome::InForce,
            ..
        } => approved(world, world.project(of)?, *number, recorded.at),
        _ => None,
    }
}

fn applied(world: &World, of: &ProjectName, pipeline: &Pipeline, same: &[Recorded]) -> Option<String> {
    let before = world.project(of)?.pipeline(&pipeline.name)?;
    before.protected.as_ref()?;
    let version = pipeline.version();
    let ended = same.iter().any(|recorded| {
        let Event::ProposalEnded {
            version: ended,
            outcome: ProposalOutcome::InForce,
            ..
        } = &recorded.event
        else {
            return false;
        };
        *ended == version
    });
    let name = &pipeline.name;
    (!ended).then(|| format!("`{name}` is protected, and came into force without its owners"))
}

fn approved(world: &World, project: &Project, number: u64, now: Timestamp) -> Option<String> {
    let Some(open) = project.proposals.get(&number) else {
        return Some(format!("proposal {number} came into force and did not wait"));
    };
    let NewVersion::Pipeline { pipeline, .. } = &open.proposal.new else {
        return None;
    };
    let before = project.pipeline(&pipeline.name)?;
    if open.proposal.replaces != Some(before.version()) {
        return Some(format!(
            "proposal {number} replaces a version that is not in force"
        ));
    }
    let protection = before.protected.as_ref()?;
    let teams = project.roles.iter().flat_map(|roles| &roles.teams);
    let asked: Vec<&Team> = teams
        .filter(|team| protection.owners.contains(&team.name))
        .collect();
    let owns = |actor: &ActorId| {
        let mut asked = asked.iter();
        asked.any(|team| team.members.contains(actor) || has_duty(Some(project), team, actor, now))
    };
    let server = world.project(&server_project()).map(|server| &**server);
    let proposer = &open.proposal.by;
    let counted = open.approvals.iter().filter(|given| {
        let own = given.by == *proposer || given.seat() == proposer;
        let signed = is_bound(server, (&given.by, given.at), &given.bound, protection.signed);
        owns(given.seat()) && !own && signed
    });
    let (by, seats): (BTreeSet<&ActorId>, BTreeSet<&ActorId>) =
        counted.map(|given| (&given.by, given.seat())).unzip();
    let enough = by.len().min(seats.len()) >= protection.count as usize;
    (!enough).then(|| {
        format!(
            "proposal {number} came into force with {} of {} owners",
            seats.len(),
            protection.count
        )
    })
}
