//! Planned work: leased, given back, and replaced with the appends that plan it.

use gateline_model::{Span, Work, WorkId};
use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::error::{commit_failed, failed};
use super::read::{self, column, micros, signed, time, unsigned};
use super::tail::Tail;
use super::{SqliteStore, sql};
use crate::kept::kind;
use crate::{Append, Fence, Leased, StoreError, WorkRow, micros::up};

/// Writes what an append does to the planned work: what it removes, the lease that it ends, what it adds.
pub(super) fn keep(conn: &Connection, append: &Append) -> rusqlite::Result<()> {
    for WorkId(id) in &append.work_remove {
        conn.prepare_cached(sql::WORK_REMOVE)?.execute([id])?;
    }
    if let Some(fence) = &append.fence {
        conn.prepare_cached(sql::WORK_END)?.execute([&fence.work.0])?;
    }
    add(conn, &append.work_add)
}

/// Adds work. What is there already is left alone.
pub(super) fn add<'w>(conn: &Connection, added: impl IntoIterator<Item = &'w Work>) -> rusqlite::Result<()> {
    for work in added {
        let due = up(work.due).as_microsecond();
        conn.prepare_cached(sql::WORK_ADD)?
            .execute(params![work.id().0, kind(work), due])?;
    }
    Ok(())
}

pub(super) fn lease(
    store: &mut SqliteStore,
    now: Timestamp,
    owner: &str,
    limit: usize,
    lease_for: Span,
) -> Result<Vec<Leased>, StoreError> {
    let now = crate::micros::cut(now);
    let until = up(lease_for.after(now));
    // There is one writer: what is free now is still free in the transaction, and an idle look writes nothing.
    let limit = limit.min(crate::READ_EVENTS_MAX) as i64;
    let free = read::all(&store.conn, sql::WORK_FREE, params![micros(now), limit], |row| {
        Ok((work(row)?, column::<u32>(row, 3)?))
    })?;
    if free.is_empty() {
        return Ok(Vec::new());
    }
    let mut tail = store.tail.take().map_or_else(|| Tail::load(&store.conn), Ok)?;
    let tx = store.write("lease work")?;
    let mut leased = Vec::with_capacity(free.len());
    for (work, attempts) in free {
        tail.fence += 1;
        let mut update = tx.prepare_cached(sql::WORK_LEASE).map_err(failed("lease work"))?;
        let lease = params![work.id().0, signed(tail.fence), micros(until), owner];
        update.execute(lease).map_err(failed("lease work"))?;
        leased.push(Leased {
            work,
            fence: tail.fence,
            attempt: attempts + 1,
        });
    }
    tx.execute(sql::FENCE_MOVE, [signed(tail.fence)])
        .map_err(failed("lease work"))?;
    tx.commit().map_err(commit_failed("lease work"))?;
    store.tail = Some(tail);
    Ok(leased)
}

/// Moves the time of a lease that is held. Tells whether it was.
pub(super) fn move_held(
    store: &mut SqliteStore,
    doing: &'static str,
    sql: &'static str,
    fence: &Fence,
    to: Timestamp,
) -> Result<bool, StoreError> {
    let tx = store.write(doing)?;
    let mut update = tx.prepare_cached(sql).map_err(failed(doing))?;
    let moved = update.execute(params![
        fence.work.0,
        signed(fence.fence),
        up(to).as_microsecond()
    ]);
    let moved = moved.map_err(failed(doing))?;
    drop(update);
    tx.commit().map_err(commit_failed(doing))?;
    Ok(moved > 0)
}

pub(super) fn next_due(conn: &Connection) -> Result<Option<Timestamp>, StoreError> {
    let mut select = conn.prepare_cached(sql::WORK_NEXT).map_err(failed("read work"))?;
    let next: Option<i64> = select
        .query_row([], |row| row.get(0))
        .map_err(failed("read work"))?;
    next.map(time).transpose()
}

/// A row of [`sql::WORK`].
pub(super) fn row(row: &Row<'_>) -> Result<WorkRow, StoreError> {
    Ok(WorkRow {
        work: work(row)?,
        fence: unsigned(column(row, 3)?),
        attempt: column(row, 4)?,
        leased_until: column::<Option<i64>>(row, 5)?.map(time).transpose()?,
    })
}

/// The work of a row that begins with id, kind and due time.
fn work(row: &Row<'_>) -> Result<Work, StoreError> {
    let (id, kind): (String, String) = (column(row, 0)?, column(row, 1)?);
    crate::kept::work(&id, &kind, time(column(row, 2)?)?)
}
