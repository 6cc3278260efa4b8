//! SQLite group commit with nothing around it: one thread, with the settings of the store.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gateline_store::{BATCH_APPENDS_MAX, SqliteStore};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, ToSql, params_from_iter};
use tokio::sync::{mpsc, oneshot};

use super::{Ask, Committer, Tables};

/// The settings of the store.
const SETTINGS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF;
    PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 4000;";
/// What is written of each decision at the least: its body, found by its number.
const FEWEST: &str = "CREATE TABLE log (number INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
    CREATE TABLE head (id INTEGER PRIMARY KEY, size INTEGER NOT NULL, at_us INTEGER NOT NULL, frontier BLOB NOT NULL) STRICT;
    INSERT INTO head VALUES (0, 0, 0, x'');";

/// What one decision left in the tables: a row of the log, and the row of its idempotency key.
#[derive(Clone)]
pub(in super::super) struct Rows {
    log: Vec<Value>,
    key: Vec<Value>,
}

impl Rows {
    /// Bytes of the event's body and leaf: what a plain file would have to take.
    pub(in super::super) fn bytes(&self) -> Vec<u8> {
        let blobs = self.log.iter().filter_map(|value| match value {
            Value::Blob(bytes) => Some(bytes.as_slice()),
            _ => None,
        });
        blobs.collect::<Vec<_>>().concat()
    }
}

/// The rows that a store has from this log number on.
pub(in super::super) fn rows(path: &Path, from: u64) -> Result<Vec<Rows>, String> {
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

/// Starts one that writes into a file of its own.
pub(in super::super) fn committer(path: &Path, tables: Tables) -> Result<Committer<Rows>, String> {
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
    Ok(Committer { asks, commits })
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

fn commit(conn: &Connection, tables: Tables, batch: &[Ask<Rows>]) -> rusqlite::Result<()> {
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
