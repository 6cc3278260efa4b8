//! The doctor: hashes and folds the log again, and compares with what is kept beside it. Changes nothing, unless it is
//! asked to rebuild: then what lies beside the log is made anew from it. What the log says is never changed.

mod beside;
mod checkpoint;
mod log;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use gateline_model::Span;
use gateline_store::{
    PostgresError, PostgresReader, PostgresStore, Read, SqliteError, SqliteReader, SqliteStore, Store,
    StoreError,
};
use jiff::Timestamp;

pub use self::checkpoint::Checkpoint;
use self::log::Examination;
use crate::hub::ahead;
use crate::place::Place;

/// Most differences that are named. There may be as many as there are events.
pub const DIFFERENCES_NAMED_MAX: usize = 100;

/// What was examined and found whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    events: u64,
    root: String,
    work: usize,
    rows: usize,
    checkpoints: usize,
    /// By how much the last event is ahead of the clock.
    ahead: Option<Span>,
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            events,
            root,
            work,
            rows,
            checkpoints,
            ahead,
        } = self;
        write!(
            f,
            "{events} events hash and fold; Merkle root {root}; {work} pieces of planned work and {rows} rows agree"
        )?;
        match checkpoints {
            0 => {}
            1 => write!(f, "; the log begins with that of the checkpoint")?,
            more => write!(f, "; the log begins with those of the {more} checkpoints")?,
        }
        match ahead {
            Some(ahead) => write!(
                f,
                "; its last event is {ahead} ahead of the clock: what waits for a moment waits until then"
            ),
            None => Ok(()),
        }
    }
}

/// What differs, one sentence each; the first [`DIFFERENCES_NAMED_MAX`] of them.
#[derive(Debug, Default)]
pub struct Differences {
    named: Vec<String>,
    more: u64,
}

impl Differences {
    fn add(&mut self, what: String) {
        if self.named.len() < DIFFERENCES_NAMED_MAX {
            self.named.push(what);
        } else {
            self.more += 1;
        }
    }

    /// Goes on only where there are none.
    fn none(self, illness: fn(Self) -> Illness) -> Result<(), Illness> {
        match self.is_empty() {
            true => Ok(()),
            false => Err(illness(self)),
        }
    }

    fn is_empty(&self) -> bool {
        self.named.is_empty()
    }
}

impl Extend<String> for Differences {
    fn extend<T: IntoIterator<Item = String>>(&mut self, all: T) {
        all.into_iter().for_each(|what| self.add(what));
    }
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { named, more } = self;
        for what in named {
            write!(f, "\n  {what}")?;
        }
        match more {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

/// What is not whole.
#[derive(Debug, thiserror::Error)]
pub enum Illness {
    /// There is no database in the folder.
    #[error("there is no database at `{}`; name the server's folder with `--dir`", .0.display())]
    Missing(PathBuf),
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] SqliteError),
    /// The database cannot be reached.
    #[error(transparent)]
    Reach(#[from] PostgresError),
    /// A checkpoint cannot be read.
    #[error(
        "`{}` is no checkpoint: {why}; give a file that `gateline log --checkpoint --json` wrote",
        file.display()
    )]
    Checkpoint {
        /// Its file.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// Servers wrote while what lies beside the log was made anew.
    #[error("a server wrote to the log meanwhile; stop all servers of this database and run it again")]
    InUse,
    /// It cannot be read.
    #[error("could not read the database")]
    Read(#[from] StoreError),
    /// SQLite does not find its file whole, or tables are missing.
    #[error("the database is damaged; restore a backup:{0}")]
    File(Differences),
    /// The log is not what was recorded.
    #[error("the log is not what was recorded; restore a backup:{0}")]
    Log(Differences),
    /// The log is whole; what lies beside it is not what it makes.
    #[error(
        "the log is whole, but what lies beside it differs; stop all its servers and run `gateline doctor --rebuild`:{0}"
    )]
    Beside(Differences),
}

impl Illness {
    /// Whether what was typed, or a file that it names, is wrong.
    pub fn is_of_what_was_typed(&self) -> bool {
        match self {
            Self::Missing(_) | Self::Checkpoint { .. } | Self::Reach(PostgresError::Address(_)) => true,
            Self::Open(_)
            | Self::Reach(_)
            | Self::InUse
            | Self::Read(_)
            | Self::File(_)
            | Self::Log(_)
            | Self::Beside(_) => false,
        }
    }
}

/// What is examined: read at one moment, whoever writes meanwhile.
trait Patient: Read + Sized {
    /// What is wrong with what it is kept in.
    fn faults(&self) -> Result<Vec<String>, StoreError>;

    /// The time by which its work is leased.
    fn now(&self) -> Result<Timestamp, StoreError>;

    fn at_one_moment<T>(&self, look: impl FnOnce(&Self) -> Result<T, Illness>) -> Result<T, Illness>;
}

impl Patient for SqliteReader {
    fn faults(&self) -> Result<Vec<String>, StoreError> {
        SqliteReader::faults(self)
    }

    fn now(&self) -> Result<Timestamp, StoreError> {
        Ok(Timestamp::now())
    }

    fn at_one_moment<T>(&self, look: impl FnOnce(&Self) -> Result<T, Illness>) -> Result<T, Illness> {
        SqliteReader::at_one_moment(self, look)
    }
}

impl Patient for PostgresReader {
    fn faults(&self) -> Result<Vec<String>, StoreError> {
        PostgresReader::faults(self)
    }

    fn now(&self) -> Result<Timestamp, StoreError> {
        Ok(self.time()?.at)
    }

    fn at_one_moment<T>(&self, look: impl FnOnce(&Self) -> Result<T, Illness>) -> Result<T, Illness> {
        PostgresReader::at_one_moment(self, look)
    }
}

/// Examines a database, also while servers use it, and holds its log against what it was once.
///
/// # Errors
/// [`Illness`]: all that is not whole, or why it could not be seen.
pub fn examine(place: &Place, checkpoints: Vec<Checkpoint>) -> Result<Health, Illness> {
    match place {
        Place::File(path) => examined(&SqliteReader::open(found(path)?)?, checkpoints),
        Place::Database(address) => examined(&PostgresReader::open(address)?, checkpoints),
    }
}

fn examined(store: &impl Patient, checkpoints: Vec<Checkpoint>) -> Result<Health, Illness> {
    let mut faults = Differences::default();
    faults.extend(store.faults()?);
    faults.none(Illness::File)?;
    let mut examination = Examination::against(checkpoints);
    // Most of the log is read before the moment is taken: it is held for the last events only.
    examination.read_on(store)?;
    let (examination, health) = store.at_one_moment(|store| {
        let examination = whole(store, examination)?;
        let head = store.head()?;
        // Work is planned by the log's time where that is ahead.
        let now = store.now()?;
        let (work, rows) = beside::compare(store, &examination.remade, now.max(head.at))?;
        let health = Health {
            events: head.size,
            root: head.root.to_string(),
            work,
            rows,
            checkpoints: examination.checkpoints.len(),
            ahead: ahead(head.at, now),
        };
        Ok((examination, health))
    })?;
    examination.kept_content(store)?.none(Illness::Log)?;
    examination.lost_texts().none(Illness::Log)?;
    examination.kept_texts(store)?.none(Illness::Beside)?;
    Ok(health)
}

/// Makes the read models and the planned work anew from the log. No server may use the database.
///
/// # Errors
/// [`Illness`]: the log is not whole, or the database is in use.
pub fn rebuild(place: &Place) -> Result<Health, Illness> {
    match place {
        Place::File(path) => {
            // Whoever only reads makes no tables.
            drop(SqliteReader::open(found(path)?)?);
            rebuilt(SqliteStore::open(path)?, Timestamp::now())?;
        }
        Place::Database(address) => {
            let now = PostgresReader::open(address)?.time()?.at;
            rebuilt(PostgresStore::open(address)?, now)?;
        }
    }
    examine(place, Vec::new())
}

fn rebuilt(mut store: impl Store, now: Timestamp) -> Result<(), Illness> {
    let mut examination = Examination::default();
    examination.read_on(&store)?;
    let examination = whole(&store, examination)?;
    let head = store.head()?;
    let (size, now) = (head.size, now.max(head.at));
    let stuck = beside::stuck(&store, &examination.remade, now)?;
    store.rebuild(&examination.remade.rows(), &examination.remade.work(), &stuck)?;
    let erased: Vec<u64> = examination.erased.keys().copied().collect();
    if !erased.is_empty() {
        store.erase(&erased)?;
    }
    // A file has one server; a database tells nobody how many it has.
    if store.head()?.size == size {
        Ok(())
    } else {
        Err(Illness::InUse)
    }
}

/// Reads to the end, and goes on only with a log that is whole.
fn whole(store: &impl Read, mut examination: Examination) -> Result<Examination, Illness> {
    examination.read_on(store)?;
    examination.compare_head(store)?;
    std::mem::take(&mut examination.differences).none(Illness::Log)?;
    Ok(examination)
}

fn found(path: &Path) -> Result<&Path, Illness> {
    match path.metadata() {
        Err(err) if matches!(err.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Err(Illness::Missing(path.to_owned()))
        }
        Ok(_) | Err(_) => Ok(path),
    }
}
