//! The hot path: a batch of appends in one transaction and two round trips. The first takes the head's lock and reads what
//! the batch is checked against, the second writes an array a table and commits.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join5;
use gateline_model::StreamId;
use jiff::Timestamp;
use tokio_postgres::Row;

use super::batch::{Before, Stream, Writer, bodies};
use super::error::Failure;
use super::link::{ANSWER_WITHIN, Link};
use super::read::{self, column, plain, unsigned};
use super::{PostgresStore, blobs, settle, sql};
use crate::{Append, AppendError, Committed, StoreError, check, leaf};

const DOING: &str = "append";
type Answers = Vec<Result<Committed, AppendError>>;

pub(super) fn append(
    store: &mut PostgresStore,
    now: Timestamp,
    batch: &[Append],
) -> Result<Answers, StoreError> {
    check::batch(batch)?;
    // Refused before anything is sent: the log's time is only known under its lock.
    leaf::stamp(now, Timestamp::UNIX_EPOCH)?;
    let mut coming = blobs::send_ahead(store, now, batch)?;
    let asked = Asked::of(batch);
    let bodies: Vec<_> = batch.iter().map(bodies).collect();
    let begun = store.place.with_again(|link| {
        let begun = asked.begin(link);
        if begun.as_ref().is_err_and(|failure| !failure.is_lost()) {
            link.roll_back()?;
        }
        begun
    });
    let found = begun.map_err(|failure| failure.unavailable(DOING))?;
    let decided = found.known().and_then(|known| {
        let at = leaf::stamp(now, known.at)?;
        let mut writer = Writer::new(known, at);
        let answers = batch
            .iter()
            .zip(bodies)
            .map(|(append, bodies)| writer.append(append, bodies, &mut coming))
            .collect::<Result<_, _>>()?;
        Ok((writer, answers))
    });
    let (writer, answers) = match decided {
        Ok(decided) => decided,
        Err(err) => {
            roll_back(store);
            return Err(err);
        }
    };
    if writer.is_empty() {
        roll_back(store);
        return Ok(answers);
    }
    store.batch += 1;
    let (name, number) = (store.name.clone(), store.batch);
    match store.place.with(|link| writer.commit(link, &name, number)) {
        Ok(()) => Ok(answers),
        // An error within the transaction: the commit behind it was none.
        Err(failure) if !failure.is_lost() => {
            roll_back(store);
            Err(failure.unavailable(DOING))
        }
        Err(failure) => {
            let why = failure.why();
            if settle::is_committed(store, &why)? {
                return Ok(answers);
            }
            let why = format!("{why}; nothing of it was kept");
            Err(StoreError::Unavailable { doing: DOING, why })
        }
    }
}

/// Leaves the transaction; a link that cannot is lost, and its server forgets it in time.
fn roll_back(store: &PostgresStore) {
    if store.place.with(Link::roll_back).is_err() {
        store.place.lose();
    }
}

/// What a batch asks about.
struct Asked {
    streams: BTreeMap<String, StreamId>,
    scopes: Vec<String>,
    works: Vec<String>,
}

/// The answers, as rows.
struct Found<'a> {
    asked: &'a Asked,
    head: Vec<Row>,
    streams: Vec<Row>,
    keys: Vec<Row>,
    held: Vec<Row>,
}

impl Asked {
    fn of(batch: &[Append]) -> Self {
        let mut streams = BTreeMap::new();
        let (mut scopes, mut works) = (BTreeSet::new(), BTreeSet::new());
        for append in batch {
            let written = append.events.iter().map(|new| &new.stream);
            for stream in append.expects.iter().map(|(stream, _)| stream).chain(written) {
                streams.insert(stream.to_string(), stream.clone());
            }
            scopes.extend(append.key.iter().map(|key| plain(&key.scope)));
            works.extend(append.fence.iter().map(|fence| fence.work.0.clone()));
        }
        Self {
            streams,
            scopes: scopes.into_iter().collect(),
            works: works.into_iter().collect(),
        }
    }

    /// Begins the transaction, takes the head's lock, and asks.
    fn begin(&self, link: &Link) -> Result<Found<'_>, Failure> {
        let names: Vec<&str> = self.streams.keys().map(String::as_str).collect();
        link.wait(ANSWER_WITHIN, async {
            let keys = async {
                match self.scopes.is_empty() {
                    true => Ok(Vec::new()),
                    false => link.query(&sql::KEYS, &[&self.scopes]).await,
                }
            };
            let held = async {
                match self.works.is_empty() {
                    true => Ok(Vec::new()),
                    false => link.query(&sql::WORK_HELD, &[&self.works]).await,
                }
            };
            // Each sees what is committed when it runs, which is after the lock was taken.
            let (begun, head, streams, keys, held) = join5(
                link.begin(),
                link.query(&sql::HEAD_LOCK, &[]),
                link.query(&sql::STREAMS, &[&names]),
                keys,
                held,
            )
            .await;
            begun?;
            Ok(Found {
                asked: self,
                head: head?,
                streams: streams?,
                keys: keys?,
                held: held?,
            })
        })
    }
}

impl Found<'_> {
    fn known(&self) -> Result<Before, StoreError> {
        let (frontier, at) = read::end(&self.head)?;
        let mut streams: BTreeMap<StreamId, Stream> = BTreeMap::new();
        for (name, id) in &self.asked.streams {
            let stream = Stream {
                id: None,
                name: name.clone(),
                version: 0,
            };
            streams.insert(id.clone(), stream);
        }
        for row in &self.streams {
            let name: &str = column(row, 1)?;
            let stream = self.asked.streams.get(name).and_then(|id| streams.get_mut(id));
            if let Some(stream) = stream {
                stream.id = Some(column(row, 0)?);
                stream.version = column::<Option<i64>>(row, 2)?.map_or(0, unsigned);
            }
        }
        let held = |row| Ok((column(row, 0)?, unsigned(column(row, 1)?)));
        Ok(Before {
            frontier,
            at,
            streams,
            keys: self.keys.iter().map(read::accepted).collect::<Result<_, _>>()?,
            held: self.held.iter().map(held).collect::<Result<_, StoreError>>()?,
        })
    }
}
