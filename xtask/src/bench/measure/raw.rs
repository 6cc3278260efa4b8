//! The limits, on the same disk: SQLite group commit with nothing around it, and `fdatasync` of the same bytes.
//!
//! The group committer is what anybody would write first: clients on tokio channels, one thread that takes all that wait,
//! writes their rows in one transaction, and answers when that is durable. It checks, hashes and serialises nothing.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gateline_store::{BATCH_APPENDS_MAX, SqliteStore};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, ToSql, params_from_iter};
use tokio::sync::{mpsc, oneshot};

use super::numbers::Times;

/// The settings of the store.
const SETTINGS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF;
    PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;";
/// What is written of each decision at the least: its body, found by its number.
const FEWEST: &str = "CREATE TABLE log (number INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
    CREATE TABLE head (id INTEGER PRIMARY KEY, size INTEGER NOT NULL, at_us INTEGER NOT NULL, frontier BLOB NOT NULL) STRICT;
    INSERT INTO head VALUES (0, 0, 0, x'');";

/// What one decision left in the tables: a row of the log, and the row of its idempotency key.
#[derive(Clone)]
pub(super) struct Rows {
    log: Vec<Value>,
    key: Vec<Value>,
}

impl Rows {
    /// Bytes of the event's body and leaf: what a plain file would have to take.
    fn bytes(&self) -> Vec<u8> {
        let blobs = self.log.iter().filter_map(|value| match value {
            Value::Blob(bytes) => Some(bytes.as_slice()),
            _ => None,
        });
        blobs.collect::<Vec<_>>().concat()
    }
}

/// The rows that a store has from this log number on.
pub(super) fn rows(path: &Path, from: u64) -> Result<Vec<Rows>, String> {
    let read = || -> rusqlite::Result<Vec<Rows>> {
        let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let all = |sql: &str| -> rusqlite::Result<Vec<Vec<Value>>> {
            let mut select = conn.prepare(sql)?;
            let columns = select.column_count();
            select
                .query_map([from as i64], |row| {
                    (0..columns).map(|column| row.get(column)).collect()
                })?
                .collect()
        };
        let log = all("SELECT * FROM log WHERE number >= ?1 ORDER BY number")?;
        let keys = all("SELECT * FROM idempotency WHERE first >= ?1 ORDER BY first")?;
        Ok(log
            .into_iter()
            .zip(keys)
            .map(|(log, key)| Rows { log, key })
            .collect())
    };
    read().map_err(|err| format!("could not read what was written: {err}"))
}

/// Which rows a bare committer writes.
#[derive(Clone, Copy)]
pub(super) enum Tables {
    /// All that the store writes, into its own tables with their indexes.
    Same,
    /// The body alone.
    Fewest,
}

/// One thread that commits for whoever waits.
pub(super) struct Committer {
    asks: mpsc::UnboundedSender<(Rows, oneshot::Sender<()>)>,
    commits: Arc<AtomicU64>,
}

/// What a round of a limit came to.
pub(super) struct Round {
    pub seconds: f64,
    pub commits: u64,
    pub times: Times,
}

impl Committer {
    pub(super) fn start(path: &Path, tables: Tables) -> Result<Self, String> {
        let conn = open(path, tables).map_err(|err| format!("bare SQLite: {err}"))?;
        let (asks, mut asked) = mpsc::unbounded_channel();
        let commits = Arc::new(AtomicU64::new(0));
        let count = commits.clone();
        std::thread::spawn(move || {
            let mut batch = Vec::new();
            while asked.blocking_recv_many(&mut batch, BATCH_APPENDS_MAX) > 0 {
                commit(&conn, tables, &batch).expect("a bare commit was refused");
                count.fetch_add(1, Ordering::Relaxed);
                for (_, done) in batch.drain(..) {
                    let _: Result<(), ()> = oneshot::Sender::send(done, ());
                }
            }
        });
        Ok(Self { asks, commits })
    }

    /// Has so many clients write these rows, each waiting for one before it sends the next.
    pub(super) async fn round(&self, rows: &[Rows], clients: usize) -> Result<Round, String> {
        let before = self.commits.load(Ordering::Relaxed);
        let mut shares = vec![Vec::new(); clients];
        for (number, rows) in rows.iter().enumerate() {
            shares[number % clients].push(rows.clone());
        }
        let began = Instant::now();
        let tasks = shares.into_iter().map(|share| {
            let asks = self.asks.clone();
            tokio::spawn(async move {
                let mut times = Times::default();
                for rows in share {
                    let asked = Instant::now();
                    let (tell, told) = oneshot::channel();
                    let _ = asks.send((rows, tell));
                    told.await.map_err(|_| "the bare committer stopped".to_owned())?;
                    times.push(asked.elapsed());
                }
                Ok::<_, String>(times)
            })
        });
        let mut times = Times::default();
        for task in tasks.collect::<Vec<_>>() {
            times.extend(task.await.map_err(|err| err.to_string())??);
        }
        Ok(Round {
            seconds: began.elapsed().as_secs_f64(),
            commits: self.commits.load(Ordering::Relaxed) - before,
            times,
        })
    }
}

fn open(path: &Path, tables: Tables) -> Result<Connection, String> {
    let fail = |err: rusqlite::Error| err.to_string();
    if let Tables::Same = tables {
        drop(SqliteStore::open(path).map_err(|err| err.to_string())?);
    }
    let conn = Connection::open(path).map_err(fail)?;
    conn.execute_batch(SETTINGS).map_err(fail)?;
    if let Tables::Fewest = tables {
        conn.execute_batch(FEWEST).map_err(fail)?;
    }
    Ok(conn)
}

fn commit(conn: &Connection, tables: Tables, batch: &[(Rows, oneshot::Sender<()>)]) -> rusqlite::Result<()> {
    conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let mut last = (Value::Null, Value::Null);
    for (rows, _) in batch {
        match tables {
            Tables::Same => {
                insert(
                    conn,
                    "INSERT INTO log VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                    &rows.log,
                )?;
                insert(
                    conn,
                    "INSERT INTO idempotency VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    &rows.key,
                )?;
            }
            Tables::Fewest => {
                let columns = [&rows.log[0], &rows.log[11]];
                insert(conn, "INSERT INTO log VALUES (?1, ?2)", columns)?;
            }
        }
        last = (rows.log[0].clone(), rows.log[5].clone());
    }
    let frontier = Value::Blob(vec![0; 8 + 32 * 8]);
    insert(
        conn,
        "UPDATE head SET size = ?1, at_us = ?2, frontier = ?3",
        [&last.0, &last.1, &frontier],
    )?;
    conn.prepare_cached("COMMIT")?.execute([])?;
    Ok(())
}

fn insert<'v>(
    conn: &Connection,
    sql: &str,
    values: impl IntoIterator<Item = &'v Value>,
) -> rusqlite::Result<()> {
    let values = values.into_iter().map(|value| value as &dyn ToSql);
    conn.prepare_cached(sql)?.execute(params_from_iter(values))?;
    Ok(())
}

/// How long it takes to append the bytes of these rows to a file, each batch made durable.
pub(super) fn fdatasync(file: &mut File, rows: &[Rows], per_sync: usize) -> Result<Duration, String> {
    let batches: Vec<Vec<u8>> = rows
        .chunks(per_sync.max(1))
        .map(|batch| batch.iter().flat_map(Rows::bytes).collect())
        .collect();
    let began = Instant::now();
    for batch in batches {
        file.write_all(&batch)
            .and_then(|()| file.sync_data())
            .map_err(|err| format!("bare file: {err}"))?;
    }
    Ok(began.elapsed())
}
