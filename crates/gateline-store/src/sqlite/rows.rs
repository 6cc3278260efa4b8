//! Rows of the read models: a document each, beside the columns that it is found by.

use gateline_model::StageRef;
use rusqlite::{Connection, Row as SqlRow, params};
use serde::de::DeserializeOwned;

use super::read::{all, capped, damaged, micros, signed};
use super::sql;
use crate::{PromotionRow, PromotionSearch, ReleaseRow, ReleaseSearch, Row, StoreError};

/// Inserts or replaces.
pub(super) fn put(conn: &Connection, rows: &[Row]) -> rusqlite::Result<()> {
    for row in rows {
        match row {
            Row::Promotion(row) => put_promotion(conn, row)?,
            Row::Release(row) => put_release(conn, row)?,
        }
    }
    Ok(())
}

fn put_promotion(conn: &Connection, row: &PromotionRow) -> rusqlite::Result<()> {
    let StageRef {
        project,
        pipeline,
        stage,
    } = &row.id.stage;
    let doc = serde_json::to_vec(row).expect("rows of names, numbers and times always serialise");
    let columns = params![
        project.as_str(),
        pipeline.as_str(),
        stage.as_str(),
        signed(row.id.number),
        row.release.as_bytes(),
        micros(row.requested_at),
        row.ended_at.is_some(),
        doc,
    ];
    if conn.prepare_cached(sql::PROMOTION_MOVE)?.execute(columns)? == 0 {
        conn.prepare_cached(sql::PROMOTION_PUT)?.execute(columns)?;
    }
    Ok(())
}

fn put_release(conn: &Connection, row: &ReleaseRow) -> rusqlite::Result<()> {
    conn.prepare_cached(sql::RELEASE_PUT)?.execute(params![
        row.id.as_bytes(),
        row.of.project.as_str(),
        row.of.pipeline.as_str(),
        row.version.as_str(),
        micros(row.registered_at),
        serde_json::to_vec(row).expect("rows of names, numbers and times always serialise"),
    ])?;
    Ok(())
}

/// The document of a row that begins with it.
pub(super) fn doc_bytes<'r>(row: &'r SqlRow<'_>) -> Result<&'r [u8], StoreError> {
    let bytes = row.get_ref(0).map_err(|err| damaged("a row", err))?;
    bytes.as_blob().map_err(|err| damaged("a row", err))
}

fn doc<T: DeserializeOwned>(row: &SqlRow<'_>) -> Result<T, StoreError> {
    crate::kept::doc(doc_bytes(row)?, "a row")
}

pub(super) fn promotions(
    conn: &Connection,
    search: &PromotionSearch,
) -> Result<Vec<PromotionRow>, StoreError> {
    let PromotionSearch {
        pipeline,
        stage,
        release,
        ended,
        after,
        limit,
    } = search;
    let sql = match (release, pipeline) {
        (Some(_), _) => sql::PROMOTIONS_OF_RELEASE,
        (None, Some(_)) => sql::PROMOTIONS_OF,
        (None, None) => sql::PROMOTIONS,
    };
    let after_id = after.as_ref().map(|(_, id)| id);
    let filter = params![
        pipeline.as_ref().map(|of| of.project.as_str()),
        pipeline.as_ref().map(|of| of.pipeline.as_str()),
        stage.as_ref().map(|stage| stage.as_str()),
        release.as_ref().map(|release| release.as_bytes()),
        ended,
        after.as_ref().map(|(at, _)| micros(*at)),
        after_id.map(|id| id.stage.project.as_str()),
        after_id.map(|id| id.stage.pipeline.as_str()),
        after_id.map(|id| id.stage.stage.as_str()),
        after_id.map(|id| signed(id.number)),
        capped(*limit),
    ];
    all(conn, sql, filter, doc)
}

pub(super) fn releases(conn: &Connection, search: &ReleaseSearch) -> Result<Vec<ReleaseRow>, StoreError> {
    let ReleaseSearch {
        pipeline,
        version,
        after,
        limit,
    } = search;
    let sql = match (pipeline, version) {
        (Some(_), Some(_)) => sql::RELEASES_OF_VERSION,
        (Some(_), None) => sql::RELEASES_OF,
        (None, _) => sql::RELEASES,
    };
    let filter = params![
        pipeline.as_ref().map(|of| of.project.as_str()),
        pipeline.as_ref().map(|of| of.pipeline.as_str()),
        version.as_ref().map(|version| version.as_str()),
        after.as_ref().map(|(at, _)| micros(*at)),
        after.as_ref().map(|(_, id)| id.as_bytes()),
        capped(*limit),
    ];
    all(conn, sql, filter, doc)
}
