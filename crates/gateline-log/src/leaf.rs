//! Leaves: what of an event goes into the log for ever.
//! Knows no event types: kinds, streams and actors are text, and contents are here only as their hashes, so that
//! names and free text stay erasable while the log stays provable.

use serde::Serialize;
use thiserror::Error;

use crate::hash::{Hash, leaf_hash};

/// Longest entry in bytes. C2SP tlog-tiles gives the length of an entry in 16 bits.
pub const MAX_ENTRY: usize = 65_535;

/// Largest magnitude of a number in an entry, 2^53 - 1. RFC 8785 numbers are doubles; beyond this, two readers
/// could see two numbers. In microseconds this is the year 2255.
pub const MAX_EXACT: u64 = (1 << 53) - 1;

/// One event as the log hashes it.
///
/// # The entry
/// [`Envelope::entry_bytes`] writes one JSON object in the canonical form of RFC 8785: no white space, exactly these
/// keys in this order (which is their sorted order), hashes as 64 lowercase hexadecimal digits:
/// ```json
/// {"actor":"..","body":"..","kind":"..","kind_version":1,"private":"..","stream":"..","stream_version":1,"time_micros":1}
/// ```
/// The form is frozen: an entry that was logged must give the same bytes for ever. The fields stand in this order
/// because serialisation follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Envelope<'a> {
    /// Opaque id of who caused the event; never a name.
    pub actor: &'a str,
    /// SHA-256 of the event's body bytes.
    pub body: Hash,
    /// Type of the event.
    pub kind: &'a str,
    /// Version of that type.
    pub kind_version: u16,
    /// [`salted`] hash of the erasable payload; [`Hash::ZERO`] when there is none.
    pub private: Hash,
    /// Stream that the event belongs to.
    pub stream: &'a str,
    /// Version of the stream after the event; at most [`MAX_EXACT`].
    pub stream_version: u64,
    /// Time of the event in microseconds since 1970-01-01T00:00:00Z; within plus or minus [`MAX_EXACT`].
    pub time_micros: i64,
}

impl Envelope<'_> {
    /// The canonical entry.
    ///
    /// # Errors
    /// [`LeafError::TooLong`] over [`MAX_ENTRY`], [`LeafError::NotExact`] for a number over [`MAX_EXACT`].
    pub fn entry_bytes(&self) -> Result<Vec<u8>, LeafError> {
        let numbers = [
            ("stream_version", self.stream_version),
            ("time_micros", self.time_micros.unsigned_abs()),
        ];
        if let Some((field, _)) = numbers.into_iter().find(|&(_, number)| number > MAX_EXACT) {
            return Err(LeafError::NotExact { field });
        }
        let mut entry = Vec::with_capacity(512);
        serde_json::to_writer(&mut entry, self).expect("strings and integers always serialise to memory");
        if entry.len() > MAX_ENTRY {
            return Err(LeafError::TooLong { len: entry.len() });
        }
        Ok(entry)
    }

    /// The hash that the log keeps: [`leaf_hash`] of the entry.
    ///
    /// # Errors
    /// As [`Envelope::entry_bytes`].
    pub fn leaf(&self) -> Result<Hash, LeafError> {
        self.entry_bytes().map(|entry| leaf_hash(&entry))
    }
}

/// Hash of an erasable payload: SHA-256(salt || payload). The salt is random, kept and erased with the payload, so
/// that the hash left behind cannot be guessed back to a name.
#[must_use]
pub fn salted(salt: &[u8; 16], payload: &[u8]) -> Hash {
    Hash::of(&[salt, payload].concat())
}

/// Why an envelope cannot be a leaf.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LeafError {
    /// The entry is over [`MAX_ENTRY`].
    #[error(
        "the log entry has {len} bytes, the limit is {MAX_ENTRY}: shorten the names of stream, kind or actor"
    )]
    TooLong {
        /// Bytes of the entry.
        len: usize,
    },
    /// A number is over [`MAX_EXACT`].
    #[error("`{field}` is beyond {MAX_EXACT}, the largest number that every JSON reader reads alike")]
    NotExact {
        /// The field.
        field: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope() -> Envelope<'static> {
        Envelope {
            actor: "actor-7",
            body: Hash::of(b"{}"),
            kind: "promotion_requested",
            kind_version: 1,
            private: Hash::ZERO,
            stream: "promotion/42",
            stream_version: 3,
            time_micros: 1_763_722_800_000_001,
        }
    }

    #[test]
    fn the_entry_form_is_frozen() {
        let entry = String::from_utf8(envelope().entry_bytes().unwrap()).unwrap();
        assert_eq!(
            entry,
            "{\"actor\":\"actor-7\",\
             \"body\":\"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\",\
             \"kind\":\"promotion_requested\",\"kind_version\":1,\
             \"private\":\"0000000000000000000000000000000000000000000000000000000000000000\",\
             \"stream\":\"promotion/42\",\"stream_version\":3,\"time_micros\":1763722800000001}"
        );
        assert_eq!(envelope().leaf(), Ok(leaf_hash(entry.as_bytes())));
    }

    #[test]
    fn text_is_escaped_as_rfc_8785_says() {
        // RFC 8785 section 3.2.2.2: short escapes, lowercase \u00xx, everything else as itself.
        let actor = "\u{20ac}$\u{000f}\nA'B\"\\\\\"/\u{7f}\u{2028}\u{1f600}\u{8}\u{c}\r\t";
        let entry = Envelope { actor, ..envelope() }.entry_bytes().unwrap();
        let expected =
            "{\"actor\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\u{7f}\u{2028}\u{1f600}\\b\\f\\r\\t\",";
        assert!(String::from_utf8(entry).unwrap().starts_with(expected));
    }

    #[test]
    fn keys_are_sorted_and_every_field_changes_the_leaf() {
        let entry = envelope().entry_bytes().unwrap();
        let sorted: std::collections::BTreeMap<String, serde_json::Value> =
            serde_json::from_slice(&entry).unwrap();
        assert_eq!(serde_json::to_vec(&sorted).unwrap(), entry);
        let other = Hash::of(b"other");
        let changed = [
            Envelope {
                actor: "actor-8",
                ..envelope()
            },
            Envelope {
                body: other,
                ..envelope()
            },
            Envelope {
                kind: "promotion_held",
                ..envelope()
            },
            Envelope {
                kind_version: 2,
                ..envelope()
            },
            Envelope {
                private: other,
                ..envelope()
            },
            Envelope {
                stream: "promotion/43",
                ..envelope()
            },
            Envelope {
                stream_version: 4,
                ..envelope()
            },
            Envelope {
                time_micros: 0,
                ..envelope()
            },
        ];
        let mut leaves: Vec<Hash> = changed.iter().map(|envelope| envelope.leaf().unwrap()).collect();
        leaves.push(envelope().leaf().unwrap());
        leaves.sort_unstable();
        leaves.dedup();
        assert_eq!(leaves.len(), sorted.len() + 1);
    }

    #[test]
    fn an_entry_of_the_limit_passes_and_one_byte_more_is_refused() {
        let spare = MAX_ENTRY - envelope().entry_bytes().unwrap().len();
        let longest = format!("promotion/42{}", "x".repeat(spare));
        assert_eq!(
            Envelope {
                stream: &longest,
                ..envelope()
            }
            .entry_bytes()
            .unwrap()
            .len(),
            MAX_ENTRY
        );
        let refused = Envelope {
            stream: &format!("{longest}x"),
            ..envelope()
        }
        .leaf();
        assert_eq!(refused, Err(LeafError::TooLong { len: 65_536 }));
    }

    #[test]
    fn numbers_that_readers_would_round_are_refused() {
        let last = i64::try_from(MAX_EXACT).unwrap();
        assert!(
            Envelope {
                time_micros: -last,
                stream_version: MAX_EXACT,
                ..envelope()
            }
            .leaf()
            .is_ok()
        );
        for time_micros in [last + 1, -last - 1, i64::MIN] {
            let refused = Envelope {
                time_micros,
                ..envelope()
            }
            .leaf();
            assert_eq!(refused, Err(LeafError::NotExact { field: "time_micros" }));
        }
        let refused = Envelope {
            stream_version: MAX_EXACT + 1,
            ..envelope()
        }
        .leaf();
        assert_eq!(
            refused,
            Err(LeafError::NotExact {
                field: "stream_version"
            })
        );
    }

    #[test]
    fn a_salted_hash_depends_on_salt_and_payload() {
        let hash = salted(&[1; 16], b"Ada");
        assert_eq!(
            hash,
            Hash::of(b"\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01Ada")
        );
        assert_ne!(hash, salted(&[2; 16], b"Ada"));
        assert_ne!(hash, salted(&[1; 16], b"Bob"));
    }
}
