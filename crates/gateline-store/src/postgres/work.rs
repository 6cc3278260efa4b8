//! Planned work: leased by whoever comes first, given back, extended.

use futures::future::join3;
use gateline_model::{Span, Work};
use jiff::Timestamp;
use tokio_postgres::Row;

use super::error::Failure;
use super::link::ANSWER_WITHIN;
use super::place::Place;
use super::read::{column, damaged, signed, time, unsigned};
use super::sql::Sql;
use super::{LeaseClock, PostgresStore, sql};
use crate::micros::{cut, up};
use crate::{Fence, Leased, StoreError, WorkRow};

pub(super) fn lease(
    store: &mut PostgresStore,
    now: Timestamp,
    owner: &str,
    limit: usize,
    lease_for: Span,
) -> Result<Vec<Leased>, StoreError> {
    let doing = "lease work";
    let now = match store.leases {
        LeaseClock::Database => None,
        LeaseClock::Caller => Some(cut(now).as_microsecond()),
    };
    let limit = limit.min(crate::READ_EVENTS_MAX) as i64;
    let length = lease_for.as_millis().saturating_mul(1_000);
    let rows = store.place.with(|link| {
        let doubts = link.doubts();
        let rows = link.wait(ANSWER_WITHIN, async {
            let (begun, rows, committed) = join3(
                link.begin(),
                link.query(&sql::WORK_LEASE, &[&now, &limit, &length, &owner]),
                link.batch("COMMIT"),
            )
            .await;
            begun?;
            let rows = rows?;
            committed.map(|()| rows)
        })?;
        if link.doubts() != doubts {
            return Err(Failure::Late(ANSWER_WITHIN));
        }
        Ok(rows)
    });
    // A lease that nobody heard of expires by itself.
    let rows = rows.map_err(|failure| failure.of_commit(doing))?;
    let mut leased = rows
        .iter()
        .map(|row| {
            Ok(Leased {
                work: work(row)?,
                fence: unsigned(column(row, 3)?),
                attempt: attempt(row)?,
            })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    // Fences were given in the order in which work was free.
    leased.sort_unstable_by_key(|leased| leased.fence);
    Ok(leased)
}

fn attempt(row: &Row) -> Result<u32, StoreError> {
    u32::try_from(column::<i32>(row, 4)?).map_err(|err| damaged("an attempt", err))
}

/// Moves the time of a lease that is held. Tells whether it was.
pub(super) fn move_held(
    store: &mut PostgresStore,
    doing: &'static str,
    sql: &'static Sql,
    fence: &Fence,
    to: Timestamp,
) -> Result<bool, StoreError> {
    let (raised, to) = (signed(fence.fence), up(to).as_microsecond());
    let changed = store
        .place
        .write(doing, &[(sql, &[&fence.work.0, &raised, &to])])?;
    Ok(changed[0] > 0)
}

pub(super) fn next_due(place: &Place) -> Result<Option<Timestamp>, StoreError> {
    let rows = place.read("read work", &sql::WORK_NEXT, &[])?;
    rows.first().map(|row| time(column(row, 0)?)).transpose()
}

/// A row of [`sql::WORK`].
pub(super) fn row(row: &Row) -> Result<WorkRow, StoreError> {
    Ok(WorkRow {
        work: work(row)?,
        fence: unsigned(column(row, 3)?),
        attempt: attempt(row)?,
        leased_until: column::<Option<i64>>(row, 5)?.map(time).transpose()?,
    })
}

/// The work of a row that begins with id, kind and due time.
fn work(row: &Row) -> Result<Work, StoreError> {
    let (id, kind): (String, String) = (column(row, 0)?, column(row, 1)?);
    crate::kept::work(&id, &kind, time(column(row, 2)?)?)
}
