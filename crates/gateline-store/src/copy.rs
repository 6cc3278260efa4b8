//! Copying: a store told entry by entry, and another one filled with it. Log numbers, bodies, leaves and the root stay what
//! they are; each is checked on the way.
//!
//! Sessions are left behind: people sign in again. So are leases: who held one has it no more.

use std::collections::HashMap;

use gateline_log::{Frontier, Hash};
use gateline_model::Digest;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{Head, RawEvent, Row, StoreError, blob, kept, ticks};

/// Most events of one entry.
pub(crate) const ENTRY_EVENTS_MAX: usize = 500;

/// A part of a store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case", deny_unknown_fields)]
pub enum Entry {
    /// The first: what the log comes to, and the last fence that a lease was given.
    Head {
        /// How many events there are.
        size: u64,
        /// Time of the last one, in microseconds since 1970-01-01T00:00:00Z.
        at_micros: i64,
        /// Merkle root over all leaves.
        #[serde(with = "text")]
        root: Vec<u8>,
        /// The last fence.
        fence: u64,
    },
    /// Events in log order.
    Events {
        /// As they are kept.
        events: Vec<RawEvent>,
    },
    /// The key of an accepted command.
    Key {
        /// Actor, route and key.
        scope: String,
        /// Digest of the request.
        request: Digest,
        /// First and last number of its events.
        range: Option<(u64, u64)>,
        /// When it was accepted, in microseconds.
        at_micros: i64,
    },
    /// A piece of planned work. Its lease is left behind, the count of its attempts is not.
    Work {
        /// Its id.
        id: String,
        /// Its kind, as JSON.
        kind: String,
        /// When it is due, in microseconds.
        due_micros: i64,
        /// The fence of its last lease.
        fence: u64,
        /// Counts the leases.
        attempt: u32,
    },
    /// A rollout's ticks.
    Ticks {
        /// The text of the promotion.
        promotion: String,
        /// Root of their chain.
        root: Digest,
        /// As they are kept, in order.
        lines: Vec<String>,
    },
    /// Content; its pieces follow.
    Content {
        /// Its digest.
        digest: Digest,
        /// Its length.
        bytes: u64,
    },
    /// The next piece of the content in front of it.
    Piece {
        /// 0 as it is, 1 with zlib.
        form: i64,
        /// As it is kept.
        #[serde(with = "text")]
        packed: Vec<u8>,
    },
    /// A row of a read model.
    Row {
        /// The row.
        of: Row,
    },
    /// The hash of an account's password.
    Password {
        /// Whose.
        account: String,
        /// In PHC form.
        hash: String,
    },
    /// The last.
    End {},
}

/// Why a copy was not made. Then nothing was kept of it.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// There is something in it already.
    #[error("the store that is to be filled is not empty; name one that no server has used")]
    NotEmpty,
    /// What is told does not fit together.
    #[error("{what} is not what was recorded: {why}; nothing was kept")]
    Damaged {
        /// Which part.
        what: String,
        /// How it shows.
        why: String,
    },
    /// Somebody wrote to the store that is told.
    #[error(
        "a server wrote {0} more events while it was copied; nothing was kept: stop all its servers and copy it again"
    )]
    Moved(u64),
    /// It could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It ends too early, or cannot be read.
    #[error("{0}")]
    Unreadable(String),
}

/// Takes entries.
pub type Hear<'a> = dyn FnMut(Entry) -> Result<(), CopyError> + 'a;
/// Gives entries, one after another, to who takes them.
pub type Tell<'a> = dyn FnMut(&mut Hear<'_>) -> Result<(), CopyError> + 'a;

/// A store that tells all that is in it, as it is at one moment.
pub trait Told {
    /// Gives every entry, from [`Entry::Head`] to [`Entry::End`].
    ///
    /// # Errors
    /// [`CopyError`]: what `hear` fails with, or what could not be read.
    fn tell(&self, hear: &mut Hear<'_>) -> Result<(), CopyError>;
}

/// A store that can be filled while it is empty.
pub trait Filled {
    /// Keeps all that is told, in one transaction, and gives the end of the log.
    ///
    /// # Errors
    /// [`CopyError`]: it is not empty, or what is told does not fit together. Then nothing is kept.
    fn fill(&mut self, tell: &mut Tell<'_>) -> Result<Head, CopyError>;
}

/// What was told so far, held against what it must come to.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    head: Option<(u64, i64, Vec<u8>)>,
    pub frontier: Frontier,
    at_micros: i64,
    versions: HashMap<String, i64>,
    content: Option<Content>,
    is_over: bool,
}

#[derive(Debug)]
struct Content {
    digest: Digest,
    bytes: u64,
    next: u64,
    hash: Sha256,
}

fn damaged(what: impl Into<String>, why: impl ToString) -> CopyError {
    CopyError::Damaged {
        what: what.into(),
        why: why.to_string(),
    }
}

impl Checked {
    /// Holds an entry against those before it.
    pub(crate) fn take(&mut self, entry: &Entry) -> Result<(), CopyError> {
        if self.is_over || (self.head.is_none() && !matches!(entry, Entry::Head { .. })) {
            return Err(damaged(
                "the order of what is told",
                "it does not begin and end where it must",
            ));
        }
        if !matches!(entry, Entry::Piece { .. }) {
            self.content_is_whole()?;
        }
        match entry {
            Entry::Head {
                size,
                at_micros,
                root,
                fence,
            } => {
                if *fence > kept::FENCE_MAX {
                    return Err(damaged(
                        "the last fence",
                        "no lease was ever given so many before it",
                    ));
                }
                if self.head.replace((*size, *at_micros, root.clone())).is_some() {
                    return Err(damaged("the head", "it is told twice"));
                }
            }
            Entry::Events { events } => events.iter().try_for_each(|raw| self.event(raw))?,
            Entry::Work {
                id, kind, due_micros, ..
            } => {
                kept::work(id, kind, kept::time(*due_micros)?)?;
            }
            Entry::Ticks {
                promotion,
                root,
                lines,
            } => {
                let chained = lines.iter().fold(ticks::empty_root(), |root, line| {
                    ticks::chain(&root, line.as_bytes())
                });
                if chained != *root {
                    return Err(damaged(
                        format!("the ticks of `{promotion}`"),
                        "their chain ends in another root",
                    ));
                }
            }
            Entry::Content { digest, bytes } => {
                self.content = Some(Content {
                    digest: *digest,
                    bytes: *bytes,
                    next: 0,
                    hash: Sha256::new(),
                });
            }
            Entry::Piece { form, packed } => self.piece(*form, packed)?,
            Entry::End {} => {
                self.is_over = true;
                self.ends()?;
            }
            Entry::Key { .. } | Entry::Row { .. } | Entry::Password { .. } => {}
        }
        Ok(())
    }

    fn event(&mut self, raw: &RawEvent) -> Result<(), CopyError> {
        let what = || format!("event {}", raw.number);
        if raw.number != self.frontier.size() {
            return Err(damaged(what(), format!("event {} was due", self.frontier.size())));
        }
        if let Some(difference) = raw.differences().first() {
            return Err(damaged(what(), difference));
        }
        let version = self.versions.entry(raw.stream.clone()).or_default();
        *version += 1;
        if raw.version != *version || raw.at_micros < self.at_micros {
            return Err(damaged(what(), "it is out of its order"));
        }
        raw.recorded()?;
        self.at_micros = raw.at_micros;
        let leaf = Hash::try_from(raw.leaf.as_slice()).map_err(|err| damaged(what(), err))?;
        self.frontier.append(leaf);
        Ok(())
    }

    fn piece(&mut self, form: i64, packed: &[u8]) -> Result<(), CopyError> {
        let content = self
            .content
            .as_mut()
            .ok_or_else(|| damaged("a piece of content", "it belongs to none"))?;
        let length = blob::piece_length(content.bytes, content.next);
        let piece = blob::unpack(form, packed, length)
            .map_err(|why| damaged(format!("content `{}`", content.digest), why))?;
        content.hash.update(&piece);
        content.next += 1;
        Ok(())
    }

    fn content_is_whole(&mut self) -> Result<(), CopyError> {
        let Some(content) = self.content.take() else {
            return Ok(());
        };
        let is_whole = blob::piece_length(content.bytes, content.next) == 0
            && Digest::from_bytes(content.hash.finalize().into()) == content.digest;
        match is_whole {
            true => Ok(()),
            false => Err(damaged(
                format!("content `{}`", content.digest),
                "its pieces do not make it",
            )),
        }
    }

    fn ends(&self) -> Result<(), CopyError> {
        let Some((size, at_micros, root)) = &self.head else {
            return Err(damaged("the log", "it has no head"));
        };
        let found = self.frontier.root();
        if self.frontier.size() != *size || found.as_bytes()[..] != root[..] {
            let why = format!(
                "{} events make root {found}, and the head says otherwise",
                self.frontier.size()
            );
            return Err(damaged("the log", why));
        }
        match *size == 0 || self.at_micros == *at_micros {
            true => Ok(()),
            false => Err(damaged(
                "the log",
                "its head has another time than its last event",
            )),
        }
    }

    /// The end of the log, once all of it was told.
    pub(crate) fn finish(&self) -> Result<Head, CopyError> {
        let head = self.head.as_ref().filter(|_| self.is_over);
        let (size, at, _) = head.ok_or_else(|| {
            CopyError::Unreadable(
                "it ends before its end was told: it was cut off; nothing was kept".to_owned(),
            )
        })?;
        Ok(Head {
            size: *size,
            at: kept::time(*at)?,
            root: self.frontier.root(),
        })
    }
}

/// The parts that every store reads alike: the log, the planned work and the rows.
pub(crate) fn tell_common(store: &dyn crate::Read, fence: u64, hear: &mut Hear<'_>) -> Result<(), CopyError> {
    let head = store.head()?;
    hear(Entry::Head {
        size: head.size,
        at_micros: head.at.as_microsecond(),
        root: head.root.as_bytes().to_vec(),
        fence,
    })?;
    let mut next = 0;
    while next < head.size {
        let events = store.raw(next, ENTRY_EVENTS_MAX)?;
        let Some(last) = events.last() else {
            return Err(damaged("the log", format!("event {next} is missing")));
        };
        next = last.number + 1;
        hear(Entry::Events { events })?;
    }
    for row in store.work()? {
        hear(Entry::Work {
            id: row.work.id().0,
            kind: kept::kind(&row.work),
            due_micros: row.work.due.as_microsecond(),
            fence: row.fence,
            attempt: row.attempt,
        })?;
    }
    for row in store.rows()? {
        hear(Entry::Row { of: row? })?;
    }
    Ok(())
}

/// Bytes as base64 in texts.
pub(crate) mod text {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        STANDARD.decode(text.as_bytes()).map_err(D::Error::custom)
    }

    pub(crate) mod some {
        use serde::{Deserialize, Deserializer, Serialize as _, Serializer};

        #[derive(serde::Serialize, Deserialize)]
        struct Bytes(#[serde(with = "super")] Vec<u8>);

        pub(crate) fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, to: S) -> Result<S::Ok, S::Error> {
            bytes.clone().map(Bytes).serialize(to)
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<u8>>, D::Error> {
            Ok(Option::<Bytes>::deserialize(from)?.map(|bytes| bytes.0))
        }
    }
}
