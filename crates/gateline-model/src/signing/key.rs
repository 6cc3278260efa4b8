//! The enrolment of a key: what it signs to show that it is an actor's. Knows no key; `gateline-evidence` holds its signature
//! against it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::form::{StatementError, canonical, in_time, nonce, read};
use crate::{ActorId, Span};

/// What SSH keys sign their own enrolment for.
pub const KEY_PURPOSE: &str = "key@gateline.dev";
/// How long the statement may be signed and sent after it was made: long enough to hand it to an administrator.
pub const KEY_STATEMENT_LASTS: Span = Span::from_secs(24 * 3_600);
/// Longest name that an owner gives to a key, in characters.
pub const KEY_LABEL_CHARS_MAX: usize = 60;

const ENROLMENT: &str = "https://gateline.dev/enrolment/v1";

/// What somebody's key signs to be enrolled: that it is this actor's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyStatement {
    #[serde(rename = "_type")]
    form: String,
    /// The address of the server, where it knows one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Whose key it is.
    pub actor: ActorId,
    /// Makes each statement another one.
    pub nonce: String,
    /// When it was made.
    pub issued_at: Timestamp,
    /// When it is no more taken.
    pub expires_at: Timestamp,
}

impl KeyStatement {
    /// What a key is to sign to be enrolled for an actor.
    pub fn new(server: Option<String>, actor: ActorId, nonce: String, now: Timestamp) -> Self {
        Self {
            form: ENROLMENT.to_owned(),
            server,
            actor,
            nonce,
            issued_at: now,
            expires_at: KEY_STATEMENT_LASTS.after(now),
        }
    }

    /// Its one form: what is signed.
    pub fn text(&self) -> String {
        canonical(self)
    }

    /// Reads a statement that was signed, for this server and now.
    ///
    /// # Errors
    /// [`StatementError`]
    pub fn read(text: &str, server: Option<&str>, now: Timestamp) -> Result<Self, StatementError> {
        let read: Self = read(text)?;
        if read.form != ENROLMENT {
            return Err(StatementError::Unreadable(format!("it is no `{ENROLMENT}`")));
        }
        nonce(&read.nonce)?;
        if read.server.as_deref() != server {
            return Err(StatementError::OtherServer(read.server.unwrap_or_default()));
        }
        in_time(read.issued_at, read.expires_at, KEY_STATEMENT_LASTS, now)?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_enrolled_for_one_server_and_one_day() {
        let now = "2026-11-21T09:00:00Z".parse().unwrap();
        let statement = KeyStatement::new(None, "ann".parse().unwrap(), "01".repeat(32), now);
        let read = |at: &str, server| KeyStatement::read(&statement.text(), server, at.parse().unwrap());
        assert_eq!(read("2026-11-21T20:00:00Z", None).unwrap(), statement);
        let code = |at, server| read(at, server).unwrap_err().code();
        assert_eq!(code("2026-11-22T09:00:00Z", None), "signature.expired");
        assert_eq!(
            code("2026-11-21T20:00:00Z", Some("https://a")),
            "signature.other_server"
        );
    }
}
