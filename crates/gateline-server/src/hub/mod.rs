//! The hub: one engine with real time, a real store and real drivers. What routes and pages talk to.
//!
//! Two threads and a pool: the engine's thread steps it, the store's thread commits, drivers run on tokio.
//! Knows no rule: it carries inputs in and outputs out.

mod attached;
mod attestation;
mod clock;
mod estimate;
mod kept;
mod leave;
mod news;
mod perform;
mod policy;
mod previews;
mod readers;
mod run;
mod storekeeper;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use gateline_core::{Actor, Command, Rejection, World};
use gateline_drivers::Drivers;
use gateline_engine::{Engine, Input, Receipt as EngineReceipt, Refusal, Request, Ticket};
use gateline_model::{PromotionId, Recorded, Ruling, Served, Tick};
use gateline_store::{Blob, IDEMPOTENCY_KEPT, IdempotencyKey, PasswordChange, Read, Store, StoreError};
use jiff::Timestamp;
use tokio::sync::{broadcast, oneshot, watch};

pub(crate) use attached::record as record_attached;
pub(crate) use clock::ahead;
pub use estimate::{SILENT_MAX, UNCERTAIN_MAX};
pub use kept::Kept;
pub use leave::HAND_OVER_SECS_MAX;
pub(crate) use policy::SyncModules;
pub(crate) use previews::Previews;
use readers::Readers;
pub use run::StartError;

/// Batches of events that a watcher may lag behind before it is told that it missed some.
pub const WATCH_BATCHES_MAX: usize = 1_024;
/// Seconds after which a caller that was refused as busy may try again.
const RETRY_AFTER_SECS: u64 = 1;

/// A handle on the running engine. Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    shared: Arc<Shared>,
}

type Answer = Result<EngineReceipt, Refusal>;

struct Shared {
    engine: RwLock<Engine>,
    inputs: Sender<Input>,
    jobs: Sender<storekeeper::Job>,
    readers: Readers,
    modules: policy::Modules,
    previews: tokio::sync::Mutex<Previews>,
    watchers: broadcast::Sender<Arc<Vec<Recorded>>>,
    tickets: AtomicU64,
    answers: Mutex<HashMap<Ticket, oneshot::Sender<Answer>>>,
    /// Why the hub decides nothing any more, if it does not.
    broken: Mutex<Option<String>>,
    /// Why what is known is of another log than the one that is there now.
    lost: storekeeper::Lost,
    /// Why the store takes no writes, if it does not.
    refuses: storekeeper::Refuses,
    /// The time of the database, where servers share one.
    time: Option<Arc<estimate::Estimate>>,
    /// What of the work that is performed here is ended. Each piece holds a receiver.
    ended: watch::Sender<leave::Ended>,
    /// Who waits for the store to have taken what is handed over.
    handed_over: Mutex<Option<oneshot::Sender<()>>>,
    /// The other servers, where there may be any.
    others: Option<news::Others>,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    requests: AtomicU64,
    refused: AtomicU64,
    events: AtomicU64,
    batches: AtomicU64,
    /// Alerts for which there was no room.
    unheard: AtomicU64,
    /// Requests that are to come again.
    busy: AtomicU64,
}

/// What is kept beside the log, together with the events of a command.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    /// Content by digest.
    pub blobs: Vec<Arc<Blob>>,
    /// Passwords that change.
    pub passwords: Vec<PasswordChange>,
}

/// A request was accepted.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// The events that it recorded; none when everything was as wanted already.
    pub events: Vec<Recorded>,
    /// Whether these are the events of the same request sent before.
    pub replayed: bool,
}

/// A request was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubmitError {
    /// The rules say no.
    Rejected(Rejection),
    /// The idempotency key belongs to another request.
    KeyReused,
    /// Too much is waiting; nothing was done.
    Busy {
        /// When to try again.
        retry_after_secs: u64,
    },
    /// Nothing was done, or nobody knows: the text says which.
    Unavailable(String),
}

impl Hub {
    /// Folds the log and starts deciding.
    ///
    /// # Errors
    /// When the log is damaged, or the machine has no randomness.
    pub fn start(kept: impl Into<Kept>, drivers: Drivers, owner: &str) -> Result<Self, StartError> {
        run::start(kept.into(), drivers, owner)
    }

    /// Decides a command, and returns when it is durable.
    ///
    /// # Errors
    /// [`SubmitError`] says why not and whether trying again helps.
    pub async fn submit(
        &self,
        actor: Actor,
        command: Command,
        key: Option<IdempotencyKey>,
        blobs: Vec<Arc<Blob>>,
    ) -> Result<Receipt, SubmitError> {
        let beside = Beside {
            blobs,
            passwords: Vec::new(),
        };
        self.submit_with(actor, command, key, beside).await
    }

    /// The same, with whatever is kept beside the log.
    ///
    /// # Errors
    /// As [`Hub::submit`].
    pub async fn submit_with(
        &self,
        actor: Actor,
        command: Command,
        key: Option<IdempotencyKey>,
        beside: Beside,
    ) -> Result<Receipt, SubmitError> {
        let Beside { blobs, passwords } = beside;
        self.shared.counts.requests.fetch_add(1, Ordering::Relaxed);
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(|err| unavailable(&format!("no randomness: {err}")))?;
        let ticket = self.shared.tickets.fetch_add(1, Ordering::Relaxed);
        let (tell, told) = oneshot::channel();
        lock(&self.shared.answers).insert(ticket, tell);
        let request = Request {
            ticket,
            actor,
            command,
            key,
            salt,
            blobs,
            passwords,
        };
        self.shared
            .inputs
            .send(Input::Request(Box::new(request)))
            .map_err(|_| unavailable("the engine has stopped; see the server's log"))?;
        match told.await {
            Ok(Ok(EngineReceipt::Recorded(events))) => Ok(Receipt {
                events,
                replayed: false,
            }),
            Ok(Ok(EngineReceipt::Before(range))) => self.replay(range).await,
            Ok(Err(refusal)) => {
                self.shared.counts.refused.fetch_add(1, Ordering::Relaxed);
                Err(refusal.into())
            }
            Err(_) => Err(unavailable(
                "the engine has stopped before it answered; try again with the same key",
            )),
        }
    }

    /// What became of the same request before; none where it is new.
    ///
    /// # Errors
    /// [`SubmitError::KeyReused`] when its key was used for another one.
    pub async fn recall(&self, key: &IdempotencyKey) -> Result<Option<Receipt>, SubmitError> {
        let scope = key.scope.clone();
        let accepted = self.read(move |store| store.accepted(&scope)).await;
        let accepted = accepted.map_err(|err| unavailable(&err.to_string()))?;
        // The commit decides; what is just about to be forgotten may be told for a moment longer.
        match accepted.filter(|accepted| IDEMPOTENCY_KEPT.after(accepted.at) >= Timestamp::now()) {
            None => Ok(None),
            Some(accepted) if accepted.request == key.request => self.replay(accepted.range).await.map(Some),
            Some(_) => Err(SubmitError::KeyReused),
        }
    }

    /// Whether anything was accepted under a key.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn is_accepted(&self, scope: String) -> Result<bool, SubmitError> {
        let accepted = self.read(move |store| store.accepted(&scope)).await;
        let accepted = accepted.map_err(|err| unavailable(&err.to_string()))?;
        Ok(accepted.is_some_and(|accepted| IDEMPOTENCY_KEPT.after(accepted.at) >= Timestamp::now()))
    }

    /// A path beside the database, called after it.
    pub(crate) fn beside(&self, what: &str) -> PathBuf {
        self.shared.readers.beside(what)
    }

    async fn replay(&self, range: Option<(u64, u64)>) -> Result<Receipt, SubmitError> {
        let Some((first, last)) = range else {
            return Ok(Receipt {
                events: Vec::new(),
                replayed: true,
            });
        };
        let count = (last - first + 1) as usize;
        let events = self.read(move |store| store.read(first, count)).await;
        let events = events.map_err(|err| unavailable(&err.to_string()))?;
        Ok(Receipt {
            events,
            replayed: true,
        })
    }

    /// The previews of proposals that were made.
    pub(crate) fn previews(&self) -> &tokio::sync::Mutex<Previews> {
        &self.shared.previews
    }

    /// Looks at the fold. Short: nothing is decided meanwhile.
    pub fn with_world<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(
            self.shared
                .engine
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .world(),
        )
    }

    /// Reads from the store, beside the writer, on the blocking pool.
    pub async fn read<T: Send + 'static>(&self, read: impl FnOnce(&dyn Read) -> T + Send + 'static) -> T {
        let shared = self.shared.clone();
        let done = tokio::task::spawn_blocking(move || shared.readers.with(read)).await;
        match done {
            Ok(value) => value,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }

    /// Writes what is beside the log, in turn with what is written to it; done when it returns.
    ///
    /// # Errors
    /// What the store says, or that it has stopped.
    pub async fn write_beside<T: Send + 'static>(
        &self,
        write: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (tell, told) = oneshot::channel();
        let work = Box::new(move |store: &mut dyn Store| {
            // Whoever asked may have gone.
            let _ = tell.send(write(store));
        });
        let stopped = || StoreError::Unavailable {
            doing: "write beside the log",
            why: "the store's thread has stopped; restart the server".to_owned(),
        };
        let sent = self.shared.jobs.send(storekeeper::Job::Beside(work));
        sent.map_err(|_| stopped())?;
        told.await.map_err(|_| stopped())?
    }

    /// Every batch of events from now on, in the order of the log.
    pub fn watch(&self) -> broadcast::Receiver<Arc<Vec<Recorded>>> {
        self.shared.watchers.subscribe()
    }

    /// What a running rollout's canary has served so far.
    pub fn traffic(&self, promotion: &PromotionId) -> Served {
        self.shared
            .engine
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .traffic()
            .served(promotion)
    }

    /// What the judge said last of a running rollout's step, with its band.
    pub fn ruling(&self, promotion: &PromotionId) -> Option<(u32, Ruling)> {
        let engine = self.shared.engine.read().unwrap_or_else(PoisonError::into_inner);
        engine.traffic().ruling(promotion).cloned()
    }

    /// What is made of a running rollout's ticks; none where this replica measures none.
    pub fn of_ticks<T>(&self, promotion: &PromotionId, make: impl FnOnce(&[Tick]) -> T) -> Option<T> {
        let engine = self.shared.engine.read().unwrap_or_else(PoisonError::into_inner);
        engine.traffic().ticks(promotion).map(make)
    }

    /// Ends when what is known turns out to be of another log than the one that is there now, and says why.
    pub async fn lost(&self) -> String {
        let mut lost = self.shared.lost.subscribe();
        let told = lost.wait_for(Option::is_some).await.map(|why| why.clone());
        match told {
            Ok(Some(why)) => why,
            // Nobody can find it any more.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    /// Whether it decides, or why not.
    ///
    /// # Errors
    /// The reason, as one sentence.
    pub fn ready(&self) -> Result<(), String> {
        if let Some(why) = lock(&self.shared.broken).clone() {
            return Err(why);
        }
        if *self.shared.ended.borrow() != leave::Ended::Nothing {
            return Err("this server is stopping; ask another one, or this one when it is back".to_owned());
        }
        if let Some(time) = &self.shared.time {
            time.sure()?;
        }
        lock(&self.shared.refuses).clone().map_or(Ok(()), Err)
    }

    /// Alerts were sent back for want of room.
    pub(crate) fn count_unheard(&self, alerts: usize) {
        self.shared
            .counts
            .unheard
            .fetch_add(alerts as u64, Ordering::Relaxed);
    }

    /// A request was told to come again.
    pub(crate) fn count_busy(&self) {
        self.shared.counts.busy.fetch_add(1, Ordering::Relaxed);
    }

    /// Its own numbers as OpenMetrics text.
    pub fn metrics(&self) -> String {
        let (waiting, held, open, size) = {
            let engine = self.shared.engine.read().unwrap_or_else(PoisonError::into_inner);
            let (waiting, held) = engine.load();
            (
                waiting,
                held,
                engine.world().promotions().len(),
                engine.world().next(),
            )
        };
        let counts = &self.shared.counts;
        let mut text = String::new();
        let mut metric = |kind: &str, name: &str, help: &str, value: u64| {
            let suffix = if kind == "counter" { "_total" } else { "" };
            text.push_str(&format!(
                "# TYPE gateline_{name} {kind}\n# HELP gateline_{name} {help}\ngateline_{name}{suffix} {value}\n"
            ));
        };
        metric(
            "counter",
            "requests",
            "Commands that were submitted.",
            counts.requests.load(Ordering::Relaxed),
        );
        metric(
            "counter",
            "refused",
            "Commands that were refused.",
            counts.refused.load(Ordering::Relaxed),
        );
        metric(
            "counter",
            "events",
            "Events that were folded.",
            counts.events.load(Ordering::Relaxed),
        );
        metric(
            "counter",
            "batches",
            "Batches that were committed.",
            counts.batches.load(Ordering::Relaxed),
        );
        metric(
            "counter",
            "alerts_unheard",
            "Alerts that were sent back for want of room, as often as they came.",
            counts.unheard.load(Ordering::Relaxed),
        );
        metric(
            "counter",
            "requests_busy",
            "Requests that were told to come again (503 with Retry-After), as often as they came.",
            counts.busy.load(Ordering::Relaxed),
        );
        metric("gauge", "log_size", "Events in the log.", size);
        metric(
            "gauge",
            "commands_waiting",
            "Commands that wait to be decided or committed.",
            waiting as u64,
        );
        metric(
            "gauge",
            "leases_held",
            "Pieces of work that this replica has.",
            held as u64,
        );
        metric(
            "gauge",
            "promotions_open",
            "Promotions that have not ended.",
            open as u64,
        );
        metric(
            "gauge",
            "ready",
            "1 when it decides.",
            u64::from(self.ready().is_ok()),
        );
        text.push_str("# EOF\n");
        text
    }
}

impl From<Refusal> for SubmitError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Rejected(rejection) => SubmitError::Rejected(rejection),
            Refusal::KeyReused => SubmitError::KeyReused,
            Refusal::Busy => SubmitError::Busy {
                retry_after_secs: RETRY_AFTER_SECS,
            },
            Refusal::Unavailable(why) => SubmitError::Unavailable(why),
            Refusal::Unknown(why) => SubmitError::Unavailable(format!(
                "{why}; send it again with the same idempotency key to find out"
            )),
        }
    }
}

fn unavailable(why: &str) -> SubmitError {
    SubmitError::Unavailable(why.to_owned())
}

/// A panic elsewhere leaves these maps whole: they are changed in one call each.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
