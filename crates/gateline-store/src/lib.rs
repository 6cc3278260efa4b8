//! The memory: appends batches of events, reads them back, leases planned work, keeps blobs and ticks.
//!
//! One contract ([`Store`], and [`Read`] for its reading half), held by every store under the same suite (`contract`).
//! Knows no pipeline, gate or judgement: it never folds. Knows no clock: callers pass `now`.
//!
//! Times are kept in whole microseconds: `now` is cut, a time until which something waits is rounded up.

mod access;
mod blob;
mod check;
#[cfg(test)]
mod contract;
mod copy;
mod erased;
mod kept;
mod leaf;
mod mem;
mod micros;
mod postgres;
mod raw;
mod rows;
mod sqlite;
mod ticks;
mod upcast;

pub use access::*;
pub use blob::{BLOB_MEMORY_BYTES_MAX, Blob, BlobError, BlobReading, PIECE_BYTES};
pub use check::Accepted;
pub use copy::{CopyError, Entry, Filled, Hear, Tell, Told};
pub use mem::MemStore;
pub use postgres::{
    ANSWER_WITHIN, CONNECT_TIMEOUT, DatabaseTime, IDLE_IN_TRANSACTION_TIMEOUT, KEEPALIVE_IDLE,
    KEEPALIVE_INTERVAL, KEEPALIVE_RETRIES, LOCK_TIMEOUT, LeaseClock, PostgresAddress, PostgresError,
    PostgresListener, PostgresReader, PostgresStore, READ_WITHIN, SETTLE_WITHIN, TCP_USER_TIMEOUT,
};
pub use raw::{Difference, RawEvent};
pub use rows::*;
pub use sqlite::{SqliteError, SqliteReader, SqliteStore};
pub use ticks::tick_roots;

use std::collections::BTreeSet;
use std::sync::Arc;

use gateline_log::Hash;
use gateline_model::{
    ActorId, Digest, Event, Private, PromotionId, Recorded, Span, StreamId, Tick, Work, WorkId,
};
use jiff::Timestamp;

/// Most appends that one commit takes. More than this gains nothing and makes the first one wait.
pub const BATCH_APPENDS_MAX: usize = 256;
/// Most events, leaves or rows that one read returns.
pub const READ_EVENTS_MAX: usize = 10_000;
/// How long the key of an accepted command is remembered.
pub const IDEMPOTENCY_KEPT: Span = Span::from_secs(7 * 86_400);

/// One event that is to be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// Where to.
    pub stream: StreamId,
    /// What happened.
    pub event: Event,
    /// The erasable part. The store draws no salt: the rim does.
    pub private: Option<(Salt, Private)>,
}

/// Sixteen random bytes that keep an erased payload from being guessed from its hash.
pub type Salt = [u8; 16];

/// What makes a repeated command recognisable: actor, route and key, and a digest of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// Actor, route and key in one text.
    pub scope: String,
    /// Digest of the request: the same key with another request is refused.
    pub request: Digest,
}

/// The lease that a report was made under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// The work.
    pub work: WorkId,
    /// The fence that the lease raised.
    pub fence: u64,
}

/// One command's effect: all of it is committed, or none.
#[derive(Debug, Clone, PartialEq)]
pub struct Append {
    /// Recognises the command when it is sent again.
    pub key: Option<IdempotencyKey>,
    /// Versions of the streams that were read or will be written. Every written stream is among them.
    pub expects: Vec<(StreamId, u64)>,
    /// The last moment at which it may be recorded: what was decided by the clock is too old after it.
    pub by: Option<Timestamp>,
    /// The lease that must still be held. It ends with this append: the work goes if it is in `work_remove`, and is
    /// free again at its due time if it is not.
    pub fence: Option<Fence>,
    /// Who caused it.
    pub actor: ActorId,
    /// The events, in order.
    pub events: Vec<NewEvent>,
    /// Work that the written streams plan now and did not before. One that is there already is left alone.
    pub work_add: Vec<Work>,
    /// Work that they do not plan any more. Removed before `work_add` adds: what is in both starts afresh.
    pub work_remove: Vec<WorkId>,
    /// Rows of read models to insert or replace.
    pub rows: Vec<Row>,
    /// Content to keep by digest. What is kept already is not kept again.
    pub blobs: Vec<Arc<Blob>>,
    /// Passwords that change with it. In no leaf and in no read model.
    pub passwords: Vec<PasswordChange>,
}

/// What became of an append that was accepted.
#[derive(Debug, Clone, PartialEq)]
pub enum Committed {
    /// Its events are in the log.
    Appended(Vec<Recorded>),
    /// The same command was accepted before, with these log numbers (first, last; none if it recorded nothing).
    Before(Option<(u64, u64)>),
}

/// Why one append was not accepted. Its neighbours in the batch are not touched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Another request was accepted under this key.
    #[error("the idempotency key was used for another request; use a new key")]
    KeyReused,
    /// The lease was lost: somebody else has, or had, the work.
    #[error("the lease of `{0}` is lost")]
    Fenced(WorkId),
    /// A stream moved on since it was read.
    #[error("`{stream}` is at version {found}, not {expected}")]
    Conflict {
        /// Which.
        stream: StreamId,
        /// The version that was read.
        expected: u64,
        /// The version that it has.
        found: u64,
    },
    /// It comes after the last moment at which it may be recorded.
    #[error("it was to be recorded by {by}, and it is {at}")]
    Late {
        /// Until when it might.
        by: Timestamp,
        /// The moment of the commit.
        at: Timestamp,
    },
    /// An event would be kept in a form that nobody can read again.
    #[error("`{event}` would not read back as it was written: {why}")]
    Unreadable {
        /// The event's name.
        event: &'static str,
        /// What does not read back.
        why: String,
    },
}

/// Why nothing of a call happened, or why nobody knows whether it did.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store did not take it; nothing was committed. Try again later.
    #[error("could not {doing}: {why}")]
    Unavailable {
        /// What was being done.
        doing: &'static str,
        /// What went wrong, and what to do.
        why: String,
    },
    /// The acknowledgement is lost: the batch may or may not be committed. Read before deciding again.
    #[error("could not learn whether the commit happened: {why}")]
    Unknown {
        /// What went wrong.
        why: String,
    },
    /// What was read is not what was written.
    #[error("{what} is damaged: {why}; run `gateline doctor`")]
    Damaged {
        /// Which record.
        what: String,
        /// How it shows.
        why: String,
    },
    /// A newer Gateline wrote this.
    #[error(
        "{what} is of version {found}, this Gateline reads up to version {known}; start the newer Gateline again"
    )]
    Newer {
        /// Which record.
        what: String,
        /// Its version.
        found: u16,
        /// The newest version that this build reads.
        known: u16,
    },
}

/// The end of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// How many events there are; the next log number.
    pub size: u64,
    /// Time of the last one; 1970-01-01 where there is none.
    pub at: Timestamp,
    /// Merkle root over all leaves.
    pub root: Hash,
}

/// A piece of work that is this replica's for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leased {
    /// The work.
    pub work: Work,
    /// Reports must carry it. No two leases of a store have the same.
    pub fence: u64,
    /// Counts the leases of this work from 1.
    pub attempt: u32,
}

/// A row of planned work as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkRow {
    /// The work; `due` is when it may be leased next.
    pub work: Work,
    /// The last lease's; 0 before the first.
    pub fence: u64,
    /// Counts the leases.
    pub attempt: u32,
    /// Until when somebody has it.
    pub leased_until: Option<Timestamp>,
}

impl WorkRow {
    /// When it may be leased next: when it is due, and nobody has it any more.
    pub fn free_at(&self) -> Timestamp {
        self.leased_until
            .map_or(self.work.due, |until| until.max(self.work.due))
    }
}

/// Which events to look for. Newest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Search {
    /// Only this stream.
    pub stream: Option<StreamId>,
    /// Only streams whose text begins so, as in `stage/payments/`.
    pub stream_prefix: Option<String>,
    /// Only events of this name.
    pub event: Option<String>,
    /// Only this actor.
    pub actor: Option<ActorId>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// Only log numbers below this one: the page after it.
    pub before: Option<u64>,
    /// At most so many; capped at [`READ_EVENTS_MAX`].
    pub limit: usize,
}

/// The reading half of a store's contract. All methods are synchronous.
pub trait Read: Send {
    /// The end of the log.
    fn head(&self) -> Result<Head, StoreError>;

    /// Events from this log number on, oldest first; at most [`READ_EVENTS_MAX`].
    fn read(&self, from: u64, limit: usize) -> Result<Vec<Recorded>, StoreError>;

    /// A stream's events after this version, oldest first; all of them.
    fn read_stream(&self, stream: &StreamId, after: u64) -> Result<Vec<Recorded>, StoreError>;

    /// Events that match, newest first.
    fn search(&self, search: &Search) -> Result<Vec<Recorded>, StoreError>;

    /// Leaf hashes from this log number on, for proofs; at most [`READ_EVENTS_MAX`].
    fn leaves(&self, from: u64, limit: usize) -> Result<Vec<Hash>, StoreError>;

    /// Events as they are kept, from this log number on, for hashing them again; at most [`READ_EVENTS_MAX`].
    fn raw(&self, from: u64, limit: usize) -> Result<Vec<RawEvent>, StoreError>;

    /// When work is free next, be it that its lease expires; none when there is no work.
    fn next_due(&self) -> Result<Option<Timestamp>, StoreError>;

    /// All planned work, by id. For `doctor` and the simulation.
    fn work(&self) -> Result<Vec<WorkRow>, StoreError>;

    /// What is kept beside the log, comes of no fold and cannot be, a sentence each: work that is free at another time than
    /// its row says, a fence below one that was given, a key of events that are not there. For `doctor`.
    fn unsound(&self) -> Result<Vec<String>, StoreError>;

    /// All ticks of a rollout in the order they were put, and their root.
    fn ticks(&self, rollout: &PromotionId) -> Result<(Vec<Tick>, Digest), StoreError>;

    /// A rollout's ticks for a picture: of each arm the last one at or before each of about this many moments, evenly
    /// spread, in order of time. The work does not grow with the rollout; nothing is proved by it.
    fn sample_ticks(&self, rollout: &PromotionId, moments: usize) -> Result<Vec<Tick>, StoreError>;

    /// How many bytes of content are kept under a digest.
    fn blob_bytes(&self, digest: &Digest) -> Result<Option<u64>, StoreError>;

    /// One piece of content, from 0, with [`PIECE_BYTES`] or what is left. [`BlobReading`] holds all of them against the
    /// digest; a single piece is not.
    fn blob_piece(&self, digest: &Digest, number: u64) -> Result<Option<Vec<u8>>, StoreError>;

    /// Content by digest, all of it in memory: for what is short. [`BlobReading`] is for what is not.
    fn blob(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(mut reading) = BlobReading::begin(self, digest)? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        while let Some(piece) = reading.next(self)? {
            bytes.extend_from_slice(&piece);
        }
        Ok(Some(bytes))
    }

    /// The request that was accepted under an idempotency key, if it is remembered.
    fn accepted(&self, scope: &str) -> Result<Option<Accepted>, StoreError>;

    /// Promotions that match, newest first.
    fn promotions(&self, search: &PromotionSearch) -> Result<Vec<PromotionRow>, StoreError>;

    /// Releases that match, newest first.
    fn releases(&self, search: &ReleaseSearch) -> Result<Vec<ReleaseRow>, StoreError>;

    /// The hash of an account's password.
    fn password(&self, account: &ActorId) -> Result<Option<String>, StoreError>;

    /// The session with this id, be its time over or not.
    fn session(&self, id: &Digest) -> Result<Option<Session>, StoreError>;

    /// All sessions of an actor, the newest first.
    fn sessions(&self, actor: &ActorId) -> Result<Vec<Session>, StoreError>;

    /// All rows of the read models, promotions first, each by id; a row that does not read back, or that is filed
    /// under another row's keys, is an error of its own. For `doctor`.
    fn rows(&self) -> Result<Vec<Result<Row, StoreError>>, StoreError>;
}

/// The contract of every store. One writer at a time; all methods are synchronous.
pub trait Store: Read {
    /// Commits a batch in one transaction and answers for each append in order. Either the call fails as a whole and
    /// nothing is committed, or every accepted append is durable when it returns. An append sees what those before it
    /// in the batch did. Events are stamped `max(now, time of the log's head)`. With an event `text_erased` the erasable
    /// parts that it names go in the same transaction.
    fn append(
        &mut self,
        now: Timestamp,
        batch: &[Append],
    ) -> Result<Vec<Result<Committed, AppendError>>, StoreError>;

    /// Leases up to `limit` pieces of work that are due and free, the longest free first, then by id.
    fn lease(
        &mut self,
        now: Timestamp,
        owner: &str,
        limit: usize,
        lease_for: Span,
    ) -> Result<Vec<Leased>, StoreError>;

    /// Gives a lease back: the work is due again at `due`. A lost lease is a no-op; tells whether it was held.
    /// An expired lease is held until somebody else takes the work.
    fn release(&mut self, fence: &Fence, due: Timestamp) -> Result<bool, StoreError>;

    /// Extends a lease. A lost lease is a no-op; tells whether it was held.
    fn renew(&mut self, fence: &Fence, until: Timestamp) -> Result<bool, StoreError>;

    /// Appends ticks to a rollout. Idempotent by (rollout, arm, time). Returns the root: a chain in which each tick's
    /// hash covers the one before it, so that it does not matter in which chunks they came.
    fn put_ticks(&mut self, rollout: &PromotionId, ticks: &[Tick]) -> Result<Digest, StoreError>;

    /// Replaces all rows of the read models, and makes the planned work be this: what is not among it goes, what is
    /// there already is left alone with its lease, unless it is to start `afresh`. Mends what is [unsound](Read::unsound).
    /// For `doctor --rebuild`.
    fn rebuild(&mut self, rows: &[Row], work: &[Work], afresh: &BTreeSet<WorkId>) -> Result<(), StoreError>;

    /// Keeps a session. Beyond [`SESSIONS_PER_ACTOR_MAX`] the actor's oldest go.
    fn put_session(&mut self, session: &Session) -> Result<(), StoreError>;

    /// Notes that a session was used. One that has ended stays so, and time never goes back.
    fn use_session(&mut self, id: &Digest, at: Timestamp) -> Result<(), StoreError>;

    /// Ends sessions, and tells how many.
    fn end_sessions(&mut self, which: &EndSessions) -> Result<usize, StoreError>;

    /// Writes something that changes nothing, as durably as an append: whether the store takes writes again.
    fn try_write(&mut self) -> Result<(), StoreError>;

    /// Erases the erasable part of these events and tells how many had one, once more: for `doctor --rebuild`, where a part
    /// is there that the log says was erased; then no space that is unused has its bytes either. Leaves and envelopes stay as they are; the fold is unchanged.
    fn erase(&mut self, numbers: &[u64]) -> Result<usize, StoreError>;
}
