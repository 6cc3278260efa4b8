//! Deciding about people: sign-ins, keys and delegations.

use gateline_model::{ActorId, Delegation, Digest, Event, GroupName, Key, ProjectName, Span, StreamId, Tier};
use jiff::Timestamp;

use super::{private, reason, server_project};
use crate::authority::{self, Object};
use crate::command::{Command, Credential};
use crate::draft::Draft;
use crate::people::People;
use crate::rejection::Rejection;

/// Longest time for which answers can be handed on at once.
pub const DELEGATED_MAX: Span = Span::from_secs(92 * 86_400);
/// Most delegations in force in one project.
pub const DELEGATIONS_MAX: usize = 1_000;
/// Most delegations in force that one actor handed on in one project: nobody takes up the room of the others.
pub const DELEGATIONS_PER_ACTOR_MAX: usize = 20;
/// Most keys of one actor.
pub const KEYS_PER_ACTOR_MAX: usize = 20;

pub(super) fn sign_in(
    draft: &mut Draft<'_>,
    actor: &ActorId,
    provider: &str,
    (groups, until): (&[String], Timestamp),
    subject: Option<Digest>,
) -> Result<(), Rejection> {
    if *actor == crate::Actor::gateline().id {
        return Err(Rejection::forbidden(
            "actor.reserved",
            format!("`{actor}` is Gateline itself; nobody may speak in its name"),
            "choose another actor",
        ));
    }
    let server = draft.project(&server_project()).unwrap_or_default();
    // One person is one actor: who came under another name before would count twice.
    if let Some(known) = subject.and_then(|subject| server.subjects.get(&subject))
        && known != actor
    {
        return Err(Rejection::forbidden(
            "actor.renamed",
            format!("provider `{provider}` says that `{actor}` is who came as `{known}` before"),
            "sign in again: the person keeps the first name",
        ));
    }
    let event = Event::SignedIn {
        actor: actor.clone(),
        provider: provider.to_owned(),
        groups: groups.to_vec(),
        until,
        subject,
    };
    draft.emit(StreamId::Project(server_project()), event);
    Ok(())
}

pub(super) fn enrol_key(draft: &mut Draft<'_>, key: &Key) -> Result<(), Rejection> {
    let project = server_project();
    let state = draft.project(&project).unwrap_or_default();
    own_or_admin(draft, &key.actor, "keys")?;
    match state.keys.get(&key.fingerprint) {
        Some(enrolled) if enrolled.revoked.is_some() => {
            return Err(Rejection::conflict(
                "key.revoked",
                format!("key `{}` was revoked; it never signs again", key.fingerprint),
                "make another key",
            ));
        }
        // Signing moves the counter, and its owner may call it otherwise by now.
        Some(same) if same.key.actor == key.actor && same.key.public == key.public => return Ok(()),
        Some(other) => {
            return Err(Rejection::conflict(
                "key.exists",
                format!("key `{}` is enrolled for `{}`", key.fingerprint, other.key.actor),
                "one key signs for one actor: use another",
            ));
        }
        None => {}
    }
    if key.tier == Tier::Session || key.public.is_empty() || key.fingerprint.is_empty() {
        return Err(Rejection::invalid(
            "key.unusable",
            "the key cannot sign anything".to_owned(),
            "enrol an SSH key or a passkey",
        ));
    }
    if state
        .keys
        .values()
        .filter(|other| other.key.actor == key.actor && other.revoked.is_none())
        .count()
        >= KEYS_PER_ACTOR_MAX
    {
        return Err(Rejection::conflict(
            "key.limit",
            format!(
                "`{}` has {KEYS_PER_ACTOR_MAX} keys (KEYS_PER_ACTOR_MAX)",
                key.actor
            ),
            "revoke one first",
        ));
    }
    let text = private(draft, None);
    draft.emit_with(
        StreamId::Project(project),
        Event::KeyEnrolled { key: key.clone() },
        text,
    );
    Ok(())
}

pub(super) fn revoke_key(draft: &mut Draft<'_>, fingerprint: &str, why: &str) -> Result<(), Rejection> {
    let why = reason(why)?;
    let project = server_project();
    let state = draft.project(&project).unwrap_or_default();
    let Some(enrolled) = state.keys.get(fingerprint) else {
        return Err(Rejection::unknown(
            "key.unknown",
            format!("no key `{fingerprint}` is enrolled"),
            "name one that is",
        ));
    };
    let actor = &enrolled.key.actor;
    own_or_admin(draft, actor, "keys")?;
    if enrolled.revoked.is_some() {
        return Ok(());
    }
    let event = Event::KeyRevoked {
        fingerprint: fingerprint.to_owned(),
        actor: actor.clone(),
    };
    let text = private(draft, Some(why));
    draft.emit_with(StreamId::Project(project), event, text);
    Ok(())
}

pub(super) fn delegate(draft: &mut Draft<'_>, command: &Command) -> Result<(), Rejection> {
    let Command::Delegate {
        project,
        to,
        team,
        from,
        until,
        reason: why,
    } = command
    else {
        return Ok(());
    };
    let why = reason(why)?;
    let now = draft.facts.now;
    let by = draft.facts.actor.id.clone();
    let from = from.unwrap_or(now);
    let latest = DELEGATED_MAX.after(from);
    let refused = |says: String, hint: &str| Err(Rejection::invalid("delegation.until", says, hint));
    if *until <= from || *until <= now {
        return refused(
            format!("the delegation would end at {until}, before it holds"),
            "give an end in the future",
        );
    }
    if *until > latest {
        return refused(
            format!(
                "the delegation would end at {until}; it may end until {latest} (DELEGATED_MAX, {DELEGATED_MAX})"
            ),
            "give an earlier end; hand it on again when it is over",
        );
    }
    if by == *to {
        return Err(Rejection::invalid(
            "delegation.self",
            format!("`{by}` answers already"),
            "name somebody else",
        ));
    }
    member_of(draft, project, &by, team.as_ref())?;
    room_for_delegation(draft, project, &by)?;
    let delegation = Delegation {
        by,
        to: to.clone(),
        team: team.clone(),
        from,
        until: *until,
    };
    let text = private(draft, Some(why));
    draft.emit_with(
        StreamId::Project(project.clone()),
        Event::DelegationDeclared { delegation },
        text,
    );
    Ok(())
}

fn room_for_delegation(draft: &Draft<'_>, project: &ProjectName, by: &ActorId) -> Result<(), Rejection> {
    let state = draft.project(project).unwrap_or_default();
    let in_force = state.delegations.iter().filter(|old| old.until > draft.facts.now);
    let own = in_force.clone().filter(|old| old.by == *by).count();
    let says = if own >= DELEGATIONS_PER_ACTOR_MAX {
        format!(
            "`{by}` has handed on {own} times in `{project}`; the limit is {DELEGATIONS_PER_ACTOR_MAX} (DELEGATIONS_PER_ACTOR_MAX)"
        )
    } else if in_force.count() >= DELEGATIONS_MAX {
        format!("project `{project}` has {DELEGATIONS_MAX} delegations (DELEGATIONS_MAX)")
    } else {
        return Ok(());
    };
    Err(Rejection::conflict(
        "delegation.limit",
        says,
        "end some of them first with `gateline delegate end`",
    ))
}

pub(super) fn end_delegation(
    draft: &mut Draft<'_>,
    project: &ProjectName,
    by: &ActorId,
    to: &ActorId,
) -> Result<(), Rejection> {
    let state = draft.project(project).unwrap_or_default();
    if !state.delegations.iter().any(|old| old.by == *by && old.to == *to) {
        return Err(Rejection::unknown(
            "delegation.unknown",
            format!("`{by}` has handed nothing on to `{to}` in `{project}`"),
            "list them with `gateline delegate list`",
        ));
    }
    own_or_admin(draft, by, "delegations")?;
    let event = Event::DelegationEnded {
        by: by.clone(),
        to: to.clone(),
    };
    let text = private(draft, None);
    draft.emit_with(StreamId::Project(project.clone()), event, text);
    Ok(())
}

/// Nobody hands on a right that he does not have.
fn member_of(
    draft: &Draft<'_>,
    project: &ProjectName,
    by: &ActorId,
    team: Option<&GroupName>,
) -> Result<(), Rejection> {
    let people = People::read(draft, project);
    let has = match team {
        Some(team) => people.is_in(by, team),
        None => !people.teams_of(by).is_empty(),
    };
    if has {
        return Ok(());
    }
    let of = team.map_or_else(|| "no team".to_owned(), |team| format!("no team `{team}`"));
    Err(Rejection::forbidden(
        "delegation.nothing",
        format!("`{by}` is in {of} and can hand nothing on"),
        "see your teams with `gateline whoami`",
    ))
}

/// Everybody looks after what is his; who administers the server looks after all.
fn own_or_admin(draft: &Draft<'_>, of: &ActorId, what: &str) -> Result<(), Rejection> {
    let actor = &draft.facts.actor;
    if actor.id == *of && actor.shown != Credential::Gateline {
        return Ok(());
    }
    let project = server_project();
    let people = People::read(draft, &project);
    authority::by_people(
        draft.world(),
        &people,
        actor,
        gateline_model::Scope::Admin,
        &Object::project(&project),
    )
    .map(drop)
    .map_err(|denied| {
        Rejection::forbidden(
            "authority.not_yours",
            format!("these are the {what} of `{of}`: {denied}"),
            "ask an administrator",
        )
    })
}
