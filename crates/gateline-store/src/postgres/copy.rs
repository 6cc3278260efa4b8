//! Telling a database's content to another store, and filling an empty database.

use std::collections::HashMap;

use tokio_postgres::Row as SqlRow;

use super::error::Failure;
use super::link::{ANSWER_WITHIN, Answer, Link, READ_WITHIN};
use super::read::{column, digest, signed, unsigned};
use super::rows::Rows;
use super::{PostgresReader, PostgresStore, sql};
use crate::copy::{Checked, CopyError, Entry, Filled, Hear, Tell, Told, tell_common};
use crate::{Head, RawEvent};

const DOING: &str = "fill the store";

impl Told for PostgresReader {
    fn tell(&self, hear: &mut Hear<'_>) -> Result<(), CopyError> {
        self.at_one_moment(|reader| tell(reader, hear))
    }
}

fn tell(reader: &PostgresReader, hear: &mut Hear<'_>) -> Result<(), CopyError> {
    let doing = "copy the store";
    let place = &reader.place;
    let fence = place.read(doing, &sql::FENCE, &[])?;
    let fence = fence.first().map_or(Ok(0), |row| column::<i64>(row, 0))?;
    tell_common(reader, unsigned(fence), hear)?;
    for row in place.read(doing, &sql::KEYS_ALL, &[])? {
        let (scope, accepted) = super::read::accepted(&row)?;
        hear(Entry::Key {
            scope,
            request: accepted.request,
            range: accepted.range,
            at_micros: accepted.at.as_microsecond(),
        })?;
    }
    for row in place.read(doing, &sql::ROLLOUTS, &[])? {
        let promotion: String = column(&row, 0)?;
        let rows = place.read(doing, &sql::TICKS, &[&promotion])?;
        let lines = rows
            .iter()
            .map(|row| column::<Option<&[u8]>>(row, 1))
            .collect::<Result<Vec<_>, _>>()?;
        let line = |line: &[u8]| {
            let text = std::str::from_utf8(line).map(str::to_owned);
            text.map_err(|err| super::read::damaged(format!("a tick of `{promotion}`"), err))
        };
        let lines = lines.into_iter().flatten().map(line).collect::<Result<_, _>>()?;
        let root = digest(&row, 1)?;
        hear(Entry::Ticks {
            promotion,
            root,
            lines,
        })?;
    }
    for row in place.read(doing, &sql::BLOBS_ALL, &[])? {
        let (id, bytes): (i64, i64) = (column(&row, 0)?, column(&row, 2)?);
        hear(Entry::Content {
            digest: digest(&row, 1)?,
            bytes: unsigned(bytes),
        })?;
        for number in 0_i64.. {
            let Some(piece) = place.read(doing, &sql::BLOB_PIECE_OF, &[&id, &number])?.pop() else {
                break;
            };
            hear(Entry::Piece {
                form: column(&piece, 0)?,
                packed: column(&piece, 1)?,
            })?;
        }
    }
    for row in place.read(doing, &sql::PASSWORDS, &[])? {
        hear(Entry::Password {
            account: column(&row, 0)?,
            hash: column(&row, 1)?,
        })?;
    }
    hear(Entry::End {})
}

impl Filled for PostgresStore {
    fn fill(&mut self, tell: &mut Tell<'_>) -> Result<Head, CopyError> {
        let filled = self.place.with(|link| Ok(fill(link, tell)));
        match filled {
            Ok(Ok(head)) => Ok(head),
            Ok(Err(err)) => {
                // Whatever the transaction had goes with its connection.
                self.place.lose();
                Err(err)
            }
            Err(failure) => Err(failure.unavailable(DOING).into()),
        }
    }
}

fn fill(link: &Link, tell: &mut Tell<'_>) -> Result<Head, CopyError> {
    let failed = |failure: Failure| CopyError::from(failure.unavailable(DOING));
    let found = link.wait(ANSWER_WITHIN, async {
        link.begin().await?;
        // What is told may take as long as it takes to be read.
        link.batch("SET LOCAL idle_in_transaction_session_timeout = 0")
            .await?;
        link.query(&sql::HEAD_LOCK, &[]).await?;
        link.query(&sql::IS_EMPTY, &[]).await
    });
    let found: Vec<SqlRow> = found.map_err(failed)?;
    if !found.first().map_or(Ok(false), |row| column::<bool>(row, 0))? {
        return Err(CopyError::NotEmpty);
    }
    let mut filling = Filling {
        link,
        checked: Checked::default(),
        streams: HashMap::new(),
        blob: None,
        rows: Vec::new(),
    };
    tell(&mut |entry| filling.take(entry))?;
    let head = filling.checked.finish()?;
    let frontier = filling.checked.frontier.to_bytes();
    let (size, at) = (signed(head.size), head.at.as_microsecond());
    let moved: Answer<'_, u64> =
        Box::pin(async move { link.execute(&sql::HEAD_MOVE, &[&size, &at, &frontier]).await });
    link.commit(vec![moved])
        .map_err(|failure| failure.of_commit(DOING))?;
    Ok(head)
}

struct Filling<'l> {
    link: &'l Link,
    checked: Checked,
    streams: HashMap<String, i64>,
    /// The content that pieces belong to, and the number of the next one.
    blob: Option<(i64, i64)>,
    rows: Vec<crate::Row>,
}

/// Rows that are sent at once.
const ROWS_AT_ONCE: usize = 500;

impl Filling<'_> {
    fn take(&mut self, entry: Entry) -> Result<(), CopyError> {
        self.checked.take(&entry)?;
        self.keep(entry).map_err(|failure| failure.unavailable(DOING))?;
        Ok(())
    }

    fn keep(&mut self, entry: Entry) -> Result<(), Failure> {
        let link = self.link;
        let run = |sql: &'static sql::Sql, params: super::link::Params<'_>| {
            link.wait(READ_WITHIN, link.execute(sql, params)).map(drop)
        };
        match entry {
            Entry::Head { fence: 0, .. } => Ok(()),
            Entry::Head { fence, .. } => link
                .wait(READ_WITHIN, link.query(&sql::FENCE_SET, &[&signed(fence)]))
                .map(drop),
            Entry::Events { events } => self.events(&events),
            Entry::Key {
                scope,
                request,
                range,
                at_micros,
            } => {
                let (first, last) = range.map(|(first, last)| (signed(first), signed(last))).unzip();
                let request = request.as_bytes().to_vec();
                run(
                    &sql::KEYS_ADD,
                    &[
                        &vec![scope],
                        &vec![request],
                        &vec![first],
                        &vec![last],
                        &at_micros,
                    ],
                )
            }
            Entry::Work {
                id,
                kind,
                due_micros,
                fence,
                attempt,
            } => {
                let attempt = i32::try_from(attempt).unwrap_or(i32::MAX);
                run(
                    &sql::WORK_FILL,
                    &[&id, &kind, &due_micros, &signed(fence), &attempt],
                )
            }
            Entry::Ticks {
                promotion,
                root,
                lines,
            } => self.ticks(&promotion, root.as_bytes(), &lines),
            Entry::Content { digest, bytes } => {
                let id: i64 = link.wait(READ_WITHIN, async {
                    link.query(&sql::BLOB_COMING, &[&0_i64]).await?[0].try_get(0)
                })?;
                self.blob = Some((id, 0));
                let digest = digest.as_bytes().to_vec();
                run(&sql::BLOBS_ADD, &[&vec![digest], &vec![id], &vec![signed(bytes)]])
            }
            Entry::Piece { form, packed } => {
                let Some((id, number)) = &mut self.blob else {
                    return Ok(());
                };
                *number += 1;
                run(&sql::BLOB_PIECE_ADD, &[id, &(*number - 1), &form, &packed])
            }
            Entry::Row { of } => {
                self.rows.push(of);
                if self.rows.len() < ROWS_AT_ONCE {
                    Ok(())
                } else {
                    self.rows()
                }
            }
            Entry::Password { account, hash } => run(&sql::PASSWORDS_PUT, &[&vec![account], &vec![hash]]),
            Entry::End {} => self.rows(),
        }
    }

    fn events(&mut self, events: &[RawEvent]) -> Result<(), Failure> {
        let (mut ids, mut names) = (Vec::new(), Vec::new());
        let mut streams = Vec::with_capacity(events.len());
        for raw in events {
            let id = *self.streams.entry(raw.stream.clone()).or_insert_with(|| {
                ids.push(signed(raw.number));
                names.push(raw.stream.as_str());
                signed(raw.number)
            });
            streams.push(id);
        }
        let numbers: Vec<i64> = events.iter().map(|raw| signed(raw.number)).collect();
        let versions: Vec<i64> = events.iter().map(|raw| raw.version).collect();
        let kinds: Vec<&str> = events.iter().map(|raw| raw.kind.as_str()).collect();
        let kind_versions: Vec<i32> = events
            .iter()
            .map(|raw| i32::try_from(raw.kind_version).unwrap_or(i32::MAX))
            .collect();
        let times: Vec<i64> = events.iter().map(|raw| raw.at_micros).collect();
        let actors: Vec<&str> = events.iter().map(|raw| raw.actor.as_str()).collect();
        let leaves: Vec<&[u8]> = events.iter().map(|raw| raw.leaf.as_slice()).collect();
        let hashes: Vec<_> = events.iter().map(|raw| raw.private_hash.as_deref()).collect();
        let salts: Vec<_> = events.iter().map(|raw| raw.salt.as_deref()).collect();
        let privates: Vec<_> = events.iter().map(|raw| raw.private.as_deref()).collect();
        let bodies: Vec<&[u8]> = events.iter().map(|raw| raw.body.as_slice()).collect();
        let link = self.link;
        link.wait(READ_WITHIN, async {
            link.execute(&sql::STREAMS_ADD, &[&ids, &names]).await?;
            link.execute(
                &sql::LOG_FILL,
                &[
                    &numbers,
                    &streams,
                    &versions,
                    &kinds,
                    &kind_versions,
                    &times,
                    &actors,
                    &leaves,
                    &hashes,
                    &salts,
                    &privates,
                    &bodies,
                ],
            )
            .await
        })
        .map(drop)
    }

    fn ticks(&self, promotion: &str, root: &[u8], lines: &[String]) -> Result<(), Failure> {
        let keys = lines
            .iter()
            .map(|line| crate::ticks::key_of(line).unwrap_or_default());
        let (arms, times): (Vec<&'static str>, Vec<i64>) = keys.unzip();
        let numbers: Vec<i64> = (0..lines.len() as i64).collect();
        let bytes: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
        let link = self.link;
        link.wait(READ_WITHIN, async {
            link.execute(&sql::ROLLOUT_ADD, &[&promotion, &root]).await?;
            let id: i64 = link.query(&sql::ROLLOUT_LOCK, &[&promotion]).await?[0].try_get(0)?;
            link.execute(&sql::TICKS_ADD, &[&id, &numbers, &arms, &times, &bytes])
                .await?;
            link.execute(&sql::ROLLOUT_MOVE, &[&id, &(lines.len() as i64), &root])
                .await
        })
        .map(drop)
    }

    fn rows(&mut self) -> Result<(), Failure> {
        let rows = std::mem::take(&mut self.rows);
        let arrays = Rows::of(&rows);
        for statement in arrays.put(self.link) {
            self.link.wait(READ_WITHIN, statement)?;
        }
        Ok(())
    }
}
