//! Deciding about signatures: what somebody is to sign, and whether a signature that was verified counts for an answer.
//!
//! The bytes were held against the key by whoever sends the command. Here it is asked whose key that is, whether it may sign
//! now, whether it binds as strongly as is asked, and whether this signature was used before.

use std::collections::BTreeSet;

use gateline_model::{
    About, ActorId, Answered, Approval, Artifact, Bound, Digest, Event, PromotionId, ProposalId, StreamId,
    Tier,
};
use jiff::Timestamp;

use super::answer::Asked;
use super::{propose, server_project};
use crate::World;
use crate::command::{Facts, Signed};
use crate::draft::Draft;
use crate::people::People;
use crate::proposals;
use crate::rejection::Rejection;

/// What somebody is asked to sign.
#[derive(Debug, Clone, PartialEq)]
pub struct ToSign {
    /// The decision's question.
    pub question: Digest,
    /// Its beginning, as people compare it.
    pub code: String,
    /// What is answered.
    pub about: About,
    /// The artifacts of the release; a proposal has none.
    pub artifacts: Vec<Artifact>,
    /// How strongly a yes of this actor must be bound.
    pub tier: Tier,
}

/// What an actor is to sign who answers a promotion now.
///
/// # Errors
/// When nobody is asked.
pub fn to_sign(world: &World, promotion: &PromotionId, facts: &Facts) -> Result<ToSign, Rejection> {
    let draft = Draft::new(world, facts);
    let asked = Asked::of(&draft, promotion, None)?;
    let rule = &asked.approvals.rule;
    // Who may not answer is told so by the answer itself.
    let tier = match asked.seat(&draft) {
        Ok(seat) => rule.tier_of(&seat.layer.layer),
        Err(_) => rule.signed,
    };
    let release = &asked.judged.release;
    Ok(ToSign {
        question: asked.judged.decision.question,
        code: asked.judged.decision.code(),
        about: About::Promotion {
            id: promotion.clone(),
            release: release.id,
            version: release.release.version.clone(),
        },
        artifacts: release.release.artifacts.clone(),
        tier,
    })
}

/// What an actor is to sign who answers a proposal now.
///
/// # Errors
/// When it waits no more.
pub fn proposal_to_sign(world: &World, id: &ProposalId, facts: &Facts) -> Result<ToSign, Rejection> {
    let draft = Draft::new(world, facts);
    let (_, open) = propose::waiting(&draft, id, None)?;
    let people = People::read(&draft, &id.project);
    let new = &open.proposal.new;
    // Who may not answer is told so by the answer itself.
    let given = proposals::standing(&people, &open);
    let tier = match proposals::seat(&people, &open.proposal, &given, &facts.actor.id) {
        Ok(seat) => seat.least,
        Err(_) => proposals::strictest(&people, &open.proposal),
    };
    let question = open.proposal.question();
    Ok(ToSign {
        question,
        code: question.code(),
        about: About::Proposal {
            id: id.clone(),
            of: new.declared(),
            version: new.version(),
        },
        artifacts: Vec::new(),
        tier,
    })
}

/// How strongly an answer is bound: by the key that signed it, which must be the actor's and in force.
pub(super) fn tier(draft: &Draft<'_>, signed: Option<&Signed>) -> Result<Tier, Rejection> {
    signed.map_or(Ok(Tier::Session), |signed| key_of(draft, signed))
}

/// Refuses a yes that is bound too weakly.
pub(super) fn strong_enough(asked: &str, least: Tier, tier: Tier) -> Result<(), Rejection> {
    match least.at_least() {
        Some(with) if tier < least => Err(Rejection::forbidden(
            "approval.tier",
            format!(
                "{asked} answer signed with {with}, and this answer is by {}",
                match tier {
                    Tier::Session => "a session or a token",
                    Tier::Passkey => "a passkey",
                    Tier::Ssh => "an SSH key",
                }
            ),
            match least {
                Tier::Ssh => "sign it on the command line: `--sign`",
                Tier::Session | Tier::Passkey => {
                    "sign it with your passkey on its page, or on the command line with `--sign`"
                }
            },
        )),
        Some(_) | None => Ok(()),
    }
}

/// The tier of a key that may sign for this actor now.
fn key_of(draft: &Draft<'_>, signed: &Signed) -> Result<Tier, Rejection> {
    let people = People::read(draft, &server_project());
    let actor = &draft.facts.actor.id;
    let refused = |code, says: String| {
        let hint = "sign with a key of yours: `gateline key list`";
        Err(Rejection::forbidden(code, says, hint))
    };
    let fingerprint = &signed.key;
    let Some(enrolled) = people.key(fingerprint) else {
        return refused(
            "signature.key_unknown",
            format!("key `{fingerprint}` is enrolled for nobody"),
        );
    };
    if enrolled.key.actor != *actor {
        let whose = &enrolled.key.actor;
        return refused(
            "signature.key_of_another",
            format!("key `{fingerprint}` is enrolled for `{whose}`, and you are `{actor}`"),
        );
    }
    if let Some(revoked) = enrolled.revoked {
        return refused(
            "signature.key_revoked",
            format!("key `{fingerprint}` was revoked at {revoked}"),
        );
    }
    Ok(enrolled.key.tier)
}

/// Refuses a signature that was used before, or by a copy of the key; notes how often the key signed.
pub(super) fn used_once(
    draft: &mut Draft<'_>,
    used: &BTreeSet<Digest>,
    answered: &Answered,
    signed: Option<&Signed>,
) -> Result<(), Rejection> {
    let Some(signed) = signed else { return Ok(()) };
    if used.contains(&signed.statement) {
        return Err(Rejection::conflict(
            "signature.replayed",
            format!("this signature was used before in {answered}"),
            "sign anew",
        ));
    }
    let Some(counter) = signed.counter else {
        return Ok(());
    };
    let people = People::read(draft, &server_project());
    let before = people.key(&signed.key).map_or(0, |enrolled| enrolled.counter);
    // Passkeys that do not count say 0 each time.
    if (counter, before) == (0, 0) {
        return Ok(());
    }
    if counter <= before {
        return Err(Rejection::forbidden(
            "signature.counter",
            format!(
                "passkey `{}` says that it signed {counter} times, and it had signed {before} times before: there may be a copy of it",
                signed.key
            ),
            "revoke it with `gateline key revoke`, and enrol another one",
        ));
    }
    let used = Event::KeyUsed {
        fingerprint: signed.key.clone(),
        counter,
    };
    draft.emit(StreamId::Project(server_project()), used);
    Ok(())
}

/// How an answer is bound.
pub(super) fn bound(tier: Tier, signed: Option<&Signed>) -> Bound {
    Bound {
        tier,
        key: signed.map(|signed| signed.key.clone()),
        statement: signed.map(|signed| signed.statement),
        proof: signed.map(|signed| signed.proof),
    }
}

/// Why the signature of an answer does not hold it any more: its key, by fingerprint, where that was revoked.
pub(crate) fn revoked_key(people: &People, answer: &Approval) -> Option<String> {
    lost_key(people, &answer.bound, &answer.by, answer.at)
}

/// The same of any answer, by whom it is and of when.
pub(crate) fn lost_key(people: &People, bound: &Bound, by: &ActorId, at: Timestamp) -> Option<String> {
    let fingerprint = bound.key.as_ref()?;
    let holds = people.key(fingerprint).is_some_and(|enrolled| {
        enrolled.key.actor == *by && enrolled.since <= at && enrolled.revoked.is_none()
    });
    (!holds).then(|| fingerprint.clone())
}
