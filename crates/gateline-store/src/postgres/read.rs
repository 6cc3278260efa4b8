//! Reading: the same code for the writer and for readers beside it.

use gateline_log::{Frontier, Hash};
use gateline_model::{ActorId, Digest, PromotionId, Recorded, StreamId, Tick};
use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql};

pub(super) use crate::kept::{capped, damaged, micros, newest, signed, time, unsigned};

use super::place::Place;
use super::{PostgresReader, PostgresStore, access, blobs, rows, sql, ticks, whole, work};
use crate::{
    Accepted, Head, PromotionRow, PromotionSearch, RawEvent, Read, ReleaseRow, ReleaseSearch,
    Row as ModelRow, Search, Session, StoreError, WorkRow, upcast,
};

/// One column of a row, of the type that the table has it in.
pub(super) fn column<'r, T: FromSql<'r>>(row: &'r Row, index: usize) -> Result<T, StoreError> {
    row.try_get(index).map_err(|err| damaged("a column", err))
}

/// A digest from a column.
pub(super) fn digest(row: &Row, index: usize) -> Result<Digest, StoreError> {
    let bytes: &[u8] = column(row, index)?;
    let bytes = bytes.try_into().map_err(|err| damaged("a digest", err))?;
    Ok(Digest::from_bytes(bytes))
}

/// Text without the one character that no text column takes.
pub(super) fn plain(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// The end of the log from a row of [`sql::HEAD`]: frontier and time.
pub(super) fn end(rows: &[Row]) -> Result<(Frontier, Timestamp), StoreError> {
    let what = "the head of the log";
    let row = rows.first().ok_or_else(|| damaged(what, "it is missing"))?;
    let (size, at): (i64, i64) = (column(row, 0)?, column(row, 1)?);
    let frontier = Frontier::from_bytes(column(row, 2)?).map_err(|err| damaged(what, err))?;
    if frontier.size() != unsigned(size) {
        let why = format!("{size} events, {} leaves", frontier.size());
        return Err(damaged(what, why));
    }
    Ok((frontier, time(at)?))
}

fn head(place: &Place) -> Result<(Frontier, Timestamp), StoreError> {
    end(&place.read("read the head", &sql::HEAD, &[])?)
}

fn recorded(row: &Row) -> Result<Recorded, StoreError> {
    let number = unsigned(column(row, 0)?);
    let what = || format!("event {number}");
    let private: Option<&[u8]> = column(row, 6)?;
    let private = private
        .map(serde_json::from_slice)
        .transpose()
        .map_err(|err| damaged(what(), err))?;
    let (stream, actor): (&str, &str) = (column(row, 1)?, column(row, 5)?);
    let version: i32 = column(row, 3)?;
    let version = u16::try_from(version).map_err(|err| damaged(what(), err))?;
    Ok(Recorded {
        number,
        stream: stream.parse().map_err(|err| damaged(what(), err))?,
        version: unsigned(column(row, 2)?),
        at: time(column(row, 4)?)?,
        actor: actor.parse().map_err(|err| damaged(what(), err))?,
        event: upcast::event(number, version, column(row, 7)?)?,
        private,
    })
}

/// The first number whose event is not before `at`.
fn number_at(place: &Place, at: Timestamp) -> Result<u64, StoreError> {
    // Rounded up: the log's times are whole microseconds.
    let at = crate::micros::up(at).as_microsecond();
    let rows = place.read("search", &sql::NUMBER_AT, &[&at])?;
    let row = rows
        .first()
        .ok_or_else(|| damaged("the log", "a number within it is missing"))?;
    Ok(unsigned(column(row, 0)?))
}

fn search(place: &Place, search: &Search) -> Result<Vec<Recorded>, StoreError> {
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
    let texts = [event, stream_prefix];
    if texts
        .iter()
        .any(|text| text.as_ref().is_some_and(|text| text.contains('\0')))
    {
        return Ok(Vec::new());
    }
    // What is recorded after this moment is not found, whichever statement comes when.
    let size = head(place)?.0.size();
    let first = from.map_or(Ok(0), |at| number_at(place, at))?;
    let last = until
        .map_or(Ok(size), |at| number_at(place, at))?
        .min(before.unwrap_or(size))
        .min(size);
    let (first, last, limit) = (signed(first), signed(last), capped(*limit));
    let actor = actor.as_ref().map(|actor| actor.as_str());
    // Stream names are ASCII: the last character of Unicode is after every one that begins alike.
    let names = match (stream.as_ref().map(ToString::to_string), stream_prefix) {
        (Some(name), Some(prefix)) if !name.starts_with(prefix) => return Ok(Vec::new()),
        (Some(name), _) => Some((name.clone(), format!("{name}\u{1}"))),
        (None, Some(prefix)) => Some((prefix.clone(), format!("{prefix}\u{10ffff}"))),
        (None, None) => None,
    };
    let Some((name, end)) = &names else {
        let rows = place.read("search", &sql::SEARCH, &[&first, &last, &limit, event, &actor])?;
        return rows.iter().map(recorded).collect();
    };
    // Planned for the numbers that it is given: over a few of them by number, over all of them by stream.
    let of_streams = |first, last, limit| {
        let filter: [&(dyn ToSql + Sync); 7] = [&first, &last, &limit, event, &actor, name, end];
        let rows = place.read("search", &sql::SEARCH_STREAM, &filter)?;
        rows.iter().map(recorded).collect()
    };
    match stream {
        Some(_) => of_streams(first, last, limit),
        None => newest((first, last), limit, of_streams, of_streams),
    }
}

/// A row of [`sql::KEY`]: the scope and what was accepted.
pub(super) fn accepted(row: &Row) -> Result<(String, Accepted), StoreError> {
    let (first, last): (Option<i64>, Option<i64>) = (column(row, 2)?, column(row, 3)?);
    let accepted = Accepted {
        request: digest(row, 1)?,
        range: first
            .zip(last)
            .map(|(first, last)| (unsigned(first), unsigned(last))),
        at: Timestamp::from_microsecond(column(row, 4)?).unwrap_or(Timestamp::MIN),
    };
    Ok((column(row, 0)?, accepted))
}

macro_rules! reads {
    ($($reader:ty)*) => {
        $(impl Read for $reader {
            fn head(&self) -> Result<Head, StoreError> {
                let (frontier, at) = head(&self.place)?;
                Ok(Head { size: frontier.size(), at, root: frontier.root() })
            }

            fn read(&self, from: u64, limit: usize) -> Result<Vec<Recorded>, StoreError> {
                let rows = self.place.read("read the log", &sql::READ, &[&signed(from), &capped(limit)])?;
                rows.iter().map(recorded).collect()
            }

            fn read_stream(&self, stream: &StreamId, after: u64) -> Result<Vec<Recorded>, StoreError> {
                let (stream, after) = (stream.to_string(), signed(after));
                let rows = self.place.read("read a stream", &sql::READ_STREAM, &[&stream, &after])?;
                rows.iter().map(recorded).collect()
            }

            fn search(&self, what: &Search) -> Result<Vec<Recorded>, StoreError> {
                search(&self.place, what)
            }

            fn leaves(&self, from: u64, limit: usize) -> Result<Vec<Hash>, StoreError> {
                let rows = self.place.read("read leaves", &sql::LEAVES, &[&signed(from), &capped(limit)])?;
                let hash = |row: &Row| {
                    let bytes: &[u8] = column(row, 0)?;
                    Ok(Hash::new(bytes.try_into().map_err(|err| damaged("a leaf", err))?))
                };
                rows.iter().map(hash).collect()
            }

            fn raw(&self, from: u64, limit: usize) -> Result<Vec<RawEvent>, StoreError> {
                whole::raw(&self.place, from, limit)
            }

            fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
                work::next_due(&self.place)
            }

            fn work(&self) -> Result<Vec<WorkRow>, StoreError> {
                self.place.read("read work", &sql::WORK, &[])?.iter().map(work::row).collect()
            }

            fn unsound(&self) -> Result<Vec<String>, StoreError> {
                whole::unsound(&self.place)
            }

            fn ticks(&self, rollout: &PromotionId) -> Result<(Vec<Tick>, Digest), StoreError> {
                ticks::read(&self.place, rollout)
            }

            fn sample_ticks(&self, rollout: &PromotionId, moments: usize) -> Result<Vec<Tick>, StoreError> {
                ticks::sample(&self.place, rollout, moments)
            }

            fn blob_bytes(&self, digest: &Digest) -> Result<Option<u64>, StoreError> {
                blobs::bytes(&self.place, digest)
            }

            fn blob_piece(&self, digest: &Digest, number: u64) -> Result<Option<Vec<u8>>, StoreError> {
                blobs::piece(&self.place, digest, number)
            }

            fn accepted(&self, scope: &str) -> Result<Option<Accepted>, StoreError> {
                let rows = self.place.read("read a key", &sql::KEY, &[&plain(scope)])?;
                rows.first().map(|row| Ok(accepted(row)?.1)).transpose()
            }

            fn promotions(&self, search: &PromotionSearch) -> Result<Vec<PromotionRow>, StoreError> {
                rows::promotions(&self.place, search)
            }

            fn releases(&self, search: &ReleaseSearch) -> Result<Vec<ReleaseRow>, StoreError> {
                rows::releases(&self.place, search)
            }

            fn password(&self, account: &ActorId) -> Result<Option<String>, StoreError> {
                access::password(&self.place, account)
            }

            fn session(&self, id: &Digest) -> Result<Option<Session>, StoreError> {
                access::one(&self.place, id)
            }

            fn sessions(&self, actor: &ActorId) -> Result<Vec<Session>, StoreError> {
                access::of(&self.place, actor)
            }

            fn rows(&self) -> Result<Vec<Result<ModelRow, StoreError>>, StoreError> {
                whole::rows(&self.place)
            }
        })*
    };
}

reads! { PostgresStore PostgresReader }
