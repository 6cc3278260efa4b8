//! Reading the log: the same code for the writer and for readers beside it.

use gateline_log::{Frontier, Hash};
use gateline_model::{ActorId, Digest, PromotionId, Recorded, StreamId, Tick};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Params, Row, params};

pub(super) use crate::kept::{capped, damaged, micros, newest, signed, time, unsigned};

use super::error::failed;
use super::{Connected, access, blobs, rows, sql, ticks, whole, work};
use crate::{
    Accepted, Head, PromotionRow, PromotionSearch, RawEvent, Read, ReleaseRow, ReleaseSearch,
    Row as ModelRow, Search, Session, StoreError, WorkRow, upcast,
};

/// Runs a statement and reads each row.
pub(super) fn all<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = conn.prepare_cached(sql).map_err(failed("read"))?;
    let mut rows = statement.query(params).map_err(failed("read"))?;
    let mut all = Vec::new();
    while let Some(row) = rows.next().map_err(failed("read"))? {
        all.push(read(row)?);
    }
    Ok(all)
}

/// One column of a row, of the type that the table has it in.
pub(super) fn column<T: rusqlite::types::FromSql>(row: &Row<'_>, index: usize) -> Result<T, StoreError> {
    row.get(index).map_err(|err| damaged("a column", err))
}

/// The end of the log, with the last fence: frontier, time, fence.
pub(super) fn end(conn: &Connection) -> Result<(Frontier, Timestamp, u64), StoreError> {
    let mut select = conn.prepare_cached(sql::HEAD).map_err(failed("read the head"))?;
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    let (size, at, fence, bytes): (_, _, _, Vec<u8>) =
        select.query_row([], read).map_err(|err| match err {
            rusqlite::Error::QueryReturnedNoRows => damaged("the head of the log", "it is missing"),
            err => failed("read the head")(err),
        })?;
    let frontier = Frontier::from_bytes(&bytes).map_err(|err| damaged("the head of the log", err))?;
    if frontier.size() != unsigned(size) {
        return Err(damaged(
            "the head of the log",
            format!("{size} events, {} leaves", frontier.size()),
        ));
    }
    Ok((frontier, time(at)?, unsigned(fence)))
}

fn recorded(row: &Row<'_>) -> Result<Recorded, StoreError> {
    let number = unsigned(column(row, 0)?);
    let what = || format!("event {number}");
    let text = |index| {
        let column = row.get_ref(index).map_err(|err| damaged(what(), err))?;
        column.as_str().map_err(|err| damaged(what(), err))
    };
    let bytes = |index| {
        let column = row.get_ref(index).map_err(|err| damaged(what(), err))?;
        column.as_blob_or_null().map_err(|err| damaged(what(), err))
    };
    let private = bytes(6)?
        .map(serde_json::from_slice)
        .transpose()
        .map_err(|err| damaged(what(), err))?;
    Ok(Recorded {
        number,
        stream: text(1)?.parse().map_err(|err| damaged(what(), err))?,
        version: unsigned(column(row, 2)?),
        at: time(column(row, 4)?)?,
        actor: text(5)?.parse().map_err(|err| damaged(what(), err))?,
        event: upcast::event(number, column(row, 3)?, bytes(7)?.unwrap_or_default())?,
        private,
    })
}

/// The first number whose event is not before `at`. Times never go back, so half of the rest is left out each time.
fn number_at(conn: &Connection, at: Timestamp, size: u64) -> Result<u64, StoreError> {
    let mut select = conn.prepare_cached(sql::AT).map_err(failed("search"))?;
    // Rounded up: the log's times are whole microseconds.
    let at = crate::micros::up(at).as_microsecond();
    let (mut low, mut high) = (0, size);
    while low < high {
        let middle = low + (high - low) / 2;
        let found: i64 = select
            .query_row([signed(middle)], |row| row.get(0))
            .map_err(failed("search"))?;
        if found < at {
            low = middle + 1
        } else {
            high = middle
        }
    }
    Ok(low)
}

fn search(conn: &Connection, search: &Search) -> Result<Vec<Recorded>, StoreError> {
    let Search {
        stream,
        stream_prefix,
        event,
        actor,
        from,
        until,
        before,
        limit,
    } = search;
    let (frontier, ..) = end(conn)?;
    let size = frontier.size();
    let first = from.map_or(Ok(0), |at| number_at(conn, at, size))?;
    let last = until
        .map_or(Ok(size), |at| number_at(conn, at, size))?
        .min(before.unwrap_or(size));
    let (first, last, limit) = (signed(first), signed(last), capped(*limit));
    let actor = actor.as_ref().map(|actor| actor.as_str());
    let filter = params![first, last, limit, event, actor];
    // Stream names are ASCII: the last character of Unicode is after every one that begins alike.
    let names = match (stream.as_ref().map(ToString::to_string), stream_prefix) {
        (Some(name), Some(prefix)) if !name.starts_with(prefix) => return Ok(Vec::new()),
        (Some(name), _) => Some((name.clone(), format!("{name}\0"))),
        (None, Some(prefix)) => Some((prefix.clone(), format!("{prefix}\u{10ffff}"))),
        (None, None) => None,
    };
    match &names {
        Some((name, end)) => {
            let of_streams = |sql| {
                move |first, last, limit| {
                    let filter = params![first, last, limit, event, actor, name, end];
                    all(conn, sql, filter, recorded)
                }
            };
            let older = of_streams(sql::SEARCH_STREAM);
            match stream {
                Some(_) => older(first, last, limit),
                None => newest((first, last), limit, of_streams(sql::SEARCH_RECENT), older),
            }
        }
        None if event.is_some() => all(conn, sql::SEARCH_EVENT, filter, recorded),
        None if actor.is_some() => all(conn, sql::SEARCH_ACTOR, filter, recorded),
        None => all(conn, sql::SEARCH, filter, recorded),
    }
}

/// The request that was accepted under a key.
pub(super) fn accepted(conn: &Connection, scope: &str) -> Result<Option<Accepted>, StoreError> {
    let read = |row: &Row<'_>| {
        Ok(Accepted {
            request: Digest::from_bytes(row.get(0)?),
            range: row
                .get::<_, Option<i64>>(1)?
                .zip(row.get(2)?)
                .map(|(a, b)| (unsigned(a), unsigned(b))),
            at: Timestamp::from_microsecond(row.get(3)?).unwrap_or(Timestamp::MIN),
        })
    };
    let mut select = conn.prepare_cached(sql::KEY).map_err(failed("read"))?;
    select.query_row([scope], read).optional().map_err(failed("read"))
}

impl<C: Connected + Send> Read for C {
    fn head(&self) -> Result<Head, StoreError> {
        let (frontier, at, _) = end(self.conn())?;
        Ok(Head {
            size: frontier.size(),
            at,
            root: frontier.root(),
        })
    }

    fn read(&self, from: u64, limit: usize) -> Result<Vec<Recorded>, StoreError> {
        all(
            self.conn(),
            sql::READ,
            params![signed(from), capped(limit)],
            recorded,
        )
    }

    fn read_stream(&self, stream: &StreamId, after: u64) -> Result<Vec<Recorded>, StoreError> {
        all(
            self.conn(),
            sql::READ_STREAM,
            params![stream.to_string(), signed(after)],
            recorded,
        )
    }

    fn search(&self, what: &Search) -> Result<Vec<Recorded>, StoreError> {
        // One snapshot for all statements of a search.
        let _snapshot = self.conn().unchecked_transaction().map_err(failed("search"))?;
        search(self.conn(), what)
    }

    fn leaves(&self, from: u64, limit: usize) -> Result<Vec<Hash>, StoreError> {
        let hash = |row: &Row<'_>| column(row, 0).map(Hash::new);
        all(
            self.conn(),
            sql::LEAVES,
            params![signed(from), capped(limit)],
            hash,
        )
    }

    fn raw(&self, from: u64, limit: usize) -> Result<Vec<RawEvent>, StoreError> {
        whole::raw(self.conn(), from, limit)
    }

    fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        work::next_due(self.conn())
    }

    fn work(&self) -> Result<Vec<WorkRow>, StoreError> {
        all(self.conn(), sql::WORK, [], work::row)
    }

    fn unsound(&self) -> Result<Vec<String>, StoreError> {
        whole::unsound(self.conn())
    }

    fn ticks(&self, rollout: &PromotionId) -> Result<(Vec<Tick>, Digest), StoreError> {
        let _snapshot = self
            .conn()
            .unchecked_transaction()
            .map_err(failed("read ticks"))?;
        ticks::read(self.conn(), rollout)
    }

    fn sample_ticks(&self, rollout: &PromotionId, moments: usize) -> Result<Vec<Tick>, StoreError> {
        let _snapshot = self
            .conn()
            .unchecked_transaction()
            .map_err(failed("read ticks"))?;
        ticks::sample(self.conn(), rollout, moments)
    }

    fn blob_bytes(&self, digest: &Digest) -> Result<Option<u64>, StoreError> {
        blobs::bytes(self.conn(), digest)
    }

    fn blob_piece(&self, digest: &Digest, number: u64) -> Result<Option<Vec<u8>>, StoreError> {
        blobs::piece(self.conn(), digest, number)
    }

    fn accepted(&self, scope: &str) -> Result<Option<Accepted>, StoreError> {
        accepted(self.conn(), scope)
    }

    fn promotions(&self, search: &PromotionSearch) -> Result<Vec<PromotionRow>, StoreError> {
        rows::promotions(self.conn(), search)
    }

    fn releases(&self, search: &ReleaseSearch) -> Result<Vec<ReleaseRow>, StoreError> {
        rows::releases(self.conn(), search)
    }

    fn password(&self, account: &ActorId) -> Result<Option<String>, StoreError> {
        access::password(self.conn(), account)
    }

    fn session(&self, id: &Digest) -> Result<Option<Session>, StoreError> {
        access::one(self.conn(), id)
    }

    fn sessions(&self, actor: &ActorId) -> Result<Vec<Session>, StoreError> {
        access::of(self.conn(), actor)
    }

    fn rows(&self) -> Result<Vec<Result<ModelRow, StoreError>>, StoreError> {
        whole::rows(self.conn())
    }
}
