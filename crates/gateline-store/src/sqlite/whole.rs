//! What `gateline doctor` reads and remakes: events as they are kept, all rows of the read models, all planned work.

use std::collections::BTreeMap;

use gateline_model::{StageRef, Work};
use rusqlite::{Connection, Row as SqlRow, params};

use super::error::{commit_failed, failed};
use super::read::{all, capped, column, damaged, micros, signed, unsigned};
use super::{SqliteStore, rows, sql, work};
use crate::{PromotionRow, RawEvent, ReleaseRow, Row, StoreError};

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
    let text = |index| column::<String>(row, index);
    let (project, pipeline, stage, number) = (text(1)?, text(2)?, text(3)?, column::<i64>(row, 4)?);
    let what = format!("row of promotion `{project}/{pipeline}/{stage}/{number}`");
    let doc: PromotionRow = rows::doc(row, &what)?;
    let StageRef {
        project: of,
        pipeline: in_pipeline,
        stage: into,
    } = &doc.id.stage;
    let filed = project == of.as_str()
        && pipeline == in_pipeline.as_str()
        && stage == into.as_str()
        && number == signed(doc.id.number)
        && column::<Vec<u8>>(row, 5)? == doc.release.as_bytes()
        && column::<i64>(row, 6)? == micros(doc.requested_at)
        && column::<i64>(row, 7)? == i64::from(doc.ended_at.is_some());
    if !filed {
        return Err(misfiled(what));
    }
    Ok(Row::Promotion(Box::new(doc)))
}

fn release(row: &SqlRow<'_>) -> Result<Row, StoreError> {
    let text = |index| column::<String>(row, index);
    let (project, pipeline, version) = (text(2)?, text(3)?, text(4)?);
    let what = format!("row of release `{project}/{pipeline}@{version}`");
    let doc: ReleaseRow = rows::doc(row, &what)?;
    let filed = column::<Vec<u8>>(row, 1)? == doc.id.as_bytes()
        && project == doc.of.project.as_str()
        && pipeline == doc.of.pipeline.as_str()
        && version == doc.version.as_str()
        && column::<i64>(row, 5)? == micros(doc.registered_at);
    if !filed {
        return Err(misfiled(what));
    }
    Ok(Row::Release(doc))
}

fn misfiled(what: String) -> StoreError {
    damaged(
        what,
        "it is filed under other keys than its own; `doctor --rebuild` makes it again",
    )
}

pub(super) fn rebuild(store: &mut SqliteStore, rows: &[Row], planned: &[Work]) -> Result<(), StoreError> {
    let planned: BTreeMap<String, &Work> = planned.iter().map(|work| (work.id().0, work)).collect();
    let tx = store.write(DOING)?;
    // As text: a row that does not read back goes like one that is not planned.
    let kept = all(&tx, sql::WORK, [], |row| {
        Ok((column::<String>(row, 0)?, column::<String>(row, 1)?))
    })?;
    for (id, kind) in kept {
        if planned.get(&id).is_none_or(|work| work::kind(work) != kind) {
            tx.prepare_cached(sql::WORK_REMOVE)
                .and_then(|mut remove| remove.execute([id]))
                .map_err(failed(DOING))?;
        }
    }
    work::add(&tx, planned.values().copied()).map_err(failed(DOING))?;
    for sql in [sql::PROMOTIONS_CLEAR, sql::RELEASES_CLEAR] {
        tx.execute(sql, []).map_err(failed(DOING))?;
    }
    rows::put(&tx, rows).map_err(failed(DOING))?;
    tx.commit().map_err(commit_failed(DOING))
}
