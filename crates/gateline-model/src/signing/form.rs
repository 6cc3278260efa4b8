//! The one form of a statement, and why one is not what is to be signed here and now. Knows no field of any.

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{ActorId, Span};

/// How far ahead of the server's clock a statement may be made: two clocks are never the same.
pub const CLOCKS_APART_MAX: Span = Span::from_secs(60);
/// Largest statement: a release has at most some hundred artifacts, each a line.
pub const STATEMENT_BYTES_MAX: usize = 64 * 1024;

/// Hex digits of a nonce of 32 bytes.
const NONCE_CHARS: usize = 64;

/// Why a statement is not what is to be signed here and now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// It is no statement, or not in its one form.
    #[error("the statement cannot be read: {0}")]
    Unreadable(String),
    /// It was made for another server.
    #[error("the statement is for the server at `{0}`, which this is not")]
    OtherServer(String),
    /// It is about something else, or what that brings is something else.
    #[error("the signature is for another decision: {0}")]
    OtherDecision(String),
    /// Somebody else says it.
    #[error("the statement is one of `{0}`, and you are not `{0}`")]
    OtherActor(ActorId),
    /// It says something else.
    #[error("the statement says another answer than the request")]
    OtherAnswer,
    /// The comment is not the one that was signed.
    #[error("the comment is not the one that was signed")]
    OtherComment,
    /// What was decided changed since.
    #[error("what was signed ({signed}) is not what is asked now ({now})")]
    Stale {
        /// The code that was signed.
        signed: String,
        /// The code now.
        now: String,
    },
    /// Its time is over.
    #[error("the statement was to be sent until {0}")]
    Expired(Timestamp),
    /// It was made in the future, or for too long.
    #[error("the statement is of {issued_at} until {expires_at}, which no statement is that was made now")]
    Clock {
        /// When it says that it was made.
        issued_at: Timestamp,
        /// Until when it says that it may be sent.
        expires_at: Timestamp,
    },
}

impl StatementError {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            StatementError::Unreadable(_) => "signature.statement",
            StatementError::OtherServer(_) => "signature.other_server",
            StatementError::OtherDecision(_) => "signature.other_decision",
            StatementError::OtherActor(_) => "signature.other_actor",
            StatementError::OtherAnswer => "signature.other_answer",
            StatementError::OtherComment => "signature.other_comment",
            StatementError::Stale { .. } => "signature.stale",
            StatementError::Expired(_) => "signature.expired",
            StatementError::Clock { .. } => "signature.clock",
        }
    }
}

/// JSON with sorted keys and without white space, as [`Digest::of_json`] digests it.
pub(super) fn canonical<T: Serialize>(value: &T) -> String {
    let value = serde_json::to_value(value).expect("our types serialise to JSON");
    value.to_string()
}

pub(super) fn read<T: Serialize + DeserializeOwned>(text: &str) -> Result<T, StatementError> {
    if text.len() > STATEMENT_BYTES_MAX {
        let says = format!(
            "it has {} bytes; at most {STATEMENT_BYTES_MAX} are read",
            text.len()
        );
        return Err(StatementError::Unreadable(says));
    }
    let read: T = serde_json::from_str(text).map_err(|err| StatementError::Unreadable(err.to_string()))?;
    match canonical(&read) == text {
        true => Ok(read),
        false => Err(StatementError::Unreadable(
            "it is not in canonical JSON: keys sorted, no white space".to_owned(),
        )),
    }
}

pub(super) fn nonce(text: &str) -> Result<(), StatementError> {
    let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    match is_hex && text.len() == NONCE_CHARS {
        true => Ok(()),
        false => Err(StatementError::Unreadable(format!(
            "its nonce is not {NONCE_CHARS} hex digits"
        ))),
    }
}

pub(super) fn in_time(
    issued_at: Timestamp,
    expires_at: Timestamp,
    lasts: Span,
    now: Timestamp,
) -> Result<(), StatementError> {
    let clock = StatementError::Clock {
        issued_at,
        expires_at,
    };
    if issued_at > CLOCKS_APART_MAX.after(now) {
        return Err(clock);
    }
    if expires_at > lasts.after(issued_at) || expires_at <= issued_at {
        return Err(clock);
    }
    match now < expires_at {
        true => Ok(()),
        false => Err(StatementError::Expired(expires_at)),
    }
}
