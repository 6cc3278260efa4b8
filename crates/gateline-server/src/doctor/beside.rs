//! What lies beside the log: planned work and the rows of the read models, each compared with what the fold makes.

use std::collections::{BTreeMap, BTreeSet};

use gateline_engine::{LEASE, Remade};
use gateline_model::{Span, WorkId};
use gateline_store::{PromotionRow, Read, ReleaseRow, Row, StoreError, WorkRow};
use jiff::Timestamp;

use super::{Differences, Illness};

/// How far a row's times may be from the log's: a row has the time of its decision, the log that of the commit behind
/// it. Five minutes, because a host may stand still between the two; what is edited by less changes no decision.
const TIMES_APART_MAX: Span = Span::from_secs(300);
/// How much later than it was planned, or than now, work may be due again: what is looked at again rests by itself for
/// minutes, and what waits for a window for as long as the windows of a year are apart.
const WORK_RESTS_MAX: Span = Span::from_secs(366 * 86_400);

/// Compares, and tells how many pieces of work and how many rows agree.
pub(super) fn compare(store: &impl Read, remade: &Remade, now: Timestamp) -> Result<(usize, usize), Illness> {
    let mut differences = Differences::default();
    let work = work(store, remade, now, &mut differences)?;
    differences.extend(store.unsound()?);
    let rows = rows(store, remade, &mut differences)?;
    differences.none(Illness::Beside)?;
    Ok((work, rows))
}

fn work(
    store: &impl Read,
    remade: &Remade,
    now: Timestamp,
    differences: &mut Differences,
) -> Result<usize, StoreError> {
    let kept = match store.work() {
        Ok(kept) => kept,
        Err(StoreError::Damaged { what, why }) => {
            differences.add(format!("{what}: {why}"));
            return Ok(0);
        }
        Err(err) => return Err(err),
    };
    let mut planned = planned(remade);
    for row in &kept {
        let id = row.work.id();
        match planned.remove(&id) {
            None => differences.add(format!("work `{id}` is kept and not planned")),
            Some(due) => {
                if let Some(why) = never_done(row, due, now) {
                    differences.add(format!("work `{id}` {why}"));
                }
            }
        }
    }
    for id in planned.keys() {
        differences.add(format!("work `{id}` is planned and not kept"));
    }
    Ok(kept.len())
}

/// What the fold plans, and when that is due first.
fn planned(remade: &Remade) -> BTreeMap<WorkId, Timestamp> {
    let work = remade.work().into_iter();
    work.map(|work| (work.id(), work.due)).collect()
}

/// Work that waits for a moment that nothing explains, as after a clock was wrong; it is to start afresh.
pub(super) fn stuck(
    store: &impl Read,
    remade: &Remade,
    now: Timestamp,
) -> Result<BTreeSet<WorkId>, StoreError> {
    let kept = match store.work() {
        Ok(kept) => kept,
        // What does not read back is planned anew anyway.
        Err(StoreError::Damaged { .. }) => return Ok(BTreeSet::new()),
        Err(err) => return Err(err),
    };
    let planned = planned(remade);
    let stuck = |row: &WorkRow| {
        let id = row.work.id();
        let due = planned.get(&id)?;
        never_done(row, *due, now).map(|_| id)
    };
    Ok(kept.iter().filter_map(stuck).collect())
}

/// Why a piece of work would wait for longer than anything makes it wait.
fn never_done(row: &WorkRow, due: Timestamp, now: Timestamp) -> Option<String> {
    let latest = WORK_RESTS_MAX.after(due.max(now));
    if row.work.due > latest {
        return Some(format!(
            "is due at {}, which is later than anything makes it wait",
            row.work.due
        ));
    }
    let until = row.leased_until?;
    (until > LEASE.plus(TIMES_APART_MAX).after(now)).then(|| {
        format!("is leased until {until}, and no lease is longer than {LEASE}: the clock was ahead once")
    })
}

fn rows(store: &impl Read, remade: &Remade, differences: &mut Differences) -> Result<usize, StoreError> {
    let mut made: BTreeMap<String, Row> = remade.rows().into_iter().map(|row| (name(&row), row)).collect();
    let kept = store.rows()?;
    let count = kept.len();
    for row in kept {
        let row = match row {
            Ok(row) => row,
            Err(StoreError::Damaged { what, why }) => {
                // Its keys are what it is found by: the row that it was is not missing as well.
                made.remove(&what.replace('`', ""));
                differences.add(format!("{what}: {why}"));
                continue;
            }
            Err(err) => return Err(err),
        };
        let name = name(&row);
        match made.remove(&name) {
            Some(made) if agree(&row, &made) => {}
            Some(_) => differences.add(format!("the {name} is not what the log makes")),
            None => differences.add(format!("the {name} is of nothing that the log has")),
        }
    }
    for name in made.keys() {
        differences.add(format!("the {name} is missing"));
    }
    Ok(count)
}

fn name(row: &Row) -> String {
    match row {
        Row::Promotion(row) => format!("row of promotion {}", row.id),
        Row::Release(row) => format!("row of release {}@{}", row.of, row.version),
    }
}

fn agree(kept: &Row, made: &Row) -> bool {
    match (kept, made) {
        (Row::Promotion(kept), Row::Promotion(made)) => promotions_agree(kept, made),
        (Row::Release(kept), Row::Release(made)) => {
            let timed = ReleaseRow {
                registered_at: kept.registered_at,
                ..made.clone()
            };
            *kept == timed && near(kept.registered_at, made.registered_at)
        }
        (Row::Promotion(_), Row::Release(_)) | (Row::Release(_), Row::Promotion(_)) => false,
    }
}

fn promotions_agree(kept: &PromotionRow, made: &PromotionRow) -> bool {
    let timed = PromotionRow {
        requested_at: kept.requested_at,
        admitted_at: kept.admitted_at,
        ended_at: kept.ended_at,
        ..made.clone()
    };
    *kept == timed
        && near(kept.requested_at, made.requested_at)
        && both_near(kept.admitted_at, made.admitted_at)
        && both_near(kept.ended_at, made.ended_at)
}

fn both_near(kept: Option<Timestamp>, made: Option<Timestamp>) -> bool {
    match (kept, made) {
        (Some(kept), Some(made)) => near(kept, made),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn near(kept: Timestamp, made: Timestamp) -> bool {
    kept.duration_since(made).unsigned_abs() <= TIMES_APART_MAX.as_std()
}
