//! Keys, and the signatures that they made, looked at again.

use gateline_api::{Holds, KeyView, SignatureView};
use gateline_core::{Enrolled, server_project};
use gateline_evidence::{Site, verify_statement};
use gateline_model::{
    ANSWER_PURPOSE, ActorId, AnswerStatement, Answered, Bound, Digest, Event, No, SignedStatement, StreamId,
};
use jiff::Timestamp;

use crate::hub::Hub;
use crate::refused::Refused;

/// A key, as everybody may see it.
pub(crate) fn key(enrolled: &Enrolled) -> KeyView {
    let Enrolled {
        key,
        since,
        revoked,
        counter: _,
    } = enrolled.clone();
    KeyView {
        fingerprint: key.fingerprint,
        actor: key.actor,
        tier: key.tier,
        public: key.public,
        label: key.label,
        synced: key.synced,
        since,
        revoked,
    }
}

/// The keys of an actor, or of everybody: those in force first, by owner and time.
pub(crate) fn keys(hub: &Hub, of: Option<&ActorId>) -> Vec<KeyView> {
    let mut found: Vec<KeyView> = hub.with_world(|world| {
        let server = world.project(&server_project());
        let keys = server.into_iter().flat_map(|server| server.keys.values());
        keys.filter(|enrolled| of.is_none_or(|of| enrolled.key.actor == *of))
            .map(key)
            .collect()
    });
    found.sort_by(|a, b| {
        let order = |view: &KeyView| (view.revoked.is_some(), view.actor.clone(), view.since);
        order(a).cmp(&order(b))
    });
    found
}

/// The keys of an actor that are in force.
pub(crate) fn keys_in_force(hub: &Hub, of: &ActorId) -> Vec<KeyView> {
    let mut keys = keys(hub, Some(of));
    keys.retain(|key| key.revoked.is_none());
    keys
}

/// An answer, as the log has it.
struct Given {
    log_index: u64,
    no: Option<No>,
    by: ActorId,
    at: Timestamp,
    bound: Bound,
}

/// The answers to a promotion or a proposal that were signed, in the order of the log, each looked at again.
pub(crate) async fn signatures(hub: &Hub, answered: Answered) -> Result<Vec<SignatureView>, Refused> {
    let stream = match &answered {
        Answered::Promotion(id) => StreamId::Promotion(id.clone()),
        Answered::Proposal(id) => StreamId::Project(id.project.clone()),
    };
    let events = hub.read(move |store| store.read_stream(&stream, 0)).await?;
    let given = events.into_iter().filter_map(|recorded| {
        let (no, by, at, bound) = match recorded.event {
            Event::ApprovalGiven { approval } => (None, approval.by, approval.at, approval.bound),
            Event::ApprovalRefused { no, answer } => (Some(no), answer.by, answer.at, answer.bound),
            Event::ProposalApproved { number, approval }
                if matches!(&answered, Answered::Proposal(id) if id.number == number) =>
            {
                (None, approval.by, approval.at, approval.bound)
            }
            _ => return None,
        };
        Some(Given {
            log_index: recorded.number,
            no,
            by,
            at,
            bound,
        })
    });
    let mut found = Vec::new();
    for given in given.collect::<Vec<_>>() {
        let Some((kept, enrolled)) = kept(hub, &given.bound).await? else {
            continue;
        };
        let holds = match again(&kept, &enrolled, &given, &answered) {
            Ok(()) => Holds::Yes,
            Err(why) => Holds::No(why),
        };
        let Given {
            log_index,
            no,
            by,
            at,
            bound,
        } = given;
        found.push(SignatureView {
            answered: answered.clone(),
            log_index,
            no,
            by,
            at,
            bound,
            statement: kept.statement,
            proof: kept.proof,
            key: key(&enrolled),
            holds,
        });
    }
    Ok(found)
}

/// What is kept of a signature, and its key; nothing where the answer was not signed.
async fn kept(hub: &Hub, bound: &Bound) -> Result<Option<(SignedStatement, Enrolled)>, Refused> {
    let Some(digest) = bound.proof else {
        return Ok(None);
    };
    let bytes = hub.read(move |store| store.blob(&digest)).await?;
    let read = bytes.and_then(|bytes| serde_json::from_slice::<SignedStatement>(&bytes).ok());
    let enrolled = hub.with_world(|world| {
        let server = world.project(&server_project())?;
        server.keys.get(bound.key.as_ref()?).cloned()
    });
    Ok(read.zip(enrolled))
}

/// Holds a signature once more against its key, and against the answer that stands in the log.
fn again(
    kept: &SignedStatement,
    enrolled: &Enrolled,
    given: &Given,
    answered: &Answered,
) -> Result<(), String> {
    if given.bound.statement != Some(Digest::of(kept.statement.as_bytes())) {
        return Err("the log has the digest of another statement".to_owned());
    }
    let read = AnswerStatement::read(&kept.statement).map_err(|err| err.to_string())?;
    let same = read.said.about.answered() == *answered && read.said.actor == given.by;
    if !same || read.said.answer != given.no.into() {
        return Err("the log has another answer than the statement".to_owned());
    }
    let before = enrolled.since <= given.at;
    if enrolled.key.actor != given.by || !before || enrolled.revoked.is_some_and(|end| end <= given.at) {
        return Err("the key was not this actor's, or not in force then".to_owned());
    }
    let site = read.said.server.as_deref().and_then(Site::of);
    let key = &enrolled.key;
    verify_statement(kept, key.tier, &key.public, site.as_ref(), ANSWER_PURPOSE)
        .map(drop)
        .map_err(|err| err.to_string())
}
