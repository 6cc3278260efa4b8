//! The store in one SQLite file: the embedded default. One writer, and as many readers beside it as are asked for.

mod access;
mod append;
mod blobs;
mod copy;
mod error;
mod lock;
mod private;
mod read;
mod rows;
mod schema;
mod sql;
mod tail;
#[cfg(test)]
mod tests;
mod ticks;
mod whole;
mod work;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gateline_model::{Digest, PromotionId, Span, Tick, Work, WorkId};
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

pub use self::error::SqliteError;
use self::error::why;
use self::tail::Tail;
use crate::{Append, AppendError, Committed, EndSessions, Fence, Leased, Row, Session, Store, StoreError};

/// How long a statement waits for another process that looks into the file, as `sqlite3` does.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// More than there are statements: each is prepared once.
const STATEMENTS_CACHED: usize = 96;

/// Settings of every connection.
const SETTINGS: &str = "PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY;";
/// Of the one that writes. Nothing is acknowledged that a power failure could take back. 64 MiB of pages are the indexes of a
/// million events. The write-ahead log is carried over at 4,000 pages, 16 MiB: a page that several batches touch is carried
/// once, and with 64 clients that is a fifth more decisions than at SQLite's own 1,000. Later is faster still, but then those
/// who wait meanwhile wait longer.
const WRITER: &str =
    "PRAGMA synchronous = FULL; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 4000;";
/// Of each that reads. 8 MiB: there are several, and the kernel keeps the file's pages for all of them.
const READER: &str = "PRAGMA cache_size = -8192;";

/// The store in one SQLite file, with the right to write. At most one per file, held by a lock file beside it.
#[derive(Debug)]
pub struct SqliteStore {
    conn: Connection,
    path: PathBuf,
    /// What the writer remembers between batches; none after a failure, then it is read again.
    tail: Option<Tail>,
    /// Whether the write-ahead log may still have pages with a text that was erased.
    old_pages: bool,
    /// After `conn`: the database is closed before another server may open it.
    _lock: File,
}

/// A second connection to the same file, for reading while the writer writes.
#[derive(Debug)]
pub struct SqliteReader {
    conn: Connection,
}

/// What reads go through: the same code serves both.
trait Connected {
    fn conn(&self) -> &Connection;
}

impl Connected for SqliteStore {
    fn conn(&self) -> &Connection {
        &self.conn
    }
}

impl Connected for SqliteReader {
    fn conn(&self) -> &Connection {
        &self.conn
    }
}

impl SqliteStore {
    /// Opens the file, makes it if there is none, and brings its tables forward.
    ///
    /// # Errors
    /// [`SqliteError`], each with its remedy: another server has the file, it is read-only, not ours, or newer.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SqliteError> {
        // The lock file stands beside the real file, whatever link leads there.
        let path = path
            .as_ref()
            .canonicalize()
            .unwrap_or_else(|_| path.as_ref().to_owned());
        let failed = |err: rusqlite::Error| SqliteError::Open {
            path: path.clone(),
            why: why(&err),
        };
        is_no_pipe(&path)?;
        let lock = lock::lock(&path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut conn = Connection::open_with_flags(&path, flags).map_err(failed)?;
        conn.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
        schema::version(&conn, &path)?;
        if conn.is_readonly("main").map_err(failed)? {
            return Err(SqliteError::ReadOnly(path));
        }
        let mode: String = conn
            .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
            .map_err(failed)?;
        if mode != "wal" {
            return Err(SqliteError::NoWal(path));
        }
        for settings in [SETTINGS, WRITER] {
            conn.execute_batch(settings).map_err(failed)?;
        }
        conn.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
        schema::migrate(&mut conn, &path)?;
        Ok(Self {
            conn,
            path,
            tail: None,
            old_pages: false,
            _lock: lock,
        })
    }

    /// The file, with links followed.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A reader of the same file, for another thread.
    ///
    /// # Errors
    /// As [`SqliteReader::open`].
    pub fn reader(&self) -> Result<SqliteReader, SqliteError> {
        SqliteReader::open(&self.path)
    }

    /// Begins a transaction that writes.
    fn write(&mut self, doing: &'static str) -> Result<Transaction<'_>, StoreError> {
        self.conn
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(error::failed(doing))
    }
}

impl SqliteReader {
    /// Opens the file for reading; it may be in use by a server.
    ///
    /// # Errors
    /// [`SqliteError`]: there is no such file, it is not ours, or its tables are older or newer.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SqliteError> {
        let path = path.as_ref();
        let failed = |err: rusqlite::Error| SqliteError::Open {
            path: path.to_owned(),
            why: why(&err),
        };
        is_no_pipe(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags).map_err(failed)?;
        conn.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
        let found = schema::version(&conn, path)?;
        if found == 0 {
            return Err(SqliteError::Empty(path.to_owned()));
        }
        if found != schema::VERSION {
            return Err(SqliteError::Older {
                path: path.to_owned(),
                found,
                known: schema::VERSION,
            });
        }
        for settings in [SETTINGS, READER] {
            conn.execute_batch(settings).map_err(failed)?;
        }
        conn.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
        Ok(Self { conn })
    }

    /// What SQLite finds wrong with the file itself: pages, rows and indexes that do not fit together; the first of it.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be looked at.
    pub fn faults(&self) -> Result<Vec<String>, StoreError> {
        let found: Vec<String> = read::all(&self.conn, sql::INTEGRITY, [], |row| read::column(row, 0))?;
        let missing = schema::missing(&self.conn).map_err(error::failed("look at the tables"))?;
        let missing = missing.into_iter().map(|name| format!("{name} is missing"));
        Ok(found
            .into_iter()
            .filter(|line| line != "ok")
            .chain(missing)
            .collect())
    }

    /// Lets all reads of `look` see the file at one moment. Erasing waits for it: be brief.
    ///
    /// # Errors
    /// [`StoreError`] if the moment cannot be taken, and what `look` fails with.
    pub fn at_one_moment<T, E: From<StoreError>>(
        &self,
        look: impl FnOnce(&Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let moment = self.conn.unchecked_transaction();
        let _moment = moment.map_err(|err| error::failed("read")(err))?;
        look(self)
    }
}

/// SQLite would wait for who writes to a pipe.
fn is_no_pipe(path: &Path) -> Result<(), SqliteError> {
    match path.metadata().is_ok_and(|there| !there.is_file()) {
        true => Err(SqliteError::Open {
            path: path.to_owned(),
            why: "it is no regular file".to_owned(),
        }),
        false => Ok(()),
    }
}

impl Store for SqliteStore {
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
        work::move_held(self, "release work", sql::WORK_RELEASE, fence, due)
    }

    fn renew(&mut self, fence: &Fence, until: Timestamp) -> Result<bool, StoreError> {
        work::move_held(self, "renew a lease", sql::WORK_RENEW, fence, until)
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
        let doing = "try whether the file takes writes";
        let tx = self.write(doing)?;
        // A page is written although what stands in it stays the same.
        tx.execute(sql::HEAD_TOUCH, []).map_err(error::failed(doing))?;
        tx.commit().map_err(error::commit_failed(doing))
    }

    fn erase(&mut self, numbers: &[u64]) -> Result<usize, StoreError> {
        private::erase(self, numbers)
    }
}
