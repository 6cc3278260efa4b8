//! Proposals: those that wait from the fold, those that ended from the log, and what they change.

use std::sync::Arc;

use gateline_api::{Named, ProposalView, ProtectionView};
use gateline_core::{Needed, OpenProposal, Sight, proposal_needs, proposals_for};
use gateline_model::{
    ActorId, Declared, Digest, Event, NewVersion, Pipeline, ProjectName, Proposal, ProposalId, Recorded,
    StreamId, Tier,
};
use gateline_store::Search;
use jiff::Timestamp;

use super::rules::{author, difference, versions};
use super::{FileDifference, VersionView};
use crate::hub::Hub;
use crate::refused::Refused;
use crate::seen::{not_there, object};

/// Events of one kind that are looked through for a proposal that ended.
const LOOKED_THROUGH_MAX: usize = 1_000;

/// A proposal, and what it changes.
pub(crate) struct Detail {
    pub(crate) view: ProposalView,
    /// What a pipeline means differently; nothing for anything else, and where nothing was in force.
    pub(crate) meaning: Option<Vec<String>>,
    pub(crate) difference: Vec<FileDifference>,
}

/// The proposals of a project, or of all, that wait; those that end first in front.
pub(crate) async fn proposals(
    hub: &Hub,
    sight: &Sight,
    project: Option<&ProjectName>,
) -> Result<Vec<ProposalView>, Refused> {
    let now = Timestamp::now();
    let ids: Vec<ProposalId> = hub.with_world(|world| {
        let asked = world
            .projects()
            .filter(|(name, _)| project.is_none_or(|wanted| wanted == *name));
        let seen = |project: &ProjectName, open: &OpenProposal| {
            sight.sees(&object(project, &open.proposal.new.declared()))
        };
        let open = asked.flat_map(|(project, state)| {
            let waiting = state.proposals.values().filter(|open| now < open.proposal.until);
            let waiting = waiting.filter(move |open| seen(project, open));
            waiting.map(|open| ProposalId {
                project: project.clone(),
                number: open.proposal.number,
            })
        });
        open.collect()
    });
    named(hub, sight, &ids).await
}

/// The proposals that wait on an actor.
pub(crate) async fn proposals_waiting_on(
    hub: &Hub,
    sight: &Sight,
    actor: &gateline_core::Actor,
) -> Result<Vec<ProposalView>, Refused> {
    let ids = hub.with_world(|world| proposals_for(world, actor, Timestamp::now()));
    named(hub, sight, &ids).await
}

/// Whether an actor's answer to a proposal would be taken, or why not.
pub(crate) fn may_answer_proposal(hub: &Hub, id: &ProposalId, actor: &ActorId) -> Result<Tier, String> {
    hub.with_world(|world| {
        let state = world.project(&id.project);
        let open = state.and_then(|state| state.proposals.get(&id.number));
        let open = open.ok_or_else(|| "it waits no more".to_owned())?;
        let may = gateline_core::may_answer_proposal(world, &id.project, open, actor, Timestamp::now());
        may.map_err(|rejection| rejection.says)
    })
}

async fn named(hub: &Hub, sight: &Sight, ids: &[ProposalId]) -> Result<Vec<ProposalView>, Refused> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.push(proposal(hub, sight, id).await?);
    }
    found.sort_by(|a, b| (a.until, &a.project, a.number).cmp(&(b.until, &b.project, b.number)));
    Ok(found)
}

/// The proposal of a version, where it is not in force and waits.
pub(crate) async fn proposed(
    hub: &Hub,
    project: &ProjectName,
    declared: &Declared,
    version: Digest,
) -> Result<Option<ProposalView>, Refused> {
    let waits = hub.with_world(|world| {
        let state = world.project(project)?;
        let is_it = |open: &&OpenProposal| {
            open.proposal.new.declared() == *declared && open.proposal.new.version() == version
        };
        let open = state.proposals.values().find(is_it)?;
        let in_force = state.version_in_force(declared) == Some(version);
        (!in_force).then_some(open.proposal.number)
    });
    let Some(number) = waits else {
        return Ok(None);
    };
    let id = ProposalId {
        project: project.clone(),
        number,
    };
    proposal(hub, &Sight::all(), &id).await.map(Some)
}

/// A proposal, whether it waits or not.
pub(crate) async fn proposal(hub: &Hub, sight: &Sight, id: &ProposalId) -> Result<ProposalView, Refused> {
    Ok(recorded(hub, sight, id).await?.1)
}

/// A proposal with what it changes of what was in force when it was made.
pub(crate) async fn proposal_detail(hub: &Hub, sight: &Sight, id: &ProposalId) -> Result<Detail, Refused> {
    let (proposal, view) = recorded(hub, sight, id).await?;
    let before: Option<VersionView> = match proposal.replaces {
        Some(replaces) => {
            let known = versions(hub, &id.project, &view.of).await?;
            known.into_iter().find(|one| one.version == replaces)
        }
        None => None,
    };
    let old = before.map(|before| before.content);
    let difference = difference(hub, &view.of, old, proposal.new.content()).await?;
    Ok(Detail {
        meaning: meaning(hub, id, &proposal),
        view,
        difference,
    })
}

/// What a proposed pipeline means differently from the one that it replaces.
fn meaning(hub: &Hub, id: &ProposalId, proposal: &Proposal) -> Option<Vec<String>> {
    let NewVersion::Pipeline { pipeline, .. } = &proposal.new else {
        return None;
    };
    let replaces = proposal.replaces?;
    let old: Arc<Pipeline> =
        hub.with_world(|world| world.project(&id.project)?.versions.get(&replaces).cloned())?;
    let found = gateline_spec::diff(&old, pipeline);
    Some(found.iter().map(ToString::to_string).collect())
}

/// A proposal as it was recorded, and as it stands.
pub(super) async fn recorded(
    hub: &Hub,
    sight: &Sight,
    id: &ProposalId,
) -> Result<(Arc<Proposal>, ProposalView), Refused> {
    let unknown = || not_there(&Named::Proposal(id.clone()));
    let number = id.number;
    let is_it =
        |event: &Event| matches!(event, Event::VersionProposed { proposal } if proposal.number == number);
    let proposed = of_kind(hub, id, "version_proposed", is_it).await?;
    let proposed = proposed.ok_or_else(unknown)?;
    let Event::VersionProposed { proposal } = &proposed.event else {
        return Err(unknown());
    };
    if !sight.sees(&object(&id.project, &proposal.new.declared())) {
        return Err(unknown());
    }
    let now = Timestamp::now();
    let open = hub.with_world(|world| {
        let open = world.project(&id.project)?.proposals.get(&number)?.clone();
        let needs = proposal_needs(world, &id.project, &open, now);
        Some((open, needs))
    });
    let ended = match open {
        Some(_) => None,
        None => {
            let is_it =
                |event: &Event| matches!(event, Event::ProposalEnded { number: of, .. } if *of == number);
            of_kind(hub, id, "proposal_ended", is_it).await?
        }
    };
    let view = view(id, &proposed, proposal, open, ended.as_ref());
    Ok((proposal.clone(), view))
}

async fn of_kind(
    hub: &Hub,
    id: &ProposalId,
    event: &str,
    is_it: impl Fn(&Event) -> bool,
) -> Result<Option<Recorded>, Refused> {
    let search = Search {
        stream: Some(StreamId::Project(id.project.clone())),
        stream_prefix: None,
        event: Some(event.to_owned()),
        actor: None,
        from: None,
        until: None,
        before: None,
        limit: LOOKED_THROUGH_MAX,
    };
    let events = hub.read(move |store| store.search(&search)).await?;
    Ok(events.into_iter().find(|recorded| is_it(&recorded.event)))
}

fn view(
    id: &ProposalId,
    proposed: &Recorded,
    proposal: &Proposal,
    open: Option<(OpenProposal, Vec<Needed>)>,
    ended: Option<&Recorded>,
) -> ProposalView {
    let (approvals, needs) = match open {
        Some((open, needs)) => (open.approvals, needs),
        None => (Vec::new(), Vec::new()),
    };
    let needs = needs
        .into_iter()
        .map(|Needed { protection, given }| ProtectionView {
            owners: protection.owners,
            count: protection.count,
            signed: protection.signed,
            given,
        });
    let outcome = ended.and_then(|ended| match &ended.event {
        Event::ProposalEnded { outcome, .. } => Some(*outcome),
        _ => None,
    });
    ProposalView {
        project: id.project.clone(),
        number: id.number,
        of: proposal.new.declared(),
        version: proposal.new.version(),
        replaces: proposal.replaces,
        by: proposal.by.clone(),
        at: proposed.at,
        until: proposal.until,
        commit: proposal.commit.clone(),
        author: author(proposed),
        question: proposal.question(),
        needs: needs.collect(),
        approvals,
        outcome,
        ended_by: ended.map(|ended| ended.actor.clone()),
        reason: ended.and_then(|ended| ended.private.as_ref()?.reason.clone()),
    }
}
