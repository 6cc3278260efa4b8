//! Erasing: the erasable part of an event goes from the row, and its bytes from the files.

use rusqlite::Connection;

use super::error::{commit_failed, failed};
use super::read::signed;
use super::{SqliteStore, sql};
use crate::StoreError;

const DOING: &str = "erase";

pub(super) fn erase(store: &mut SqliteStore, numbers: &[u64]) -> Result<usize, StoreError> {
    let erased = overwriting(store, |store| {
        let tx = store.write(DOING)?;
        let erased = erase_rows(&tx, numbers.iter().copied()).map_err(failed(DOING))?;
        tx.commit().map_err(commit_failed(DOING))?;
        // Rows that were moved between pages since have left their bytes in space that is unused.
        store.conn.execute_batch("VACUUM").map_err(failed(DOING))?;
        Ok(erased)
    })?;
    store.old_pages = true;
    forget_old_pages(store);
    if store.old_pages {
        let why = "it is erased from the log, but a long read keeps old pages; erase again when it is over";
        return Err(StoreError::Unavailable {
            doing: DOING,
            why: why.to_owned(),
        });
    }
    Ok(erased)
}

/// Writes with freed bytes overwritten. On the hot path it would be waste.
pub(super) fn overwriting<T>(
    store: &mut SqliteStore,
    write: impl FnOnce(&mut SqliteStore) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let set = |store: &SqliteStore, text| store.conn.execute_batch(text).map_err(failed(DOING));
    set(store, "PRAGMA secure_delete = ON;")?;
    let written = write(store);
    // Where this fails, freed bytes go on being overwritten: slower, and not wrong.
    let _ = set(store, "PRAGMA secure_delete = OFF;");
    written
}

/// Within a transaction.
pub(super) fn erase_rows(conn: &Connection, numbers: impl Iterator<Item = u64>) -> rusqlite::Result<usize> {
    let mut erased = 0;
    for number in numbers {
        erased += conn.prepare_cached(sql::ERASE)?.execute([signed(number)])?;
    }
    Ok(erased)
}

/// The write-ahead log still has the pages as they were: moves it into the file and cuts it to nothing. Where somebody reads
/// for long, the next batch tries again.
pub(super) fn forget_old_pages(store: &mut SqliteStore) {
    let busy = store
        .conn
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    store.old_pages = !matches!(busy, Ok(0));
}
