//! Ticks of rollouts: a row each, and the root of their chain.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join4;
use gateline_model::{Arm, Digest, PromotionId, Tick};

use super::error::Failure;
use super::link::{ANSWER_WITHIN, Answer, Link};
use super::place::Place;
use super::read::{column, damaged, digest};
use super::{PostgresStore, sql};
use crate::{StoreError, ticks};

const DOING: &str = "put ticks";

pub(super) fn put(
    store: &mut PostgresStore,
    rollout: &PromotionId,
    ticks: &[Tick],
) -> Result<Digest, StoreError> {
    let lines: Vec<_> = ticks.iter().map(ticks::line).collect::<Result<_, _>>()?;
    let promotion = rollout.to_string();
    let known = store.place.with(|link| known(link, &promotion, ticks));
    let known = known.map_err(|failure| failure.unavailable(DOING))?;
    let Known {
        id,
        count,
        root,
        keys,
    } = match known {
        Ok(known) => known,
        Err(damage) => {
            store.place.lose();
            return Err(damage);
        }
    };
    let (mut root, mut seen, mut new) = (root, keys, New::default());
    for (tick, line) in ticks.iter().zip(lines) {
        let (arm, at) = ticks::key(tick);
        if seen.insert((ticks::word(arm).to_owned(), at)) {
            root = ticks::chain(&root, &line);
            new.numbers.push(count + new.numbers.len() as i64);
            new.arms.push(ticks::word(arm));
            new.times.push(at);
            new.lines.push(line);
        }
    }
    let count = count + new.numbers.len() as i64;
    let kept = store.place.with(|link| {
        let New {
            numbers,
            arms,
            times,
            lines,
        } = &new;
        let add: Answer<'_, u64> = Box::pin(async {
            link.execute(&sql::TICKS_ADD, &[&id, numbers, arms, times, lines])
                .await
        });
        let bytes = root.as_bytes().as_slice();
        let moved: Answer<'_, u64> =
            Box::pin(async move { link.execute(&sql::ROLLOUT_MOVE, &[&id, &count, &bytes]).await });
        link.commit(vec![add, moved])
    });
    match kept {
        Ok(_) => Ok(root),
        Err(failure) => {
            store.place.lose();
            Err(failure.of_commit(DOING))
        }
    }
}

/// What is kept of a rollout, with the lock on it.
struct Known {
    id: i64,
    count: i64,
    root: Digest,
    /// Those of the given ticks that are there.
    keys: BTreeSet<(String, i64)>,
}

#[derive(Default)]
struct New {
    numbers: Vec<i64>,
    arms: Vec<&'static str>,
    times: Vec<i64>,
    lines: Vec<Vec<u8>>,
}

fn known(link: &Link, promotion: &str, given: &[Tick]) -> Result<Result<Known, StoreError>, Failure> {
    let keys = given.iter().map(ticks::key);
    let (arms, times): (Vec<_>, Vec<_>) = keys.map(|(arm, at)| (ticks::word(arm), at)).unzip();
    let empty = ticks::empty_root();
    let (rollouts, keys) = link.wait(ANSWER_WITHIN, async {
        let (begun, added, rollouts, keys) = join4(
            link.begin(),
            link.execute(&sql::ROLLOUT_ADD, &[&promotion, &empty.as_bytes().as_slice()]),
            link.query(&sql::ROLLOUT_LOCK, &[&promotion]),
            link.query(&sql::TICKS_KNOWN, &[&promotion, &arms, &times]),
        )
        .await;
        begun?;
        added?;
        Ok((rollouts?, keys?))
    })?;
    let read = || {
        let row = rollouts
            .first()
            .ok_or_else(|| damaged("a rollout", "it is missing"))?;
        let key = |row| Ok((column(row, 0)?, column(row, 1)?));
        Ok(Known {
            id: column(row, 0)?,
            count: column(row, 1)?,
            root: digest(row, 2)?,
            keys: keys.iter().map(key).collect::<Result<_, StoreError>>()?,
        })
    };
    Ok(read())
}

/// Reads the ticks and makes sure that they are those that the root covers.
pub(super) fn read(place: &Place, rollout: &PromotionId) -> Result<(Vec<Tick>, Digest), StoreError> {
    let promotion = rollout.to_string();
    let rows = place.read("read ticks", &sql::TICKS, &[&promotion])?;
    let Some(first) = rows.first() else {
        return Ok((Vec::new(), ticks::empty_root()));
    };
    let root = digest(first, 0)?;
    let what = || format!("a tick of `{promotion}`");
    // A rollout without ticks is one row without a line.
    let lines: Vec<Option<&[u8]>> = rows.iter().map(|row| column(row, 1)).collect::<Result<_, _>>()?;
    let lines: Vec<&[u8]> = lines.into_iter().flatten().collect();
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
pub(super) fn sample(place: &Place, rollout: &PromotionId, moments: usize) -> Result<Vec<Tick>, StoreError> {
    let promotion = rollout.to_string();
    let spans = place.read("read ticks", &sql::TICKS_SPAN, &[&promotion])?;
    let Some(span) = spans.first() else {
        return Ok(Vec::new());
    };
    let (id, from, until): (i64, Option<i64>, Option<i64>) =
        (column(span, 0)?, column(span, 1)?, column(span, 2)?);
    let measured = from.zip(until);
    let times = ticks::moments_of(measured, moments);
    let rows = place.read("read ticks", &sql::TICKS_BEFORE, &[&id, &times])?;
    let mut latest: BTreeMap<(&str, i64), &[u8]> = BTreeMap::new();
    for row in &rows {
        latest.insert((column(row, 0)?, column(row, 1)?), column(row, 2)?);
    }
    ticks::sample(measured, moments, |arm: Arm, at| {
        let line = latest.get(&(ticks::word(arm), at));
        line.map(|line| {
            serde_json::from_slice(line).map_err(|err| damaged(format!("a tick of `{promotion}`"), err))
        })
        .transpose()
    })
}
