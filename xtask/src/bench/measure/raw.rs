//! The limits: the same bytes in bare SQLite group commits, and in bare `fdatasync`s, on the same disk.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use rusqlite::{Connection, params};

/// Rows per second of one bare table in WAL mode with `synchronous=FULL`, so many rows per commit.
pub(super) fn sqlite(path: &Path, rows: &[Vec<u8>], per_commit: usize) -> Result<f64, String> {
    bare(path, rows, per_commit).map_err(|err| format!("bare SQLite: {err}"))
}

/// What a decision leaves at the least: its event with stream and version, and its planned work and row of a list.
fn bare(path: &Path, rows: &[Vec<u8>], per_commit: usize) -> rusqlite::Result<f64> {
    let mut conn = Connection::open(path)?;
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;
         CREATE TABLE log (number INTEGER PRIMARY KEY, stream INTEGER, version INTEGER, leaf BLOB, body BLOB);
         CREATE UNIQUE INDEX by_stream ON log (stream, version);
         CREATE TABLE head (id INTEGER PRIMARY KEY, size INTEGER, frontier BLOB);
         INSERT INTO head VALUES (1, 0, x'');",
    )?;
    let began = Instant::now();
    let mut number = 0_i64;
    for batch in rows.chunks(per_commit.max(1)) {
        let transaction = conn.transaction()?;
        {
            let mut insert = transaction.prepare_cached("INSERT INTO log VALUES (?1, ?2, ?3, ?4, ?5)")?;
            for body in batch {
                insert.execute(params![number, number % 64, number / 64, [0_u8; 32], body])?;
                number += 1;
            }
            transaction
                .prepare_cached("UPDATE head SET size = ?1, frontier = ?2 WHERE id = 1")?
                .execute(params![number, [0_u8; 640]])?;
        }
        transaction.commit()?;
    }
    Ok(rows.len() as f64 / began.elapsed().as_secs_f64())
}

/// Rows per second when each batch is appended to a file and made durable.
pub(super) fn fdatasync(path: &Path, rows: &[Vec<u8>], per_sync: usize) -> Result<f64, String> {
    let fail = |err: std::io::Error| format!("bare file: {err}");
    let mut file = File::create(path).map_err(fail)?;
    let began = Instant::now();
    for batch in rows.chunks(per_sync.max(1)) {
        file.write_all(&batch.concat())
            .and_then(|()| file.sync_data())
            .map_err(fail)?;
    }
    Ok(rows.len() as f64 / began.elapsed().as_secs_f64())
}
