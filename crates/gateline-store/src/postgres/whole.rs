//! What `gateline doctor` reads and remakes: events as they are kept, all rows of the read models, all planned work.

use std::collections::{BTreeMap, BTreeSet};

use gateline_model::{Work, WorkId};
use tokio_postgres::Row as SqlRow;

use super::link::{Answer, Link, READ_WITHIN};
use super::place::Place;
use super::plan::Plan;
use super::read::{capped, column, signed, unsigned};
use super::rows::Rows;
use super::{PostgresStore, sql};
use crate::kept::{self, PromotionKeys, ReleaseKeys, Unsound};
use crate::{RawEvent, Row, StoreError};

const DOING: &str = "rebuild";

pub(super) fn raw(place: &Place, from: u64, limit: usize) -> Result<Vec<RawEvent>, StoreError> {
    let rows = place.read("read the log", &sql::RAW, &[&signed(from), &capped(limit)])?;
    let read = |row: &SqlRow| {
        Ok(RawEvent {
            number: unsigned(column(row, 0)?),
            // None where the row of the stream is gone: no name of a stream is empty.
            stream: column::<Option<String>>(row, 1)?.unwrap_or_default(),
            version: column(row, 2)?,
            kind: column(row, 3)?,
            kind_version: column::<i32>(row, 4)?.into(),
            at_micros: column(row, 5)?,
            actor: column(row, 6)?,
            private_hash: column(row, 7)?,
            salt: column(row, 8)?,
            private: column(row, 9)?,
            body: column(row, 10)?,
            leaf: column(row, 11)?,
        })
    };
    rows.iter().map(read).collect()
}

pub(super) fn rows(place: &Place) -> Result<Vec<Result<Row, StoreError>>, StoreError> {
    let promotions = place.read("read promotions", &sql::PROMOTION_ROWS, &[])?;
    let releases = place.read("read releases", &sql::RELEASE_ROWS, &[])?;
    Ok(promotions
        .iter()
        .map(promotion)
        .chain(releases.iter().map(release))
        .collect())
}

fn promotion(row: &SqlRow) -> Result<Row, StoreError> {
    let keys = PromotionKeys {
        project: column(row, 1)?,
        pipeline: column(row, 2)?,
        stage: column(row, 3)?,
        number: column(row, 4)?,
        release: column(row, 5)?,
        requested_us: column(row, 6)?,
        ended: column(row, 7)?,
    };
    Ok(Row::Promotion(Box::new(keys.row(column(row, 0)?)?)))
}

fn release(row: &SqlRow) -> Result<Row, StoreError> {
    let keys = ReleaseKeys {
        id: column(row, 1)?,
        project: column(row, 2)?,
        pipeline: column(row, 3)?,
        version: column(row, 4)?,
        registered_us: column(row, 5)?,
    };
    Ok(Row::Release(keys.row(column(row, 0)?)?))
}

/// What no fold tells and what cannot be.
pub(super) fn unsound(place: &Place) -> Result<Vec<String>, StoreError> {
    let texts = |sql| -> Result<Vec<String>, StoreError> {
        let rows = place.read("look beside the log", sql, &[])?;
        rows.iter().map(|row| column(row, 0)).collect()
    };
    let fence = place.read("read the last fence", &sql::FENCE_UNSOUND, &[])?;
    let unsound = Unsound {
        spoilt: texts(&sql::WORK_SPOILT)?,
        work: texts(&sql::WORK_UNSOUND)?,
        fence: fence.first().map(|row| column(row, 0)).transpose()?,
        keys: texts(&sql::KEYS_UNSOUND)?,
        rollouts: texts(&sql::ROLLOUTS_UNSOUND)?,
    };
    Ok(unsound.says())
}

/// The planned work that goes: what is kept and not planned, also where it does not read back, and what starts afresh.
fn unplanned(
    link: &Link,
    planned: &BTreeMap<String, &Work>,
    afresh: &BTreeSet<WorkId>,
) -> Result<Vec<String>, super::error::Failure> {
    link.wait(READ_WITHIN, async {
        link.begin().await?;
        // Nobody plans anything meanwhile.
        link.query(&sql::HEAD_LOCK, &[]).await?;
        link.execute(&sql::WORK_SPOILT_REMOVE, &[]).await?;
        let mut unplanned = Vec::new();
        for row in link.query(&sql::WORK_KEPT, &[]).await? {
            let (id, kind): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            if !kept::stays(planned, afresh, &id, &kind) {
                unplanned.push(id);
            }
        }
        Ok(unplanned)
    })
}

pub(super) fn rebuild(
    store: &mut PostgresStore,
    rows: &[Row],
    planned: &[Work],
    afresh: &BTreeSet<WorkId>,
) -> Result<(), StoreError> {
    let planned: BTreeMap<String, &Work> = planned.iter().map(|work| (work.id().0, work)).collect();
    let mut plan = Plan::default();
    planned.values().for_each(|work| plan.add(work));
    let (arrays, rows) = (plan.arrays(), Rows::of(rows));
    let done = store.place.with(|link| {
        let gone = match unplanned(link, &planned, afresh) {
            Ok(gone) => gone,
            Err(failure) => {
                link.roll_back()?;
                return Err(failure);
            }
        };
        let mut statements: Vec<Answer<'_, u64>> = vec![
            Box::pin(async { link.execute(&sql::WORK_REMOVE, &[&gone]).await }),
            Box::pin(async {
                link.execute(&sql::WORK_ADD, &[&arrays.ids, &arrays.kinds, &arrays.dues])
                    .await
            }),
        ];
        let always = [
            &sql::WORK_SOUND,
            &sql::FENCE_SOUND,
            &sql::KEYS_SOUND,
            &sql::ROLLOUTS_SOUND,
            &sql::PROMOTIONS_CLEAR,
            &sql::RELEASES_CLEAR,
        ];
        statements.extend(always.map(|sql| -> Answer<'_, u64> { Box::pin(link.execute(sql, &[])) }));
        statements.extend(rows.put(link));
        link.commit(statements)
    });
    match done {
        Ok(_) => Ok(()),
        Err(failure) => {
            store.place.lose();
            Err(failure.of_commit(DOING))
        }
    }
}
