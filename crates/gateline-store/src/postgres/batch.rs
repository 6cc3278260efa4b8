//! A batch under the head's lock: each append is checked by itself against what is true and what those before it did, and
//! everything that is accepted is written as one array a table.

use std::collections::BTreeMap;

use gateline_log::Frontier;
use gateline_model::{EVENT_VERSION, Recorded, StreamId, WorkId};
use jiff::Timestamp;

use super::access::Passwords;
use super::error::Failure;
use super::link::{Answer, Link};
use super::plan::{Arrays, Plan};
use super::read::{micros, plain, signed};
use super::rows::Rows;
use super::{blobs, sql};
use crate::check::{self, Accepted, Known};
use crate::{Append, AppendError, BATCH_APPENDS_MAX, Committed, NewEvent, StoreError, erased, leaf};

/// How many batches pass until one forgets expired keys.
const KEYS_FORGOTTEN_EVERY: i64 = 8;
/// Most that it forgets then: more than those batches add, so that they never pile up.
const KEYS_FORGOTTEN_MAX: i64 = 2 * KEYS_FORGOTTEN_EVERY * BATCH_APPENDS_MAX as i64;

/// What is true under the lock.
pub(super) struct Before {
    pub frontier: Frontier,
    pub at: Timestamp,
    pub streams: BTreeMap<StreamId, Stream>,
    pub keys: BTreeMap<String, Accepted>,
    pub held: BTreeMap<String, u64>,
}

/// A stream: its row, if it has one, its text and its version.
pub(super) struct Stream {
    pub id: Option<i64>,
    pub name: String,
    pub version: u64,
}

/// A transaction, what is true in it, and what it will write.
pub(super) struct Writer<'b> {
    before: Before,
    at: Timestamp,
    streams: NewStreams,
    log: Log,
    keys: Keys,
    plan: Plan,
    rows: Vec<&'b crate::Row>,
    blobs: blobs::Kept,
    passwords: Passwords<'b>,
    erased: Vec<i64>,
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

/// The bytes of an append's events, or why it cannot be kept.
pub(super) type Bodies = Result<Vec<Vec<u8>>, AppendError>;

/// Made before the lock is taken: it takes longest, and needs nothing that is only known under it.
pub(super) fn bodies(append: &Append) -> Bodies {
    let body = |new: &NewEvent| {
        let body = leaf::body(&new.event);
        leaf::readable(&new.event, &body).map(|()| body)
    };
    append.events.iter().map(body).collect()
}

impl<'b> Writer<'b> {
    pub(super) fn new(before: Before, at: Timestamp) -> Self {
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
            erased: Vec::new(),
        }
    }

    pub(super) fn append(
        &mut self,
        append: &'b Append,
        bodies: Bodies,
        coming: &mut blobs::Coming,
    ) -> Result<Result<Committed, AppendError>, StoreError> {
        let at = self.at;
        match check::append(self, at, append)? {
            Ok(None) => {}
            Ok(Some(before)) => return Ok(Ok(before)),
            Err(refused) => return Ok(Err(refused)),
        }
        let bodies = match bodies {
            Ok(bodies) => bodies,
            Err(refused) => return Ok(Err(refused)),
        };
        let first = self.before.frontier.size();
        let recorded = self.record(append, bodies);
        let range = (!recorded.is_empty()).then(|| (first, self.before.frontier.size() - 1));
        self.plan.take(append);
        self.rows.extend(&append.rows);
        self.blobs.take(coming, append);
        self.passwords.take(append);
        self.erased.extend(erased::by(append).map(signed));
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
    pub(super) fn is_empty(&self) -> bool {
        self.log.numbers.is_empty()
            && self.keys.scopes.is_empty()
            && self.plan.is_empty()
            && self.rows.is_empty()
            && self.blobs.digests.is_empty()
            && self.passwords.accounts().is_empty()
    }

    /// Writes everything and commits, in one round trip.
    pub(super) fn commit(&self, link: &Link, name: &str, number: i64) -> Result<(), Failure> {
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
            all.push(Box::pin(self.log.add(link, at, &self.before.frontier)));
            if !self.erased.is_empty() {
                all.push(Box::pin(async move {
                    link.execute(&sql::ERASE, &[&self.erased]).await
                }));
            }
        }
        if number % KEYS_FORGOTTEN_EVERY == 0 {
            all.push(Box::pin(async move {
                link.execute(&sql::KEYS_FORGET, &[&forgotten, &KEYS_FORGOTTEN_MAX])
                    .await
            }));
        }
        if !self.keys.scopes.is_empty() {
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
    /// Adds them and moves the head.
    async fn add(&self, link: &Link, at: i64, head: &Frontier) -> Result<u64, tokio_postgres::Error> {
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
                &signed(head.size()),
                &head.to_bytes(),
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
