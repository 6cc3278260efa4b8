//! Ticks of rollouts: a row each, and the root of their chain.

use gateline_model::{Arm, Digest, PromotionId, Tick};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::error::{commit_failed, failed};
use super::read::{all, damaged};
use super::{SqliteStore, sql};
use crate::{StoreError, ticks};

const DOING: &str = "put ticks";

pub(super) fn put(
    store: &mut SqliteStore,
    rollout: &PromotionId,
    ticks: &[Tick],
) -> Result<Digest, StoreError> {
    let lines: Vec<_> = ticks.iter().map(ticks::line).collect::<Result<_, _>>()?;
    let tx = store.write(DOING)?;
    let promotion = rollout.to_string();
    let mut root = found(&tx, &promotion)?.map_or_else(ticks::empty_root, |(_, root)| root);
    let id = put_root(&tx, &promotion, &root).map_err(failed(DOING))?;
    for (tick, line) in ticks.iter().zip(&lines) {
        let (arm, at) = ticks::key(tick);
        let arm = ticks::word(arm);
        let mut add = tx.prepare_cached(sql::TICK_ADD).map_err(failed(DOING))?;
        if add.execute(params![id, arm, at, line]).map_err(failed(DOING))? > 0 {
            root = ticks::chain(&root, line);
        }
    }
    put_root(&tx, &promotion, &root).map_err(failed(DOING))?;
    tx.commit().map_err(commit_failed(DOING))?;
    Ok(root)
}

fn put_root(conn: &Connection, promotion: &str, root: &Digest) -> rusqlite::Result<i64> {
    conn.prepare_cached(sql::ROLLOUT_PUT)?
        .query_row(params![promotion, root.as_bytes()], |row| row.get(0))
}

fn found(conn: &Connection, promotion: &str) -> Result<Option<(i64, Digest)>, StoreError> {
    let mut select = conn.prepare_cached(sql::ROLLOUT).map_err(failed("read ticks"))?;
    let read = |row: &Row<'_>| Ok((row.get(0)?, Digest::from_bytes(row.get(1)?)));
    select
        .query_row([promotion], read)
        .optional()
        .map_err(failed("read ticks"))
}

/// Reads the ticks and makes sure that they are those that the root covers.
pub(super) fn read(conn: &Connection, rollout: &PromotionId) -> Result<(Vec<Tick>, Digest), StoreError> {
    let promotion = rollout.to_string();
    let Some((id, root)) = found(conn, &promotion)? else {
        return Ok((Vec::new(), ticks::empty_root()));
    };
    let what = || format!("a tick of `{promotion}`");
    let lines = all(conn, sql::TICKS, [id], |row| {
        row.get::<_, Vec<u8>>(0).map_err(|err| damaged(what(), err))
    })?;
    let chained = lines
        .iter()
        .fold(ticks::empty_root(), |root, line| ticks::chain(&root, line));
    if chained != root {
        return Err(damaged(
            format!("the ticks of `{promotion}`"),
            "their chain ends in another root",
        ));
    }
    let ticks = lines
        .iter()
        .map(|line| serde_json::from_slice(line).map_err(|err| damaged(what(), err)));
    Ok((ticks.collect::<Result<_, _>>()?, root))
}

/// Reads what a picture needs: each tick is one step down an index.
pub(super) fn sample(
    conn: &Connection,
    rollout: &PromotionId,
    moments: usize,
) -> Result<Vec<Tick>, StoreError> {
    let promotion = rollout.to_string();
    let Some((id, _)) = found(conn, &promotion)? else {
        return Ok(Vec::new());
    };
    let doing = "read ticks";
    let span = |arm: Arm| -> Result<Option<(i64, i64)>, StoreError> {
        let mut select = conn.prepare_cached(sql::TICKS_SPAN).map_err(failed(doing))?;
        let read = |row: &Row<'_>| Ok(row.get::<_, Option<i64>>(0)?.zip(row.get(1)?));
        select
            .query_row(params![id, ticks::word(arm)], read)
            .map_err(failed(doing))
    };
    let measured = match (span(Arm::Canary)?, span(Arm::Stable)?) {
        (Some(one), Some(other)) => Some((one.0.min(other.0), one.1.max(other.1))),
        (one, other) => one.or(other),
    };
    ticks::sample(measured, moments, |arm, at| {
        let mut select = conn.prepare_cached(sql::TICK_BEFORE).map_err(failed(doing))?;
        let line: Option<Vec<u8>> = select
            .query_row(params![id, ticks::word(arm), at], |row| row.get(0))
            .optional()
            .map_err(failed(doing))?;
        line.map(|line| {
            serde_json::from_slice(&line).map_err(|err| damaged(format!("a tick of `{promotion}`"), err))
        })
        .transpose()
    })
}
