//! The tables, brought forward one numbered step at a time. Never back: a newer file is refused.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::SqliteError;
use super::error::why;

/// Migrations by number, from 1. One that was released is never edited.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_log.sql"),
    include_str!("migrations/0002_pieces.sql"),
    include_str!("migrations/0003_access.sql"),
];

/// The version of the tables that this build reads and writes.
pub(super) const VERSION: u32 = MIGRATIONS.len() as u32;

/// `gate` in ASCII: tells our files from other SQLite files (`PRAGMA application_id`).
const APPLICATION_ID: i32 = 0x6761_7465;

/// Says whether this is ours, and of which version its tables are. A file without tables is ours to fill.
pub(super) fn version(conn: &Connection, path: &Path) -> Result<u32, SqliteError> {
    let failed = |err: rusqlite::Error| match err.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => SqliteError::Foreign(path.to_owned()),
        Some(_) | None => SqliteError::Open {
            path: path.to_owned(),
            why: why(&err),
        },
    };
    let number = |sql| {
        conn.query_row(sql, [], |row| row.get::<_, i64>(0))
            .map_err(failed)
    };
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    let application = number("PRAGMA application_id")?;
    let found = u32::try_from(number("PRAGMA user_version")?).unwrap_or(0);
    if tables > 0 && (application != i64::from(APPLICATION_ID) || found == 0) {
        return Err(SqliteError::Foreign(path.to_owned()));
    }
    if found > VERSION {
        return Err(SqliteError::Newer {
            path: path.to_owned(),
            found,
            known: VERSION,
        });
    }
    Ok(found)
}

/// Runs the migrations that are missing, each in a transaction of its own.
pub(super) fn migrate(conn: &mut Connection, path: &Path) -> Result<(), SqliteError> {
    let failed = |err: rusqlite::Error| SqliteError::Open {
        path: path.to_owned(),
        why: why(&err),
    };
    for number in version(conn, path)?..VERSION {
        let tx = conn
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(failed)?;
        tx.execute_batch(MIGRATIONS[number as usize]).map_err(failed)?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)
            .map_err(failed)?;
        tx.pragma_update(None, "user_version", number + 1)
            .map_err(failed)?;
        tx.commit().map_err(failed)?;
    }
    Ok(())
}

/// Tables and indexes that the migrations make and that are not there.
pub(super) fn missing(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let whole = Connection::open_in_memory()?;
    MIGRATIONS.iter().try_for_each(|sql| whole.execute_batch(sql))?;
    let names = |conn: &Connection| -> rusqlite::Result<BTreeSet<String>> {
        let mut select = conn.prepare(
            "SELECT type || ' `' || name || '`' FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'",
        )?;
        select.query_map([], |row| row.get(0))?.collect()
    };
    Ok(names(&whole)?.difference(&names(conn)?).cloned().collect())
}
