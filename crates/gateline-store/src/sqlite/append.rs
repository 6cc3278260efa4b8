//! The hot path: a batch of appends in one transaction.

use gateline_model::{EVENT_VERSION, Recorded, StreamId, WorkId};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::{commit_failed, failed};
use super::read::{micros, signed, unsigned};
use super::tail::Tail;
use super::{SqliteStore, access, blobs, private, rows, sql, work};
use crate::check::{self, Accepted, Known};
use crate::{Append, AppendError, Committed, StoreError, erased, leaf};

/// Most expired keys that one batch forgets: more than it adds, so that they never pile up.
const KEYS_FORGOTTEN_MAX: usize = 2 * crate::BATCH_APPENDS_MAX;

type Answers = Vec<Result<Committed, AppendError>>;

pub(super) fn append(
    store: &mut SqliteStore,
    now: Timestamp,
    batch: &[Append],
) -> Result<Answers, StoreError> {
    check::batch(batch)?;
    if erased::by_any(batch) {
        let answers = private::overwriting(store, |store| write(store, now, batch))?;
        store.old_pages = true;
        private::forget_old_pages(store);
        return Ok(answers);
    }
    let answers = write(store, now, batch)?;
    if store.old_pages {
        // Somebody was reading for long when the text was erased.
        private::forget_old_pages(store);
    }
    Ok(answers)
}

fn write(store: &mut SqliteStore, now: Timestamp, batch: &[Append]) -> Result<Answers, StoreError> {
    // Taken, and put back only after the commit: whatever goes wrong, the next batch reads it again.
    let mut tail = store.tail.take().map_or_else(|| Tail::load(&store.conn), Ok)?;
    tail.trim();
    let at = leaf::stamp(now, tail.at)?;
    let tx = store.write("append")?;
    let size = tail.frontier.size();
    let mut writer = Writer { conn: &tx, tail, at };
    let answers = batch
        .iter()
        .map(|append| writer.append(append))
        .collect::<Result<Vec<_>, _>>()?;
    writer.forget_keys().map_err(failed("append"))?;
    if writer.tail.frontier.size() > size {
        writer.move_head().map_err(failed("append"))?;
    }
    let tail = writer.tail;
    tx.commit().map_err(commit_failed("append"))?;
    store.tail = Some(tail);
    Ok(answers)
}

/// A transaction, and what is true in it.
struct Writer<'c> {
    conn: &'c Connection,
    tail: Tail,
    at: Timestamp,
}

impl Writer<'_> {
    fn append(&mut self, append: &Append) -> Result<Result<Committed, AppendError>, StoreError> {
        let at = self.at;
        match check::append(self, at, append)? {
            Ok(None) => {}
            Ok(Some(before)) => return Ok(Ok(before)),
            Err(refused) => return Ok(Err(refused)),
        }
        let bodies: Vec<Vec<u8>> = append.events.iter().map(|new| leaf::body(&new.event)).collect();
        for (new, body) in append.events.iter().zip(&bodies) {
            if let Err(refused) = leaf::readable(&new.event, body) {
                return Ok(Err(refused));
            }
        }
        let first = self.tail.frontier.size();
        let recorded = self.record(append, &bodies)?;
        self.keep(append).map_err(failed("append"))?;
        for blob in &append.blobs {
            blobs::put(self.conn, blob)?;
        }
        if let Some(key) = &append.key {
            let range =
                (!recorded.is_empty()).then(|| (signed(first), signed(self.tail.frontier.size() - 1)));
            let mut add = self.conn.prepare_cached(sql::KEY_ADD).map_err(failed("append"))?;
            let (first, last) = range.unzip();
            let request = key.request.as_bytes();
            add.execute(params![key.scope, request, first, last, micros(at)])
                .map_err(failed("append"))?;
        }
        Ok(Ok(Committed::Appended(recorded)))
    }

    /// Writes the events.
    fn record(&mut self, append: &Append, bodies: &[Vec<u8>]) -> Result<Vec<Recorded>, StoreError> {
        let mut add = self.conn.prepare_cached(sql::LOG_ADD).map_err(failed("append"))?;
        let mut all = Vec::with_capacity(bodies.len());
        for (new, body) in append.events.iter().zip(bodies) {
            let number = self.tail.frontier.size();
            let stream = self.tail.stream(self.conn, &new.stream)?;
            let stream_id = match stream.id {
                Some(id) => id,
                None => {
                    let mut add = self
                        .conn
                        .prepare_cached(sql::STREAM_ADD)
                        .map_err(failed("append"))?;
                    *stream
                        .id
                        .insert(add.insert([&stream.name]).map_err(failed("append"))?)
                }
            };
            stream.version += 1;
            let name = &stream.name;
            let private = new
                .private
                .as_ref()
                .map(|(salt, private)| leaf::private(salt, private));
            let salt = new.private.as_ref().map(|(salt, _)| salt);
            let recorded = Recorded {
                number,
                stream: new.stream.clone(),
                version: stream.version,
                at: self.at,
                actor: append.actor.clone(),
                event: new.event.clone(),
                private: new.private.as_ref().map(|(_, private)| private.clone()),
            };
            let leaf = leaf::leaf(&recorded, name, body, private.as_ref().map(|(_, hash)| *hash));
            self.tail.frontier.append(leaf);
            add.execute(params![
                signed(recorded.number),
                stream_id,
                signed(recorded.version),
                recorded.event.name(),
                EVENT_VERSION,
                micros(self.at),
                append.actor.as_str(),
                leaf.as_bytes(),
                private.as_ref().map(|(_, hash)| hash.as_bytes()),
                salt,
                private.as_ref().map(|(bytes, _)| bytes),
                body,
            ])
            .map_err(failed("append"))?;
            all.push(recorded);
        }
        Ok(all)
    }

    /// Writes what comes with the events.
    fn keep(&mut self, append: &Append) -> rusqlite::Result<()> {
        private::erase_rows(self.conn, erased::by(append))?;
        work::keep(self.conn, append)?;
        rows::put(self.conn, &append.rows)?;
        access::put_passwords(self.conn, &append.passwords)
    }

    fn forget_keys(&mut self) -> rusqlite::Result<()> {
        let before = micros(check::forgotten_before(self.at));
        let oldest = self
            .conn
            .prepare_cached(sql::KEY_OLDEST)?
            .query_row([], |row| row.get(0))
            .optional()?;
        if oldest.is_some_and(|oldest: i64| oldest < before) {
            self.conn
                .prepare_cached(sql::KEYS_FORGET)?
                .execute(params![before, KEYS_FORGOTTEN_MAX as i64])?;
        }
        Ok(())
    }

    fn move_head(&mut self) -> rusqlite::Result<()> {
        self.tail.at = self.at;
        let mut update = self.conn.prepare_cached(sql::HEAD_MOVE)?;
        update.execute(params![
            signed(self.tail.frontier.size()),
            micros(self.tail.at),
            self.tail.frontier.to_bytes()
        ])?;
        Ok(())
    }
}

impl Known for Writer<'_> {
    fn accepted(&mut self, scope: &str) -> Result<Option<Accepted>, StoreError> {
        super::read::accepted(self.conn, scope)
    }

    fn lease(&mut self, work: &WorkId) -> Result<Option<u64>, StoreError> {
        let mut select = self
            .conn
            .prepare_cached(sql::WORK_HELD)
            .map_err(failed("append"))?;
        let fence = select
            .query_row([&work.0], |row| row.get(0))
            .optional()
            .map_err(failed("append"))?;
        Ok(fence.map(unsigned))
    }

    fn version(&mut self, stream: &StreamId) -> Result<u64, StoreError> {
        Ok(self.tail.stream(self.conn, stream)?.version)
    }
}
