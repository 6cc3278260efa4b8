//! What lets people in, kept beside the log: hashes of passwords, and sessions of browsers.
//!
//! Neither is a fact: both are replaced and deleted, and no state folds from them. Knows no password and no cookie,
//! only what is kept of them.

use gateline_model::{ActorId, Digest, TokenId};
use jiff::Timestamp;

/// Most sessions that one actor has at once. A new one ends the oldest.
pub const SESSIONS_PER_ACTOR_MAX: usize = 20;

/// What becomes of an account's password, together with the event that tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordChange {
    /// Whose.
    pub account: ActorId,
    /// The new hash in PHC form; none takes the password away. Either ends all sessions of the account.
    pub hash: Option<String>,
}

/// A browser that somebody signed in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Hash of the cookie's value. The value itself is kept nowhere.
    pub id: Digest,
    /// Who signed in.
    pub actor: ActorId,
    /// The name that the provider told, for the erasable part of events.
    pub name: Option<String>,
    /// By whose word: `local`, `token`, or the name of a provider.
    pub provider: String,
    /// The token that was shown, where it was one: the session is worth what the token is worth.
    pub token: Option<TokenId>,
    /// What the browser calls itself.
    pub agent: String,
    /// When it began.
    pub began: Timestamp,
    /// When somebody used it last.
    pub used: Timestamp,
    /// When it ends, however much it is used.
    pub ends: Timestamp,
}

/// Which sessions end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndSessions {
    /// This one.
    One(Digest),
    /// All of an actor but, where it is given, this one.
    Of(ActorId, Option<Digest>),
    /// All whose time is over, or that nobody used since.
    Stale {
        /// The moment.
        now: Timestamp,
        /// Used before this is too long ago.
        unused_since: Timestamp,
    },
}

impl EndSessions {
    /// Whether it ends this session.
    pub(crate) fn takes(&self, session: &Session) -> bool {
        match self {
            Self::One(id) => session.id == *id,
            Self::Of(actor, kept) => session.actor == *actor && kept.as_ref() != Some(&session.id),
            Self::Stale { now, unused_since } => session.ends <= *now || session.used < *unused_since,
        }
    }
}
