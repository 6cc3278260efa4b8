//! The store in a PostgreSQL database, for several servers at once: none leads, each has a connection that writes and as
//! many as it asks for that read.

mod access;
mod address;
mod append;
mod batch;
mod blobs;
mod copy;
mod direct;
mod error;
mod link;
mod listen;
mod place;
mod plan;
mod private;
mod read;
mod rows;
mod schema;
mod settle;
mod sql;
#[cfg(test)]
mod tests;
mod ticks;
mod tls;
mod whole;
mod work;

use std::collections::BTreeSet;
use std::time::Duration;

use gateline_model::{Digest, PromotionId, Span, Tick, Work, WorkId};
use jiff::Timestamp;

pub use self::address::{
    CONNECT_TIMEOUT, KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_RETRIES, PostgresAddress, TCP_USER_TIMEOUT,
};
pub use self::error::PostgresError;
pub use self::link::{ANSWER_WITHIN, IDLE_IN_TRANSACTION_TIMEOUT, LOCK_TIMEOUT, READ_WITHIN};
pub use self::listen::PostgresListener;
use self::place::Place;
pub use self::settle::SETTLE_WITHIN;
use crate::{Append, AppendError, Committed, EndSessions, Fence, Leased, Row, Session, Store, StoreError};

/// Whose clock says what is due, and until when a lease lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseClock {
    /// The database's: the same for all who share it.
    Database,
    /// The caller's: for tests, and for one who is alone.
    Caller,
}

/// The store in a PostgreSQL database, with the right to write.
#[derive(Debug)]
pub struct PostgresStore {
    place: Place,
    leases: LeaseClock,
    /// By what name the database knows this writer's batches.
    name: String,
    /// Number of the last batch that was tried.
    batch: i64,
}

/// A connection to the same database that only reads.
#[derive(Debug)]
pub struct PostgresReader {
    place: Place,
}

/// The database's time, as it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatabaseTime {
    /// What its clock showed, at some moment between the question and the answer.
    pub at: Timestamp,
    /// How long the answer took.
    pub took: Duration,
}

impl PostgresStore {
    /// Connects, and brings the tables forward: one server at a time does, the others wait for it.
    ///
    /// # Errors
    /// [`PostgresError`], each with its remedy: nobody answers, the password is wrong, the tables are newer.
    pub fn open(address: &PostgresAddress) -> Result<Self, PostgresError> {
        let place = Place::open(address)?;
        let name = schema::bring_forward(&place)?;
        place.prepare()?;
        Ok(Self {
            place,
            leases: LeaseClock::Database,
            name,
            batch: 0,
        })
    }

    /// The same store, with leases by this clock.
    #[must_use]
    pub fn with_leases_by(mut self, clock: LeaseClock) -> Self {
        self.leases = clock;
        self
    }

    /// Where it is.
    pub fn address(&self) -> &PostgresAddress {
        &self.place.address
    }

    /// Whether nobody stands between it and its server: then it can be woken by notifications.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be reached.
    pub fn is_direct(&self) -> Result<bool, StoreError> {
        self.place.is_direct()
    }

    /// By what name the others know what it writes.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A reader of the same database, for another thread. It connects when it is used first.
    pub fn reader(&self) -> PostgresReader {
        PostgresReader::at(&self.place.address)
    }
}

impl PostgresReader {
    /// Connects for reading; servers may be using the database. Where one host is named, it may be a standby.
    ///
    /// # Errors
    /// [`PostgresError`]: nobody answers, it is not ours, or its tables are older or newer.
    pub fn open(address: &PostgresAddress) -> Result<Self, PostgresError> {
        let place = Place::open(&address.to_read())?;
        schema::is_ours(&place)?;
        Ok(Self { place })
    }

    /// Reads a database whose tables were looked at already. It connects when it is used first, and again when it has to.
    pub fn at(address: &PostgresAddress) -> Self {
        Self {
            place: Place::at(address),
        }
    }

    /// Wakes all who listen, with the name of who does: there may be news.
    ///
    /// # Errors
    /// [`StoreError`]; nothing depends on it.
    pub fn wake_others(&self, name: &str) -> Result<(), StoreError> {
        self.place
            .read("wake the other replicas", &sql::NOTIFY, &[&name])
            .map(drop)
    }

    /// Tables and indexes that are not there.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be looked at.
    pub fn faults(&self) -> Result<Vec<String>, StoreError> {
        let rows = self
            .place
            .read("look at the tables", &sql::MISSING, &[&schema::names()])?;
        let missing = rows.iter().map(|row| read::column::<String>(row, 0));
        missing
            .map(|name| Ok(format!("`gateline.{}` is missing", name?)))
            .collect()
    }

    /// The database's time.
    ///
    /// # Errors
    /// [`StoreError`] when it does not answer.
    pub fn time(&self) -> Result<DatabaseTime, StoreError> {
        let asked = std::time::Instant::now();
        let rows = self.place.read("ask for the time", &sql::TIME, &[])?;
        let took = asked.elapsed();
        let row = rows
            .first()
            .ok_or_else(|| read::damaged("the time", "there is none"))?;
        let at = read::time(read::column(row, 0)?)?;
        Ok(DatabaseTime { at, took })
    }

    /// Lets all reads of `look` see the database at one moment. Old versions of rows are kept for it: be brief.
    ///
    /// # Errors
    /// [`StoreError`] if the moment cannot be taken, and what `look` fails with.
    pub fn at_one_moment<T, E: From<StoreError>>(
        &self,
        look: impl FnOnce(&Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.place.begin_moment()?;
        let looked = look(self);
        self.place.end_moment();
        looked
    }
}

impl Store for PostgresStore {
    fn append(
        &mut self,
        now: Timestamp,
        batch: &[Append],
    ) -> Result<Vec<Result<Committed, AppendError>>, StoreError> {
        append::append(self, now, batch)
    }

    fn lease(
        &mut self,
        now: Timestamp,
        owner: &str,
        limit: usize,
        lease_for: Span,
    ) -> Result<Vec<Leased>, StoreError> {
        work::lease(self, now, owner, limit, lease_for)
    }

    fn release(&mut self, fence: &Fence, due: Timestamp) -> Result<bool, StoreError> {
        work::move_held(self, "release work", &sql::WORK_RELEASE, fence, due)
    }

    fn renew(&mut self, fence: &Fence, until: Timestamp) -> Result<bool, StoreError> {
        work::move_held(self, "renew a lease", &sql::WORK_RENEW, fence, until)
    }

    fn put_ticks(&mut self, rollout: &PromotionId, ticks: &[Tick]) -> Result<Digest, StoreError> {
        ticks::put(self, rollout, ticks)
    }

    fn rebuild(&mut self, rows: &[Row], work: &[Work], afresh: &BTreeSet<WorkId>) -> Result<(), StoreError> {
        whole::rebuild(self, rows, work, afresh)
    }

    fn put_session(&mut self, session: &Session) -> Result<(), StoreError> {
        access::put(self, session)
    }

    fn use_session(&mut self, id: &Digest, at: Timestamp) -> Result<(), StoreError> {
        access::used(self, id, at)
    }

    fn end_sessions(&mut self, which: &EndSessions) -> Result<usize, StoreError> {
        access::end(self, which)
    }

    fn try_write(&mut self) -> Result<(), StoreError> {
        settle::try_write(self)
    }

    fn erase(&mut self, numbers: &[u64]) -> Result<usize, StoreError> {
        private::erase(self, numbers)
    }
}
