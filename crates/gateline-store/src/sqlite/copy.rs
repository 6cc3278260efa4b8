//! Telling a file's content to another store, and filling a new file.

use gateline_model::Digest;
use rusqlite::{Connection, Row as SqlRow, params};

use super::error::{commit_failed, failed};
use super::read::{self, all, column, signed, unsigned};
use super::{SqliteReader, SqliteStore, rows, sql};
use crate::copy::{Checked, CopyError, Entry, Filled, Hear, Tell, Told, tell_common};
use crate::{Head, RawEvent, StoreError};

const DOING: &str = "fill the store";

impl Told for SqliteReader {
    fn tell(&self, hear: &mut Hear<'_>) -> Result<(), CopyError> {
        self.at_one_moment(|reader| tell(reader, hear))
    }
}

fn digest(row: &SqlRow<'_>, index: usize) -> Result<Digest, StoreError> {
    column(row, index).map(Digest::from_bytes)
}

fn tell(reader: &SqliteReader, hear: &mut Hear<'_>) -> Result<(), CopyError> {
    let conn = &reader.conn;
    let (_, _, fence) = read::end(conn)?;
    tell_common(reader, fence, hear)?;
    let key = |row: &SqlRow<'_>| {
        let (first, last): (Option<i64>, Option<i64>) = (column(row, 2)?, column(row, 3)?);
        Ok(Entry::Key {
            scope: column(row, 0)?,
            request: digest(row, 1)?,
            range: first
                .zip(last)
                .map(|(first, last)| (unsigned(first), unsigned(last))),
            at_micros: column(row, 4)?,
        })
    };
    all(conn, sql::KEYS, [], key)?
        .into_iter()
        .try_for_each(&mut *hear)?;
    let rollout = |row: &SqlRow<'_>| Ok((column::<i64>(row, 0)?, column::<String>(row, 1)?, digest(row, 2)?));
    for (id, promotion, root) in all(conn, sql::ROLLOUTS, [], rollout)? {
        let line = |row: &SqlRow<'_>| {
            String::from_utf8(column(row, 0)?)
                .map_err(|err| read::damaged(format!("a tick of `{promotion}`"), err))
        };
        let lines = all(conn, sql::TICKS, [id], line)?;
        hear(Entry::Ticks {
            promotion,
            root,
            lines,
        })?;
    }
    let content = |row: &SqlRow<'_>| Ok((column::<i64>(row, 0)?, digest(row, 1)?, unsigned(column(row, 2)?)));
    for (id, digest, bytes) in all(conn, sql::BLOBS, [], content)? {
        hear(Entry::Content { digest, bytes })?;
        for number in 0.. {
            let piece = |row: &SqlRow<'_>| {
                Ok(Entry::Piece {
                    form: column(row, 0)?,
                    packed: column(row, 1)?,
                })
            };
            match all(conn, sql::BLOB_PIECE_OF, params![id, number], piece)?.pop() {
                Some(piece) => hear(piece)?,
                None => break,
            }
        }
    }
    let password = |row: &SqlRow<'_>| {
        Ok(Entry::Password {
            account: column(row, 0)?,
            hash: column(row, 1)?,
        })
    };
    all(conn, sql::PASSWORDS, [], password)?
        .into_iter()
        .try_for_each(&mut *hear)?;
    hear(Entry::End {})
}

impl Filled for SqliteStore {
    fn fill(&mut self, tell: &mut Tell<'_>) -> Result<Head, CopyError> {
        self.tail = None;
        let tx = self.write(DOING)?;
        let found: i64 = tx
            .query_row(sql::IS_EMPTY, [], |row| row.get(0))
            .map_err(failed(DOING))?;
        if found != 1 {
            return Err(CopyError::NotEmpty);
        }
        let mut filling = Filling {
            conn: &tx,
            checked: Checked::default(),
            blob: None,
        };
        tell(&mut |entry| filling.take(entry))?;
        let head = filling.checked.finish()?;
        let frontier = filling.checked.frontier.to_bytes();
        tx.execute(
            sql::HEAD_MOVE,
            params![signed(head.size), head.at.as_microsecond(), frontier],
        )
        .map_err(failed(DOING))?;
        tx.commit().map_err(commit_failed(DOING))?;
        Ok(head)
    }
}

struct Filling<'c> {
    conn: &'c Connection,
    checked: Checked,
    /// The content that pieces belong to, and the number of the next one.
    blob: Option<(i64, i64)>,
}

impl Filling<'_> {
    fn take(&mut self, entry: Entry) -> Result<(), CopyError> {
        self.checked.take(&entry)?;
        self.keep(&entry).map_err(failed(DOING))?;
        Ok(())
    }

    fn keep(&mut self, entry: &Entry) -> rusqlite::Result<()> {
        let conn = self.conn;
        match entry {
            Entry::Head { fence, .. } => conn.execute(sql::FENCE_MOVE, [signed(*fence)])?,
            Entry::Events { events } => {
                events.iter().try_for_each(|raw| self.event(raw))?;
                events.len()
            }
            Entry::Key {
                scope,
                request,
                range,
                at_micros,
            } => {
                let (first, last) = range.map(|(first, last)| (signed(first), signed(last))).unzip();
                let mut add = conn.prepare_cached(sql::KEY_ADD)?;
                add.execute(params![scope, request.as_bytes(), first, last, at_micros])?
            }
            Entry::Work {
                id,
                kind,
                due_micros,
                fence,
                attempt,
            } => {
                let mut add = conn.prepare_cached(sql::WORK_FILL)?;
                add.execute(params![id, kind, due_micros, signed(*fence), attempt])?
            }
            Entry::Ticks {
                promotion,
                root,
                lines,
            } => {
                let mut put = conn.prepare_cached(sql::ROLLOUT_PUT)?;
                let id: i64 = put.query_row(params![promotion, root.as_bytes()], |row| row.get(0))?;
                let mut add = conn.prepare_cached(sql::TICK_ADD)?;
                for line in lines {
                    let (arm, at) = crate::ticks::key_of(line).unwrap_or_default();
                    add.execute(params![id, arm, at, line.as_bytes()])?;
                }
                lines.len()
            }
            Entry::Content { digest, bytes } => {
                let added = conn
                    .prepare_cached(sql::BLOB_ADD)?
                    .execute(params![digest.as_bytes(), signed(*bytes)])?;
                self.blob = Some((conn.last_insert_rowid(), 0));
                added
            }
            Entry::Piece { form, packed } => {
                let Some((id, number)) = &mut self.blob else {
                    return Ok(());
                };
                *number += 1;
                conn.prepare_cached(sql::BLOB_PIECE_ADD)?
                    .execute(params![*id, *number - 1, form, packed])?
            }
            Entry::Row { of } => {
                rows::put(conn, std::slice::from_ref(of))?;
                1
            }
            Entry::Password { account, hash } => conn
                .prepare_cached(sql::PASSWORD_PUT)?
                .execute(params![account, hash])?,
            Entry::End {} => 0,
        };
        Ok(())
    }

    fn event(&self, raw: &RawEvent) -> rusqlite::Result<()> {
        let conn = self.conn;
        if raw.version == 1 {
            conn.prepare_cached(sql::STREAM_ADD)?.execute([&raw.stream])?;
        }
        let id: i64 = conn
            .prepare_cached(sql::STREAM)?
            .query_row([&raw.stream], |row| row.get(0))?;
        conn.prepare_cached(sql::LOG_ADD)?.execute(params![
            signed(raw.number),
            id,
            raw.version,
            raw.kind,
            raw.kind_version,
            raw.at_micros,
            raw.actor,
            raw.leaf,
            raw.private_hash,
            raw.salt,
            raw.private,
            raw.body,
        ])?;
        Ok(())
    }
}
