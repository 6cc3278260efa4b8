//! Deciding about versions of pipelines, policy modules, calendars and roles: in force at once, or proposed where what they
//! replace is protected. The protection in force counts, never the one that the new version brings.

use std::sync::Arc;

use gateline_model::{
    Answered, Declared, Digest, Event, Machine, NewVersion, Origin, PROPOSAL_LASTS, Private, ProjectName,
    Proposal, ProposalApproval, ProposalId, ProposalOutcome, StreamId, Written,
};
use jiff::Timestamp;

use super::{private, project, quorum, reason, server_project, signature, times};
use crate::command::{Command, Signed};
use crate::draft::Draft;
use crate::people::People;
use crate::proposals::{self, Seat};
use crate::rejection::Rejection;
use crate::state::{OpenProposal, Project};

/// Most proposals that wait in one project.
pub const PROPOSALS_OPEN_MAX: usize = 100;

/// Brings the version that a command holds into force, or proposes it.
pub(super) fn new_version(draft: &mut Draft<'_>, command: &Command) -> Result<(), Rejection> {
    let (of, new, written) = match command.clone() {
        Command::ApplyPipeline {
            pipeline,
            source,
            written,
        } => {
            let of = pipeline.project.clone();
            (of, NewVersion::Pipeline { pipeline, source }, written)
        }
        Command::ApplyPolicy {
            project,
            name,
            module,
            written,
        } => (project, NewVersion::Policy { name, module }, written),
        Command::ApplyCalendar {
            project,
            name,
            calendar,
            written,
        } => (project, NewVersion::Calendar { name, calendar }, written),
        Command::ApplyRoles {
            roles,
            source,
            written,
        } => (
            roles.project.clone(),
            NewVersion::Roles { roles, source },
            written,
        ),
        Command::ApplyNotifications {
            notifications,
            source,
            written,
        } => (
            notifications.project.clone(),
            NewVersion::Notifications {
                notifications,
                source,
            },
            written,
        ),
        _ => return Ok(()),
    };
    apply(draft, &of, new, written.as_ref())
}

/// Brings a version into force, or proposes it where owners must approve it first.
fn apply(
    draft: &mut Draft<'_>,
    of: &ProjectName,
    new: NewVersion,
    written: Option<&Written>,
) -> Result<(), Rejection> {
    let state = draft.project(of).unwrap_or_default();
    let declared = new.declared();
    let in_force = state.version_in_force(&declared);
    if in_force == Some(new.version()) {
        return Ok(());
    }
    fits(of, &state, &new)?;
    quorum::of_known_people(draft, of, &new)?;
    machines_are_free(draft, of, &new)?;
    let text = written_by(draft, written)?;
    let commit = written.map(|written| written.commit.clone());
    let protected = !People::read(draft, of).protections(&declared).is_empty();
    if let Some(open) = state.proposal_of(&declared) {
        let same = open.proposal.new.version() == new.version() && open.holds(in_force, draft.facts.now);
        if protected && same {
            return Ok(());
        }
        let outcome = match open.proposal.until <= draft.facts.now {
            true => ProposalOutcome::Expired,
            false => ProposalOutcome::Superseded,
        };
        end(draft, of, open, outcome, Private::default());
    } else if protected && state.proposals.len() >= PROPOSALS_OPEN_MAX {
        return Err(Rejection::conflict(
            "proposal.too_many",
            format!("{PROPOSALS_OPEN_MAX} proposals of project `{of}` wait (PROPOSALS_OPEN_MAX)"),
            "have some of them approved, rejected or withdrawn; see `gateline proposal list`",
        ));
    }
    if !protected {
        let origin = Origin {
            commit,
            proposal: None,
        };
        bring_into_force(draft, of, &new, origin, text);
        return Ok(());
    }
    let proposal = Proposal {
        number: state.proposed + 1,
        new,
        replaces: in_force,
        by: draft.facts.actor.id.clone(),
        until: PROPOSAL_LASTS.after(draft.facts.now),
        commit,
        written_by: written.map(|written| written.by.clone()).unwrap_or_default(),
    };
    let event = Event::VersionProposed {
        proposal: Arc::new(proposal),
    };
    draft.emit_with(StreamId::Project(of.clone()), event, text);
    Ok(())
}

/// An owner's yes. The last one that is needed brings the version into force.
pub(super) fn approve(
    draft: &mut Draft<'_>,
    id: &ProposalId,
    seen: Option<&Digest>,
    comment: Option<&str>,
    signed: Option<&Signed>,
) -> Result<(), Rejection> {
    let (state, open) = waiting(draft, id, seen)?;
    let people = People::read(draft, &id.project);
    let actor = draft.facts.actor.id.clone();
    let mut given = proposals::standing(&people, &open);
    if given.iter().any(|given| given.by == actor) {
        return Ok(());
    }
    let Seat {
        team,
        instead_of,
        least,
    } = proposals::seat(&people, &open.proposal, &given, &actor)?;
    let tier = signature::tier(draft, signed)?;
    signature::strong_enough(&format!("the owners in {team}"), least, tier)?;
    let approval = ProposalApproval {
        by: actor,
        instead_of,
        team,
        question: open.proposal.question(),
        bound: signature::bound(tier, signed),
        at: draft.facts.now,
    };
    given.push(approval.clone());
    let enough = proposals::needed(&people, &open.proposal, &given)
        .iter()
        .all(proposals::Needed::is_met);
    if enough {
        // Other things came into force since it was proposed: it must still go together with them.
        fits(&id.project, &state, &open.proposal.new)?;
        machines_are_free(draft, &id.project, &open.proposal.new)?;
    }
    let text = match comment.map(str::trim).filter(|comment| !comment.is_empty()) {
        Some(comment) => private(draft, Some(reason(comment)?)),
        None => private(draft, None),
    };
    signature::used_once(draft, &open.signed, &Answered::Proposal(id.clone()), signed)?;
    let number = id.number;
    let stream = StreamId::Project(id.project.clone());
    draft.emit_with(stream, Event::ProposalApproved { number, approval }, text);
    if enough {
        end(
            draft,
            &id.project,
            &open,
            ProposalOutcome::InForce,
            Private::default(),
        );
        let origin = Origin {
            commit: open.proposal.commit.clone(),
            proposal: Some(number),
        };
        let text = private(draft, None);
        bring_into_force(draft, &id.project, &open.proposal.new, origin, text);
    }
    Ok(())
}

/// An owner's no, which ends the proposal.
pub(super) fn reject(
    draft: &mut Draft<'_>,
    id: &ProposalId,
    seen: Option<&Digest>,
    why: &str,
) -> Result<(), Rejection> {
    let why = reason(why)?;
    let (_, open) = waiting(draft, id, seen)?;
    let people = People::read(draft, &id.project);
    proposals::seat(&people, &open.proposal, &[], &draft.facts.actor.id)?;
    let text = private(draft, Some(why));
    end(draft, &id.project, &open, ProposalOutcome::Rejected, text);
    Ok(())
}

/// The proposal taken back by whoever proposed it, or an approval by whoever gave it.
pub(super) fn withdraw(draft: &mut Draft<'_>, id: &ProposalId, why: &str) -> Result<(), Rejection> {
    let why = reason(why)?;
    let (_, open) = waiting(draft, id, None)?;
    let by = draft.facts.actor.id.clone();
    let text = private(draft, Some(why));
    if open.proposal.by == by {
        end(draft, &id.project, &open, ProposalOutcome::Withdrawn, text);
        return Ok(());
    }
    if !open.approvals.iter().any(|given| given.by == by) {
        return Err(Rejection::conflict(
            "proposal.none_of_yours",
            format!("`{by}` neither proposed nor approved proposal `{id}`"),
            "nothing needs to be done; an owner says no with `gateline proposal reject`",
        ));
    }
    let number = id.number;
    let event = Event::ProposalApprovalWithdrawn { number, by };
    draft.emit_with(StreamId::Project(id.project.clone()), event, text);
    Ok(())
}

/// A proposal that still waits, and its project; or the rejection that says what became of it.
pub(super) fn waiting(
    draft: &Draft<'_>,
    id: &ProposalId,
    seen: Option<&Digest>,
) -> Result<(Arc<Project>, OpenProposal), Rejection> {
    let state = draft.project(&id.project).unwrap_or_default();
    let Some(open) = state.proposals.get(&id.number).cloned() else {
        let known = (1..=state.proposed).contains(&id.number);
        return Err(if known {
            Rejection::conflict(
                "proposal.ended",
                format!("proposal `{id}` waits no more"),
                "see what became of it with `gateline log --event proposal_ended`",
            )
        } else {
            Rejection::unknown(
                "proposal.unknown",
                format!("there is no proposal `{id}`"),
                "list them with `gateline proposal list`",
            )
        });
    };
    let Proposal { new, until, .. } = &*open.proposal;
    if *until <= draft.facts.now {
        return Err(Rejection::conflict(
            "proposal.expired",
            format!("proposal `{id}` waited until {until}"),
            "apply the same files again to propose them again",
        ));
    }
    if !open.holds(state.version_in_force(&new.declared()), draft.facts.now) {
        return Err(Rejection::conflict(
            "proposal.stale",
            format!(
                "another version of {} came into force since it was proposed",
                new.declared()
            ),
            "apply the same files again to propose them in its place",
        ));
    }
    if seen.is_some_and(|seen| *seen != open.proposal.question()) {
        return Err(Rejection::conflict(
            "proposal.other",
            format!("proposal `{id}` is not the one that was shown"),
            "look at it again with `gateline proposal show`",
        ));
    }
    Ok((state, open))
}

fn end(
    draft: &mut Draft<'_>,
    of: &ProjectName,
    open: &OpenProposal,
    outcome: ProposalOutcome,
    text: Private,
) {
    let Proposal { number, new, .. } = &*open.proposal;
    let event = Event::ProposalEnded {
        number: *number,
        of: new.declared(),
        version: new.version(),
        outcome,
    };
    draft.emit_with(StreamId::Project(of.clone()), event, text);
}

/// What must hold for a version to be in force beside everything else.
fn fits(of: &ProjectName, state: &Project, new: &NewVersion) -> Result<(), Rejection> {
    match new {
        NewVersion::Pipeline { pipeline, .. } => project::fits(state, pipeline),
        NewVersion::Policy { name, .. } => project::policy_fits(of, state, name),
        NewVersion::Calendar { name, calendar } => times::calendar_fits(of, state, name, calendar),
        // Rules and roles stand for themselves.
        NewVersion::Notifications { .. } | NewVersion::Roles { .. } => Ok(()),
    }
}

/// A job that two projects call a machine of theirs would be let in by neither: whoever declares it first keeps it. The server's
/// roles may name any.
fn machines_are_free(draft: &Draft<'_>, of: &ProjectName, new: &NewVersion) -> Result<(), Rejection> {
    let NewVersion::Roles { roles, .. } = new else {
        return Ok(());
    };
    if *of == server_project() {
        return Ok(());
    }
    let others = draft.world().projects().filter(|(project, _)| *project != of);
    let others = others.filter_map(|(_, state)| state.roles.as_ref());
    let taken: Vec<&Machine> = others.flat_map(|roles| &roles.machines).collect();
    for machine in &roles.machines {
        if taken.iter().any(|other| may_be_the_same(machine, other)) {
            let says = format!(
                "a job can be machine `{}` and one of another project, and would be let in as neither",
                machine.actor
            );
            let hint = "name more claims, with the ids of what is this project's alone, or ask an administrator to declare it for both";
            return Err(Rejection::conflict("machines.taken", says, hint));
        }
    }
    Ok(())
}

/// Whether one signed token can have the claims of both.
fn may_be_the_same(one: &Machine, other: &Machine) -> bool {
    let differs =
        |(name, value): (&String, &String)| other.claims.get(name).is_some_and(|other| other != value);
    one.issuer == other.issuer && one.audience == other.audience && !one.claims.iter().any(differs)
}

fn bring_into_force(
    draft: &mut Draft<'_>,
    of: &ProjectName,
    new: &NewVersion,
    origin: Origin,
    text: Private,
) {
    let version = new.version();
    let event = match new.clone() {
        NewVersion::Pipeline { pipeline, source } => Event::PipelineApplied {
            version,
            pipeline,
            source,
            origin,
        },
        NewVersion::Policy { name, module } => Event::PolicyApplied { name, module, origin },
        NewVersion::Calendar { name, calendar } => Event::CalendarApplied {
            name,
            version,
            calendar,
            origin,
        },
        NewVersion::Notifications {
            notifications,
            source,
        } => Event::NotificationsApplied {
            version,
            notifications,
            source,
            origin,
        },
        NewVersion::Roles { roles, source } => Event::RolesApplied {
            version,
            roles,
            source,
            origin,
        },
    };
    draft.emit_with(StreamId::Project(of.clone()), event, text);
}

/// The erasable part of an event about a version: the author of its commit stands in it.
///
/// # Errors
/// When the commit is not named whole, or a name is too long.
fn written_by(draft: &Draft<'_>, written: Option<&Written>) -> Result<Private, Rejection> {
    let mut text = private(draft, None);
    let Some(written) = written else {
        return Ok(text);
    };
    if let Some(fault) = written.fault() {
        let hint = "give `--commit` the whole id, as `git rev-parse HEAD` prints it";
        return Err(Rejection::invalid("commit.form", fault, hint));
    }
    if let Some(author) = &written.author {
        text.text.insert("author".to_owned(), author.clone());
    }
    Ok(text)
}

impl OpenProposal {
    /// Whether it still waits: in time, and in place of the version that is in force.
    fn holds(&self, in_force: Option<Digest>, now: Timestamp) -> bool {
        self.proposal.replaces == in_force && now < self.proposal.until
    }
}

impl Project {
    /// The proposal of one thing, where one waits.
    fn proposal_of(&self, declared: &Declared) -> Option<&OpenProposal> {
        let mut open = self.proposals.values();
        open.find(|open| open.proposal.new.declared() == *declared)
    }
}
