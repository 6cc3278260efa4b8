//! What `gateline doctor` reads and remakes: events as they are kept, all rows of the read models, all planned work.

use std::collections::{BTreeMap, BTreeSet};

use gateline_model::{Work, WorkId};
use rusqlite::{Connection, Row as SqlRow, params};

use super::error::{commit_failed, failed};
use super::read::{all, capped, column, signed, unsigned};
use super::{SqliteStore, rows, sql, work};
use crate::kept::{self, PromotionKeys, ReleaseKeys, Unsound};
use crate::{RawEvent, Row, StoreError};

const DOING: &str = "rebuild";

pub(super) fn raw(conn: &Connection, from: u64, limit: usize) -> Result<Vec<RawEvent>, StoreError> {
    let read = |row: &SqlRow<'_>| {
        Ok(RawEvent {
            number: unsigned(column(row, 0)?),
            // None where the row of the stream is gone: no name of a stream is empty.
            stream: column::<Option<String>>(row, 1)?.unwrap_or_default(),
            version: column(row, 2)?,
            kind: column(row, 3)?,
            kind_version: column(row, 4)?,
            at_micros: column(row, 5)?,
            actor: column(row, 6)?,
            private_hash: column(row, 7)?,
            salt: column(row, 8)?,
            private: column(row, 9)?,
            body: column(row, 10)?,
            leaf: column(row, 11)?,
        })
    };
    all(conn, sql::RAW, params![signed(from), capped(limit)], read)
}

pub(super) fn rows(conn: &Connection) -> Result<Vec<Result<Row, StoreError>>, StoreError> {
    let mut rows = all(conn, sql::PROMOTION_ROWS, [], |row| Ok(promotion(row)))?;
    rows.extend(all(conn, sql::RELEASE_ROWS, [], |row| Ok(release(row)))?);
    Ok(rows)
}

fn promotion(row: &SqlRow<'_>) -> Result<Row, StoreError> {
    let keys = PromotionKeys {
        project: column(row, 1)?,
        pipeline: column(row, 2)?,
        stage: column(row, 3)?,
        number: column(row, 4)?,
        release: column(row, 5)?,
        requested_us: column(row, 6)?,
        ended: column(row, 7)?,
    };
    Ok(Row::Promotion(Box::new(keys.row(rows::doc_bytes(row)?)?)))
}

fn release(row: &SqlRow<'_>) -> Result<Row, StoreError> {
    let keys = ReleaseKeys {
        id: column(row, 1)?,
        project: column(row, 2)?,
        pipeline: column(row, 3)?,
        version: column(row, 4)?,
        registered_us: column(row, 5)?,
    };
    Ok(Row::Release(keys.row(rows::doc_bytes(row)?)?))
}

/// What no fold tells and what cannot be.
pub(super) fn unsound(conn: &Connection) -> Result<Vec<String>, StoreError> {
    let texts = |sql| all(conn, sql, [], |row| column::<String>(row, 0));
    let unsound = Unsound {
        spoilt: texts(sql::WORK_SPOILT)?,
        work: texts(sql::WORK_UNSOUND)?,
        fence: all(conn, sql::FENCE_UNSOUND, [], |row| column::<i64>(row, 0))?.pop(),
        keys: texts(sql::KEYS_UNSOUND)?,
        rollouts: Vec::new(),
    };
    Ok(unsound.says())
}

pub(super) fn rebuild(
    store: &mut SqliteStore,
    rows: &[Row],
    planned: &[Work],
    afresh: &BTreeSet<WorkId>,
) -> Result<(), StoreError> {
    // The last fence is read again: it may be mended.
    store.tail = None;
    let planned: BTreeMap<String, &Work> = planned.iter().map(|work| (work.id().0, work)).collect();
    let tx = store.write(DOING)?;
    tx.execute(sql::WORK_SPOILT_REMOVE, []).map_err(failed(DOING))?;
    // As text: a row that does not read back goes like one that is not planned.
    let kept = all(&tx, sql::WORK, [], |row| {
        Ok((column::<String>(row, 0)?, column::<String>(row, 1)?))
    })?;
    for (id, kind) in kept {
        if !kept::stays(&planned, afresh, &id, &kind) {
            tx.prepare_cached(sql::WORK_REMOVE)
                .and_then(|mut remove| remove.execute([id]))
                .map_err(failed(DOING))?;
        }
    }
    work::add(&tx, planned.values().copied()).map_err(failed(DOING))?;
    let mended = [sql::WORK_SOUND, sql::FENCE_SOUND, sql::KEYS_SOUND];
    for sql in [sql::PROMOTIONS_CLEAR, sql::RELEASES_CLEAR]
        .into_iter()
        .chain(mended)
    {
        tx.execute(sql, []).map_err(failed(DOING))?;
    }
    rows::put(&tx, rows).map_err(failed(DOING))?;
    tx.commit().map_err(commit_failed(DOING))
}
