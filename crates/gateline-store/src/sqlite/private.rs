//! Erasing: the erasable part of an event goes from the row, and its bytes from the files.

use super::error::{commit_failed, failed};
use super::read::signed;
use super::{SqliteStore, sql};
use crate::StoreError;

const DOING: &str = "erase";

pub(super) fn erase(store: &mut SqliteStore, numbers: &[u64]) -> Result<usize, StoreError> {
    // Only here are freed bytes overwritten: on the hot path it would be waste.
    store
        .conn
        .execute_batch("PRAGMA secure_delete = ON;")
        .map_err(failed(DOING))?;
    let erased = erase_rows(store, numbers);
    store
        .conn
        .execute_batch("PRAGMA secure_delete = OFF;")
        .map_err(failed(DOING))?;
    let erased = erased?;
    forget_old_pages(store)?;
    Ok(erased)
}

fn erase_rows(store: &mut SqliteStore, numbers: &[u64]) -> Result<usize, StoreError> {
    let tx = store.write(DOING)?;
    let mut erased = 0;
    for number in numbers {
        let mut update = tx.prepare_cached(sql::ERASE).map_err(failed(DOING))?;
        erased += update.execute([signed(*number)]).map_err(failed(DOING))?;
    }
    tx.commit().map_err(commit_failed(DOING))?;
    Ok(erased)
}

/// The write-ahead log still has the pages as they were: moves it into the file and cuts it to nothing.
fn forget_old_pages(store: &SqliteStore) -> Result<(), StoreError> {
    let busy: i64 = store
        .conn
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .map_err(failed(DOING))?;
    if busy != 0 {
        let why = "it is erased from the log, but a long read keeps old pages; erase again when it is over";
        return Err(StoreError::Unavailable {
            doing: DOING,
            why: why.to_owned(),
        });
    }
    Ok(())
}
