//! The hot path: a batch of appends in one transaction and two round trips. The first takes the head's lock and reads what
//! the batch is checked against, the second writes an array a table and commits.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join5;
use gateline_log::Frontier;
use gateline_model::{EVENT_VERSION, Recorded, StreamId, WorkId};
use jiff::Timestamp;
use tokio_postgres::Row;

use super::access::Passwords;
use super::error::Failure;
use super::link::{ANSWER_WITHIN, Answer, Link};
use super::plan::{Arrays, Plan};
use super::read::{self, column, micros, plain, signed, unsigned};
use super::rows::Rows;
use super::{PostgresStore, blobs, settle, sql};
use crate::check::{self, Accepted, Known};
use crate::{Append, AppendError, BATCH_APPENDS_MAX, Committed, StoreError, leaf};

const DOING: &str = "append";
/// Most expired keys that one batch forgets: more than it adds, so that they never pile up.
const KEYS_FORGOTTEN_MAX: i64 = 2 * BATCH_APPENDS_MAX as i64;

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
            .map(|append| writer.append(append, &mut coming))
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

/// What is true under the lock.
struct Before {
    frontier: Frontier,
    at: Timestamp,
    streams: BTreeMap<StreamId, Stream>,
    keys: BTreeMap<String, Accepted>,
    held: BTreeMap<String, u64>,
}

/// A stream: its row, if it has one, its text and its version.
struct Stream {
    id: Option<i64>,
    name: String,
    version: u64,
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

/// A transaction, what is true in it, and what it will write.
struct Writer<'b> {
    before: Before,
    at: Timestamp,
    streams: NewStreams,
    log: Log,
    keys: Keys,
    plan: Plan,
    rows: Vec<&'b crate::Row>,
    blobs: blobs::Kept,
    passwords: Passwords<'b>,
}

#[derive(Default)]
struct NewStreams {
    ids: Vec<i64>,
    names: Vec<String>,
}

#[derive(Default)]
struct Log {
    numbers: Vec<i64>,
    streams: Vec<i64>,
    versions: Vec<i64>,
    types: Vec<&'static str>,
    actors: Vec<String>,
    leaves: Vec<Vec<u8>>,
    private_hashes: Vec<Option<Vec<u8>>>,
    salts: Vec<Option<Vec<u8>>>,
    privates: Vec<Option<Vec<u8>>>,
    bodies: Vec<Vec<u8>>,
}

#[derive(Default)]
struct Keys {
    scopes: Vec<String>,
    requests: Vec<Vec<u8>>,
    firsts: Vec<Option<i64>>,
    lasts: Vec<Option<i64>>,
}

impl<'b> Writer<'b> {
    fn new(before: Before, at: Timestamp) -> Self {
        Self {
            before,
            at,
            streams: NewStreams::default(),
            log: Log::default(),
            keys: Keys::default(),
            plan: Plan::default(),
            rows: Vec::new(),
            blobs: blobs::Kept::default(),
            passwords: Passwords::default(),
        }
    }

    fn append(
        &mut self,
        append: &'b Append,
        coming: &mut blobs::Coming,
    ) -> Result<Result<Committed, AppendError>, StoreError> {
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
        let first = self.before.frontier.size();
        let recorded = self.record(append, bodies);
        let range = (!recorded.is_empty()).then(|| (first, self.before.frontier.size() - 1));
        self.plan.take(append);
        self.rows.extend(&append.rows);
        self.blobs.take(coming, append);
        self.passwords.take(append);
        if let Some(key) = &append.key {
            let scope = plain(&key.scope);
            self.keys.scopes.push(scope.clone());
            self.keys.requests.push(key.request.as_bytes().to_vec());
            self.keys.firsts.push(range.map(|(first, _)| signed(first)));
            self.keys.lasts.push(range.map(|(_, last)| signed(last)));
            let request = key.request;
            self.before.keys.insert(scope, Accepted { request, range, at });
        }
        Ok(Ok(Committed::Appended(recorded)))
    }

    /// Gives the events their numbers and leaves.
    fn record(&mut self, append: &Append, bodies: Vec<Vec<u8>>) -> Vec<Recorded> {
        let mut all = Vec::with_capacity(bodies.len());
        for (new, body) in append.events.iter().zip(bodies) {
            let number = self.before.frontier.size();
            let stream = self
                .before
                .streams
                .get_mut(&new.stream)
                .expect("every stream of the batch was asked for");
            let stream_id = *stream.id.get_or_insert_with(|| {
                self.streams.ids.push(signed(number));
                self.streams.names.push(stream.name.clone());
                signed(number)
            });
            stream.version += 1;
            let (salt, private) = new
                .private
                .as_ref()
                .map(|(salt, private)| (salt, private))
                .unzip();
            let hashed = new
                .private
                .as_ref()
                .map(|(salt, private)| leaf::private(salt, private));
            let (private_bytes, private_hash) = hashed.unzip();
            let recorded = Recorded {
                number,
                stream: new.stream.clone(),
                version: stream.version,
                at: self.at,
                actor: append.actor.clone(),
                event: new.event.clone(),
                private: private.cloned(),
            };
            let leaf = leaf::leaf(&recorded, &stream.name, &body, private_hash);
            self.before.frontier.append(leaf);
            let log = &mut self.log;
            log.numbers.push(signed(number));
            log.streams.push(stream_id);
            log.versions.push(signed(recorded.version));
            log.types.push(recorded.event.name());
            log.actors.push(append.actor.to_string());
            log.leaves.push(leaf.as_bytes().to_vec());
            log.private_hashes
                .push(private_hash.map(|hash| hash.as_bytes().to_vec()));
            log.salts.push(salt.map(|salt| salt.to_vec()));
            log.privates.push(private_bytes);
            log.bodies.push(body);
            all.push(recorded);
        }
        all
    }

    /// Whether the batch changes nothing.
    fn is_empty(&self) -> bool {
        self.log.numbers.is_empty()
            && self.keys.scopes.is_empty()
            && self.plan.is_empty()
            && self.rows.is_empty()
            && self.blobs.digests.is_empty()
            && self.passwords.accounts().is_empty()
    }

    /// Writes everything and commits, in one round trip.
    fn commit(&self, link: &Link, name: &str, number: i64) -> Result<(), Failure> {
        let (arrays, rows) = (self.plan.arrays(), Rows::of(self.rows.iter().copied()));
        let accounts = (
            self.passwords.accounts(),
            self.passwords.without(),
            self.passwords.with(),
        );
        let forgotten = micros(check::forgotten_before(self.at));
        let at = micros(self.at);
        let mut all: Vec<Answer<'_, u64>> = Vec::new();
        if !self.log.numbers.is_empty() {
            if !self.streams.ids.is_empty() {
                all.push(Box::pin(async {
                    link.execute(&sql::STREAMS_ADD, &[&self.streams.ids, &self.streams.names])
                        .await
                }));
            }
            all.push(Box::pin(self.log.add(link, at)));
            all.push(Box::pin(async move {
                let frontier = &self.before.frontier;
                link.execute(
                    &sql::HEAD_MOVE,
                    &[&signed(frontier.size()), &at, &frontier.to_bytes()],
                )
                .await
            }));
        }
        if !self.keys.scopes.is_empty() {
            all.push(Box::pin(async move {
                link.execute(&sql::KEYS_FORGET, &[&forgotten, &KEYS_FORGOTTEN_MAX])
                    .await
            }));
            all.push(Box::pin(self.keys.add(link, at)));
        }
        all.extend(work(&arrays, link));
        all.extend(rows.put(link));
        if !self.blobs.digests.is_empty() {
            let blobs::Kept { digests, ids, sizes } = &self.blobs;
            all.push(Box::pin(async move {
                link.execute(&sql::BLOBS_ADD, &[digests, ids, sizes]).await
            }));
        }
        let (changed, without, (accounts, hashes)) = &accounts;
        if !changed.is_empty() {
            all.push(Box::pin(async move {
                link.execute(&sql::PASSWORDS_DELETE, &[without]).await
            }));
            all.push(Box::pin(async move {
                link.execute(&sql::PASSWORDS_PUT, &[accounts, hashes]).await
            }));
            all.push(Box::pin(async move {
                link.execute(&sql::SESSIONS_END_ALL, &[changed]).await
            }));
        }
        all.push(Box::pin(async move {
            link.execute(&sql::BATCH, &[&name, &number, &at]).await
        }));
        link.commit(all).map(drop)
    }
}

/// What changes of the planned work: what goes before what is added.
fn work<'l>(arrays: &'l Arrays<'_>, link: &'l Link) -> Vec<Answer<'l, u64>> {
    let Arrays {
        gone,
        ended,
        ids,
        kinds,
        dues,
    } = arrays;
    let mut all: Vec<Answer<'l, u64>> = Vec::new();
    if !gone.is_empty() {
        all.push(Box::pin(
            async move { link.execute(&sql::WORK_REMOVE, &[gone]).await },
        ));
    }
    if !ended.is_empty() {
        all.push(Box::pin(
            async move { link.execute(&sql::WORK_END, &[ended]).await },
        ));
    }
    if !ids.is_empty() {
        all.push(Box::pin(async move {
            link.execute(&sql::WORK_ADD, &[ids, kinds, dues]).await
        }));
    }
    all
}

impl Log {
    async fn add(&self, link: &Link, at: i64) -> Result<u64, tokio_postgres::Error> {
        let Self {
            numbers,
            streams,
            versions,
            types,
            actors,
            leaves,
            private_hashes,
            salts,
            privates,
            bodies,
        } = self;
        let version = i32::from(EVENT_VERSION);
        link.execute(
            &sql::LOG_ADD,
            &[
                numbers,
                streams,
                versions,
                types,
                &version,
                &at,
                actors,
                leaves,
                private_hashes,
                salts,
                privates,
                bodies,
            ],
        )
        .await
    }
}

impl Keys {
    async fn add(&self, link: &Link, at: i64) -> Result<u64, tokio_postgres::Error> {
        let Self {
            scopes,
            requests,
            firsts,
            lasts,
        } = self;
        link.execute(&sql::KEYS_ADD, &[scopes, requests, firsts, lasts, &at])
            .await
    }
}

impl Known for Writer<'_> {
    fn accepted(&mut self, scope: &str) -> Result<Option<Accepted>, StoreError> {
        Ok(self.before.keys.get(&plain(scope)).cloned())
    }

    fn lease(&mut self, work: &WorkId) -> Result<Option<u64>, StoreError> {
        if self.plan.ended(work) {
            return Ok(None);
        }
        Ok(self.before.held.get(&work.0).copied())
    }

    fn version(&mut self, stream: &StreamId) -> Result<u64, StoreError> {
        Ok(self.before.streams.get(stream).map_or(0, |stream| stream.version))
    }
}
