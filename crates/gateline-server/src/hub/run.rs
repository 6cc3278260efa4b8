//! Running: starts the threads and carries the engine's outputs to whoever does them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;

use gateline_core::WorldError;
use gateline_drivers::Drivers;
use gateline_engine::{Engine, Input, LEASE, Output, Refusal};
use gateline_model::Span;
use gateline_store::{BATCH_APPENDS_MAX, PostgresError, READ_EVENTS_MAX, SqliteError, StoreError};
use jiff::Timestamp;
use tokio::sync::{broadcast, watch};
use tracing::{error, info, warn};

use super::clock::{Clock, ahead};
use super::estimate::Estimate;
use super::kept::{Kept, Source};
use super::leave::{Ended, until_ended};
use super::readers::Readers;
use super::storekeeper::{Job, Keeper, NextDue, Refuses};
use super::{Counts, Hub, Shared, WATCH_BATCHES_MAX, lock, perform::perform};

/// Why the hub could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The log could not be read.
    #[error("could not read the log")]
    Store(#[from] StoreError),
    /// A second connection could not be opened.
    #[error("could not open the database for reading")]
    Reader(#[from] SqliteError),
    /// The database that servers share could not be reached again.
    #[error("could not listen to the database")]
    Database(#[from] PostgresError),
    /// The log does not fold.
    #[error("the log is damaged; run `gateline doctor`")]
    Damaged(#[from] WorldError),
    /// A thread could not be started.
    #[error("could not start a thread")]
    Thread(#[from] std::io::Error),
}

pub(super) fn start(kept: Kept, drivers: Drivers, owner: &str) -> Result<Hub, StartError> {
    let (source, path) = (kept.source(), kept.path());
    let mut engine = Engine::default();
    let head = source.reader()?.head()?;
    restore(&mut engine, &source, head.size)?;
    info!(log.size = head.size, "Folded {} events", head.size);

    let (inputs, incoming) = channel();
    let (jobs, todo) = channel();
    let (time, news, others) = match &kept {
        Kept::File(_) => (None, None, None),
        Kept::Database { store, .. } => {
            let time = Estimate::start(store.reader())?;
            let news = super::news::start(store, &jobs)?;
            (Some(time), Some(news), Some(super::news::Others::of(store)))
        }
    };
    let (next_due, refuses) = (NextDue::default(), Refuses::default());
    let shared = Arc::new(Shared {
        engine: RwLock::new(engine),
        inputs: inputs.clone(),
        jobs: jobs.clone(),
        readers: Readers::open(source, path)?,
        modules: super::policy::Modules::default(),
        previews: Default::default(),
        watchers: broadcast::channel(WATCH_BATCHES_MAX).0,
        tickets: AtomicU64::new(1),
        answers: Mutex::default(),
        broken: Mutex::default(),
        refuses: refuses.clone(),
        time: time.clone(),
        ended: watch::Sender::new(Ended::Nothing),
        lost: watch::Sender::new(None),
        handed_over: Mutex::default(),
        others,
        counts: Counts::default(),
    });

    let keeper = Keeper {
        store: kept.into_store(),
        owner: owner.to_owned(),
        clock: Clock::after(head.at, time.clone()),
        next_due: next_due.clone(),
        news,
        next: head.size,
        last: None,
        lost: shared.lost.clone(),
        rests: None,
        refuses,
        unread: None,
    };
    let clock = Clock::after(head.at, time.clone());
    if let Some(ahead) = ahead(head.at, clock.host()) {
        warn!(
            "The log's last event is of {}, and the clock shows {ahead} less: what waits for a moment waits until it has caught up",
            head.at
        );
    }
    let answers = inputs.clone();
    std::thread::Builder::new()
        .name("gateline-store".into())
        .spawn(move || keeper.keep(&todo, &answers))?;

    let pulse = Pulse {
        shared: shared.clone(),
        inputs,
        jobs,
        drivers: Arc::new(drivers),
        tokio: tokio::runtime::Handle::current(),
        clock,
        next_due,
    };
    std::thread::Builder::new()
        .name("gateline-engine".into())
        .spawn(move || pulse.run(&incoming))?;
    Ok(Hub { shared })
}

/// Most inputs that are taken before anything is decided: as many as one commit takes.
const TAKEN_MAX: usize = BATCH_APPENDS_MAX;
/// Threads that read and decode history while it is folded. Decoding is most of a start.
const DECODERS: u64 = 2;

/// Folds the first `size` events. Pages are decoded in turns, and folded in their order.
fn restore(engine: &mut Engine, source: &Source, size: u64) -> Result<(), StartError> {
    let page = READ_EVENTS_MAX as u64;
    std::thread::scope(|scope| {
        let mut decoders = Vec::new();
        for turn in 0..DECODERS {
            let reader = source.reader()?;
            // Two pages ahead: enough that nobody waits, little enough that memory stays flat.
            let (send, pages) = std::sync::mpsc::sync_channel(2);
            scope.spawn(move || {
                for from in (turn * page..size).step_by((page * DECODERS) as usize) {
                    let limit = page.min(size - from) as usize;
                    if send.send(reader.read(from, limit)).is_err() {
                        return;
                    }
                }
            });
            decoders.push(pages);
        }
        for (number, _) in (0..size).step_by(READ_EVENTS_MAX).enumerate() {
            let turn = number % decoders.len();
            let events = decoders[turn]
                .recv()
                .map_err(|_| std::io::Error::other("a reader stopped"))?;
            engine.restore(&events?)?;
        }
        Ok(())
    })
}

/// The engine's thread.
struct Pulse {
    shared: Arc<Shared>,
    inputs: Sender<Input>,
    jobs: Sender<Job>,
    drivers: Arc<Drivers>,
    tokio: tokio::runtime::Handle,
    clock: Clock,
    next_due: NextDue,
}

impl Pulse {
    fn run(mut self, incoming: &Receiver<Input>) {
        let now = self.clock.now();
        let started = self
            .shared
            .engine
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .start(now);
        self.carry(started);
        let mut ticked = now;
        loop {
            let first = match incoming.recv_timeout(self.wait(ticked)) {
                Ok(input) => input,
                Err(RecvTimeoutError::Timeout) => Input::Tick,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if matches!(first, Input::Tick) {
                ticked = self.clock.now();
            }
            let sure = self.clock.sure();
            // What came meanwhile is taken first, so that it is decided and committed together.
            for input in std::iter::once(first).chain(incoming.try_iter().take(TAKEN_MAX)) {
                let Some(input) = self.let_in(input, &sure) else {
                    continue;
                };
                if let Err(err) = self.take(input) {
                    self.stop(&err);
                    return;
                }
            }
            let now = self.clock.now();
            let outputs = match sure {
                Ok(()) => self.engine().decide(now),
                Err(_) => self.engine().refuse_late(now),
            };
            self.carry(outputs);
        }
    }

    /// What is let in. Without a time to decide by, whoever asks hears so, and leases are neither taken nor extended: other
    /// servers have the work.
    fn let_in(&self, input: Input, sure: &Result<(), String>) -> Option<Input> {
        let Err(why) = sure else {
            return Some(input);
        };
        match input {
            Input::Request(request) => {
                if let Some(tell) = lock(&self.shared.answers).remove(&request.ticket) {
                    // Whoever asked may have gone.
                    let _ = tell.send(Err(Refusal::Unavailable(why.clone())));
                }
                None
            }
            Input::Tick => None,
            input => Some(input),
        }
    }

    fn engine(&self) -> RwLockWriteGuard<'_, Engine> {
        self.shared.engine.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&mut self, input: Input) -> Result<(), WorldError> {
        let now = self.clock.now();
        if let Input::Committed(_, Ok(_)) = input {
            let ahead = self.engine().hand_over_ahead(now);
            self.carry(ahead);
        }
        let hands_over = matches!(input, Input::HandOver(_));
        let taken = self.engine().take(now, input)?;
        self.carry(taken);
        if hands_over && let Some(tell) = lock(&self.shared.handed_over).take() {
            // After what was just asked of it: then the store has taken that.
            self.ask(Job::Beside(Box::new(move |_| {
                // Whoever waited may have waited long enough.
                let _ = tell.send(());
            })));
        }
        Ok(())
    }

    /// What is believed is not what is recorded: deciding on it would be worse than stopping.
    fn stop(&self, err: &WorldError) {
        error!("Stopped deciding: {err}");
        *lock(&self.shared.broken) = Some(format!("the log is damaged: {err}; run `gateline doctor`"));
        lock(&self.shared.answers).clear();
    }

    /// Until work is due, but not longer than a quarter of a lease: leases are extended at ticks.
    fn wait(&mut self, ticked: Timestamp) -> Duration {
        let now = self.clock.now();
        let beat = Span::from_millis(LEASE.as_millis() / 4).after(ticked);
        let due = lock(&self.next_due).map_or(beat, |due| due.min(beat));
        // Work that is due but leased, or that cannot be leased now, must not make this spin.
        Span::between(now, due).as_std().max(Duration::from_millis(5))
    }

    fn carry(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Append(batch, appends) => {
                    self.shared.counts.batches.fetch_add(1, Ordering::Relaxed);
                    self.ask(Job::Append(batch, appends));
                }
                Output::Read(from) => self.ask(Job::Read(from)),
                Output::Claim(limit) => self.ask(Job::Claim(limit)),
                Output::KeepTicks {
                    promotion,
                    ticks,
                    all,
                    task,
                } => {
                    self.ask(Job::KeepTicks {
                        promotion,
                        ticks,
                        all,
                        task,
                    });
                }
                Output::Release(fence, due) => self.ask(Job::Release(fence, due)),
                Output::Renew(fence, until) => self.ask(Job::Renew(fence, until)),
                Output::Perform(task) => self.perform(task),
                // Behind what came meanwhile. It is this thread that receives it.
                Output::GoOn => {
                    let _ = self.inputs.send(Input::GoOn);
                }
                Output::Tell(ticket, answer) => {
                    if let Some(tell) = lock(&self.shared.answers).remove(&ticket) {
                        // Whoever asked may have gone; the decision stands all the same.
                        let _ = tell.send(answer);
                    }
                }
                Output::Folded(events) => {
                    self.shared
                        .counts
                        .events
                        .fetch_add(events.len() as u64, Ordering::Relaxed);
                    // Nobody watching is no error.
                    let _ = self.shared.watchers.send(Arc::new(events));
                }
            }
        }
    }

    fn ask(&self, job: Job) {
        if self.jobs.send(job).is_err() {
            *lock(&self.shared.broken) =
                Some("the store's thread has stopped; restart the server".to_owned());
        }
    }

    fn perform(&self, task: Box<gateline_engine::Task>) {
        let (drivers, inputs) = (self.drivers.clone(), self.inputs.clone());
        let hub = Hub {
            shared: self.shared.clone(),
        };
        let ended = self.shared.ended.subscribe();
        let ends = if task.only_looks() {
            Ended::Looks
        } else {
            Ended::All
        };
        self.tokio.spawn(async move {
            // A driver that panics has told nothing: its own task ends, and the order is answered as unanswered.
            let own = task.clone();
            let mut doing = tokio::spawn(async move { perform(&hub, &drivers, &own).await });
            let done = tokio::select! {
                done = &mut doing => done,
                () = until_ended(ended.clone(), ends) => {
                    doing.abort();
                    // What it ran is ended when it is gone. It has told nothing, and its lease is given back.
                    let _ = doing.await;
                    return;
                }
            };
            let observed =
                done.unwrap_or_else(|err| task.order.unanswered(&format!("the driver stopped: {err}")));
            // The engine has stopped: then the lease expires, and the next one observes first.
            let _ = inputs.send(Input::Observed(task, observed));
        });
    }
}
