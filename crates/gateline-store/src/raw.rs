//! Raw events: the columns as they are kept, so that each can be hashed again. For `gateline doctor`.
//! Believes nothing of what it holds: a column may have been edited by anybody who can write the file.

use std::fmt;

use gateline_log::{Envelope, Hash, salted};
use gateline_model::{Private, Recorded};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::copy::text;
use crate::{Salt, StoreError, upcast};

/// An event as its columns are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawEvent {
    /// Its log number.
    pub number: u64,
    /// The text of its stream.
    pub stream: String,
    /// Its version in the stream.
    pub version: i64,
    /// The name of its type.
    pub kind: String,
    /// The version of its type.
    pub kind_version: i64,
    /// When it was recorded, in microseconds since 1970-01-01T00:00:00Z.
    pub at_micros: i64,
    /// Who caused it.
    pub actor: String,
    /// Hash of the erasable part; stays when that is erased.
    #[serde(with = "text::some")]
    pub private_hash: Option<Vec<u8>>,
    /// Salt of the erasable part.
    #[serde(with = "text::some")]
    pub salt: Option<Vec<u8>>,
    /// The erasable part.
    #[serde(with = "text::some")]
    pub private: Option<Vec<u8>>,
    /// The body.
    #[serde(with = "text")]
    pub body: Vec<u8>,
    /// The leaf's hash.
    #[serde(with = "text")]
    pub leaf: Vec<u8>,
}

/// What of an event is not what was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// The erasable part is there and not what its hash covers.
    Private,
    /// Body and columns do not make the leaf.
    Leaf,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Private => "its private part does not hash to its private hash",
            Self::Leaf => {
                "its body, type, stream, version, time, actor and private hash do not hash to its leaf"
            }
        })
    }
}

impl RawEvent {
    /// Everything that does not hash to what is kept of it. None for an event that is as it was recorded.
    pub fn differences(&self) -> Vec<Difference> {
        let mut found = Vec::new();
        let private_is_whole = match (&self.private_hash, &self.salt, &self.private) {
            // There never was one, or it was erased.
            (_, None, None) => true,
            (Some(hash), Some(salt), Some(private)) => Salt::try_from(salt.as_slice())
                .is_ok_and(|salt| salted(&salt, private).as_bytes()[..] == hash[..]),
            (None, _, _) | (Some(_), None, Some(_)) | (Some(_), Some(_), None) => false,
        };
        if !private_is_whole {
            found.push(Difference::Private);
        }
        if self
            .made()
            .is_none_or(|made| made.as_bytes()[..] != self.leaf[..])
        {
            found.push(Difference::Leaf);
        }
        found
    }

    /// The leaf that body and columns make; none where they cannot make one.
    fn made(&self) -> Option<Hash> {
        let private = match &self.private_hash {
            Some(hash) => Hash::new(hash.as_slice().try_into().ok()?),
            None => Hash::ZERO,
        };
        let envelope = Envelope {
            actor: &self.actor,
            body: Hash::of(&self.body),
            kind: &self.kind,
            kind_version: u16::try_from(self.kind_version).ok()?,
            private,
            stream: &self.stream,
            stream_version: u64::try_from(self.version).ok()?,
            time_micros: self.at_micros,
        };
        envelope.leaf().ok()
    }

    /// The event that it is.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] and [`StoreError::Newer`], as the other reads have them.
    pub fn recorded(&self) -> Result<Recorded, StoreError> {
        let damaged = |why: String| StoreError::Damaged {
            what: format!("event {}", self.number),
            why,
        };
        let private = self.private.as_deref().map(serde_json::from_slice::<Private>);
        Ok(Recorded {
            number: self.number,
            stream: self.stream.parse().map_err(|err| damaged(format!("{err}")))?,
            version: u64::try_from(self.version).map_err(|err| damaged(err.to_string()))?,
            at: Timestamp::from_microsecond(self.at_micros).map_err(|err| damaged(err.to_string()))?,
            actor: self.actor.parse().map_err(|err| damaged(format!("{err}")))?,
            event: upcast::event(
                self.number,
                u16::try_from(self.kind_version).map_err(|err| damaged(err.to_string()))?,
                &self.body,
            )?,
            private: private.transpose().map_err(|err| damaged(err.to_string()))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::sample::{accept, one, private, stream};
    use crate::{MemStore, Read as _};

    fn raw() -> RawEvent {
        let mut store = MemStore::default();
        let mut item = one(stream(1), 0);
        item.events[0].private = Some(([7; 16], private("Ana")));
        accept(&mut store, 0, &item);
        store.raw(0, 1).unwrap().remove(0)
    }

    #[test]
    fn every_column_that_is_edited_shows() {
        type Edit = fn(&mut RawEvent);
        let edits: [(&str, Edit, &[Difference]); 14] = [
            ("nothing", |_| {}, &[]),
            ("body", |raw| raw.body[9] ^= 1, &[Difference::Leaf]),
            ("stream", |raw| raw.stream.push('1'), &[Difference::Leaf]),
            ("version", |raw| raw.version += 1, &[Difference::Leaf]),
            ("a version below 0", |raw| raw.version = -1, &[Difference::Leaf]),
            (
                "type",
                |raw| raw.kind = "step_applied".into(),
                &[Difference::Leaf],
            ),
            (
                "type version",
                |raw| raw.kind_version = 70_000,
                &[Difference::Leaf],
            ),
            ("time", |raw| raw.at_micros += 1, &[Difference::Leaf]),
            ("actor", |raw| raw.actor = "bob".into(), &[Difference::Leaf]),
            ("leaf", |raw| raw.leaf.truncate(31), &[Difference::Leaf]),
            ("salt", |raw| raw.salt = Some(vec![8; 16]), &[Difference::Private]),
            (
                "a salt without a private part",
                |raw| raw.private = None,
                &[Difference::Private],
            ),
            (
                "private",
                |raw| raw.private = Some(b"{}".to_vec()),
                &[Difference::Private],
            ),
            (
                "private hash",
                |raw| raw.private_hash = None,
                &[Difference::Private, Difference::Leaf],
            ),
        ];
        for (what, edit, shows) in edits {
            let mut edited = raw();
            edit(&mut edited);
            assert_eq!(edited.differences(), shows, "{what}");
        }
    }

    #[test]
    fn an_event_that_was_erased_is_whole() {
        let mut erased = raw();
        (erased.salt, erased.private) = (None, None);
        assert_eq!(erased.differences(), []);
        assert_eq!(erased.recorded().unwrap().private, None);
    }

    #[test]
    fn columns_that_say_nothing_are_damage() {
        let edits: [fn(&mut RawEvent); 5] = [
            |raw| raw.body.truncate(9),
            |raw| raw.stream = "nonsense".into(),
            |raw| raw.at_micros = i64::MAX,
            |raw| raw.actor = String::new(),
            |raw| raw.private = Some(b"[".repeat(100_000)),
        ];
        for edit in edits {
            let mut edited = raw();
            edit(&mut edited);
            assert!(
                matches!(edited.recorded(), Err(StoreError::Damaged { .. })),
                "{edited:.200?}"
            );
        }
    }
}
