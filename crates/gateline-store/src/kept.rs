//! Columns: how numbers, times and documents are kept in a table. The same for every database.

use std::collections::{BTreeMap, BTreeSet};

use gateline_model::{Recorded, StageRef, Work, WorkId};
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use crate::{PromotionRow, READ_EVENTS_MAX, ReleaseRow, StoreError};

/// A number as a column has it. Beyond 63 bits there is nothing.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number from a column; never negative there.
pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// A time as a column has it.
pub(crate) fn micros(at: Timestamp) -> i64 {
    crate::micros::cut(at).as_microsecond()
}

/// A time from a column.
pub(crate) fn time(micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|err| damaged("a time", err))
}

/// So many rows at most.
pub(crate) fn capped(limit: usize) -> i64 {
    limit.min(READ_EVENTS_MAX) as i64
}

/// Log numbers that a search over many streams looks at before it looks at all older ones. Whoever searches wants the newest,
/// and what is common is among the last ten thousand: they are read in milliseconds, where all events of all streams that
/// begin alike would have to be sorted first. Ten times as many cost a search for something rare as much as that sorting.
pub(crate) const RECENT_EVENTS: i64 = 10_000;

/// Finds the newest events in a range of log numbers, newest first: among the last [`RECENT_EVENTS`] with `recent`, and what
/// is missing then among the older ones with `older`. Both take the first number, the number after the last, and the limit.
pub(crate) fn newest(
    (first, last): (i64, i64),
    limit: i64,
    recent: impl FnOnce(i64, i64, i64) -> Result<Vec<Recorded>, StoreError>,
    older: impl FnOnce(i64, i64, i64) -> Result<Vec<Recorded>, StoreError>,
) -> Result<Vec<Recorded>, StoreError> {
    let middle = first.max(last.saturating_sub(RECENT_EVENTS));
    let mut found = recent(middle, last, limit)?;
    let missing = limit - found.len() as i64;
    if missing > 0 && first < middle {
        found.extend(older(first, middle, missing)?);
    }
    Ok(found)
}

/// Highest fence that any lease will ever have: a thousand million a second for a hundred years are fewer.
pub(crate) const FENCE_MAX: u64 = 1 << 62;

/// A statement about work with a number that is none: the last moment is that of `jiff`, the last fence [`FENCE_MAX`].
macro_rules! spoilt {
    ($what:literal) => {
        concat!(
            $what,
            " WHERE NOT (due_us BETWEEN 0 AND 253402207200999999 ",
            "AND coalesce(leased_until_us, 0) BETWEEN 0 AND 253402207200999999 ",
            "AND attempt BETWEEN 0 AND 2147483647 AND fence BETWEEN 0 AND 4611686018427387904)"
        )
    };
}
pub(crate) use spoilt;

/// A statement about keys that name no events, where the head's table is called so.
macro_rules! astray {
    ($what:literal, $head:literal) => {
        concat!(
            $what,
            " WHERE last >= (SELECT size FROM ",
            $head,
            ") OR first > last OR (first IS NULL) <> (last IS NULL)"
        )
    };
}
pub(crate) use astray;

/// Whether kept work stays where work is planned anew: it is planned, is what its row says, and need not start afresh.
pub(crate) fn stays(
    planned: &BTreeMap<String, &Work>,
    afresh: &BTreeSet<WorkId>,
    id: &str,
    written: &str,
) -> bool {
    let is_planned = planned.get(id).is_some_and(|work| kind(work) == written);
    is_planned && !afresh.contains(&WorkId(id.to_owned()))
}

/// What lies beside the log and cannot be.
#[derive(Debug)]
pub(crate) struct Unsound {
    /// Work with a number that cannot be read.
    pub spoilt: Vec<String>,
    /// Work that is not free when its row says.
    pub work: Vec<String>,
    /// The last fence, where it is lower than one that was given, or beyond all that ever will be.
    pub fence: Option<i64>,
    /// Keys that name no events.
    pub keys: Vec<String>,
    /// Promotions whose ticks are counted wrongly.
    pub rollouts: Vec<String>,
}

impl Unsound {
    /// The sentences of [`Read::unsound`](crate::Read::unsound).
    pub(crate) fn says(self) -> Vec<String> {
        let each = |of: Vec<String>, says: fn(&str) -> String| of.into_iter().map(move |one| says(&one));
        each(self.spoilt, |id| {
            format!("work `{id}` has a time, a fence or a count that cannot be")
        })
        .chain(each(self.work, |id| {
            format!("work `{id}` is free at another time than when it is due and nobody has it")
        }))
        .chain(self.fence.map(|fence| {
            format!("the last fence that was given is said to be {fence}, which cannot be: of no two leases it may be the same")
        }))
        .chain(each(self.keys, |scope| {
            format!("the key of an accepted request, `{scope}`, names events that are not in the log")
        }))
        .chain(each(self.rollouts, |id| {
            format!("the ticks of `{id}` are counted wrongly")
        }))
        .collect()
    }
}

pub(crate) fn damaged(what: impl Into<String>, why: impl ToString) -> StoreError {
    StoreError::Damaged {
        what: what.into(),
        why: why.to_string(),
    }
}

/// The kind of a piece of work as its column has it.
pub(crate) fn kind(work: &Work) -> String {
    serde_json::to_string(&work.kind).expect("names and numbers always serialise")
}

/// A piece of work from its id, its kind as JSON, and the time it is due.
pub(crate) fn work(id: &str, kind: &str, due: Timestamp) -> Result<Work, StoreError> {
    let what = || format!("work `{id}`");
    // The id is the stream, `#` and the kind; no name has a `#`.
    let (stream, _) = id
        .split_once('#')
        .ok_or_else(|| damaged(what(), "its id names no stream"))?;
    let work = Work {
        stream: stream.parse().map_err(|err| damaged(what(), err))?,
        kind: serde_json::from_str(kind).map_err(|err| damaged(what(), err))?,
        due,
    };
    if work.id().0 != id {
        return Err(damaged(what(), format!("its kind is `{}`", work.kind)));
    }
    Ok(work)
}

/// A row of a read model from its document.
pub(crate) fn doc<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, StoreError> {
    serde_json::from_slice(bytes)
        .map_err(|err| damaged(what, format!("{err}; `doctor --rebuild` makes it again")))
}

/// The columns that a promotion's row is filed under.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PromotionKeys {
    pub project: String,
    pub pipeline: String,
    pub stage: String,
    pub number: i64,
    pub release: Vec<u8>,
    pub requested_us: i64,
    pub ended: bool,
}

impl PromotionKeys {
    pub(crate) fn of(row: &PromotionRow) -> Self {
        let StageRef {
            project,
            pipeline,
            stage,
        } = &row.id.stage;
        Self {
            project: project.to_string(),
            pipeline: pipeline.to_string(),
            stage: stage.to_string(),
            number: signed(row.id.number),
            release: row.release.as_bytes().to_vec(),
            requested_us: micros(row.requested_at),
            ended: row.ended_at.is_some(),
        }
    }

    /// The row, if it is filed where it belongs.
    pub(crate) fn row(&self, bytes: &[u8]) -> Result<PromotionRow, StoreError> {
        let what = format!(
            "row of promotion `{}/{}/{}/{}`",
            self.project, self.pipeline, self.stage, self.number
        );
        let row: PromotionRow = doc(bytes, &what)?;
        if *self == Self::of(&row) {
            Ok(row)
        } else {
            Err(misfiled(what))
        }
    }
}

/// The columns that a release's row is filed under.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ReleaseKeys {
    pub id: Vec<u8>,
    pub project: String,
    pub pipeline: String,
    pub version: String,
    pub registered_us: i64,
}

impl ReleaseKeys {
    pub(crate) fn of(row: &ReleaseRow) -> Self {
        Self {
            id: row.id.as_bytes().to_vec(),
            project: row.of.project.to_string(),
            pipeline: row.of.pipeline.to_string(),
            version: row.version.to_string(),
            registered_us: micros(row.registered_at),
        }
    }

    /// The row, if it is filed where it belongs.
    pub(crate) fn row(&self, bytes: &[u8]) -> Result<ReleaseRow, StoreError> {
        let what = format!(
            "row of release `{}/{}@{}`",
            self.project, self.pipeline, self.version
        );
        let row: ReleaseRow = doc(bytes, &what)?;
        if *self == Self::of(&row) {
            Ok(row)
        } else {
            Err(misfiled(what))
        }
    }
}

fn misfiled(what: String) -> StoreError {
    damaged(
        what,
        "it is filed under other keys than its own; `doctor --rebuild` makes it again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_name_the_highest_fence_as_it_is() {
        assert!(spoilt!("").contains(&FENCE_MAX.to_string()));
    }
}
