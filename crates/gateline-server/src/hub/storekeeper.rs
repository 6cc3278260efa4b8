//! The storekeeper: the one thread that writes. Answers every job with an input for the engine.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gateline_engine::{BatchId, Input, LEASE, Task};
use gateline_model::{PromotionId, Recorded, Tick};
use gateline_store::{Append, Committed, Fence, READ_EVENTS_MAX, Store, StoreError};
use jiff::Timestamp;
use tokio::sync::watch;
use tracing::{error, info, warn};

use super::clock::Clock;
use super::lock;
use super::news::News;

/// What the engine asks of the store.
pub(super) enum Job {
    Append(BatchId, Vec<Append>),
    Read(u64),
    Claim(usize),
    KeepTicks {
        promotion: PromotionId,
        ticks: Vec<Tick>,
        all: bool,
        task: Box<Task>,
    },
    Release(Fence, Timestamp),
    Renew(Fence, Timestamp),
    /// Another server wrote, or may have.
    LookOn,
    /// Something beside the log, for somebody who waits for it himself.
    Beside(WriteBeside),
}

/// A write of something that is no event.
pub(super) type WriteBeside = Box<dyn FnOnce(&mut dyn Store) + Send>;

/// When work is due next, as far as the store knows; the engine's thread wakes then.
pub(super) type NextDue = Arc<Mutex<Option<Timestamp>>>;

/// Who writes, and reads on where others write as well.
pub(super) struct Keeper {
    pub store: Box<dyn Store>,
    pub owner: String,
    pub clock: Clock,
    pub next_due: NextDue,
    /// How others are heard of and told; none where there are none.
    pub news: Option<News>,
    /// The log number that the engine has not been given yet.
    pub next: u64,
    /// The event in front of it: where others write as well it must still be there. None before the first look.
    pub last: Option<Recorded>,
    /// Why what was read of the log is not what it is, if that is so.
    pub lost: Lost,
    /// Until when no work is leased, because it could not be.
    pub rests: Option<Timestamp>,
    /// Why the store takes no writes, if it does not.
    pub refuses: Refuses,
    /// From where the log could not be read, and when that is tried again. The engine waits for it, and does not ask twice.
    pub unread: Option<(u64, Instant)>,
}

/// Why the store takes no writes, if it does not: then the server is not ready.
pub(super) type Refuses = Arc<Mutex<Option<String>>>;

/// Why what a server knows is of another log than the one that is there now. Then it has to begin anew.
pub(super) type Lost = watch::Sender<Option<String>>;

/// How long between two tries whether a store that took no write takes one now, or lets itself be read.
const TRY_EVERY: Duration = Duration::from_secs(1);

impl Keeper {
    /// Does jobs until the engine's side hangs up.
    pub(super) fn keep(mut self, jobs: &Receiver<Job>, inputs: &Sender<Input>) {
        loop {
            let job = match self.next_job(jobs) {
                Ok(job) => job,
                Err(RecvTimeoutError::Timeout) => {
                    // What was refused may be claimed now.
                    if self.takes_again() && inputs.send(Input::Tick).is_err() {
                        return;
                    }
                    if self.news.is_none() {
                        continue;
                    }
                    Job::LookOn
                }
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let (moves_work, is_news) = (job.moves_work(), matches!(job, Job::LookOn));
            let now = self.clock.now();
            for input in self.one(now, job) {
                if inputs.send(input).is_err() {
                    return;
                }
            }
            // Nothing more is written for an engine that knows another log.
            if self.lost.borrow().is_some() {
                return;
            }
            if moves_work {
                let before = *lock(&self.next_due);
                self.note_due();
                // What another server planned or gave back: the engine would otherwise sleep until the work that it knew of.
                let sooner =
                    is_news && lock(&self.next_due).is_some_and(|due| before.is_none_or(|old| due < old));
                if sooner && inputs.send(Input::Tick).is_err() {
                    return;
                }
            }
        }
    }

    /// The next job, or a timeout when it is time to look around. What could not be read has its turn before all others.
    fn next_job(&mut self, jobs: &Receiver<Job>) -> Result<Job, RecvTimeoutError> {
        let look_every = self.news.as_ref().map(|news| news.look_every);
        let look_within = self.refuses().then_some(TRY_EVERY).or(look_every);
        let read_within = self
            .unread
            .map(|(_, due)| due.saturating_duration_since(Instant::now()));
        if let Some((from, _)) = self.unread.filter(|_| read_within == Some(Duration::ZERO)) {
            return Ok(Job::Read(from));
        }
        match look_within.into_iter().chain(read_within).min() {
            None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(within) => jobs.recv_timeout(within),
        }
    }

    fn one(&mut self, now: Timestamp, job: Job) -> Vec<Input> {
        match job {
            Job::LookOn => self.look_on(),
            Job::Append(batch, appends) => self.append(now, batch, &appends),
            Job::Read(from) => self.read(from),
            Job::Claim(limit) => vec![self.claim(now, limit)],
            job => one(&mut *self.store, job).into_iter().collect(),
        }
    }

    fn refuses(&self) -> bool {
        lock(&self.refuses).is_some()
    }

    /// Tries whether the store takes writes again, where it did not.
    fn takes_again(&mut self) -> bool {
        // A database that does not even tell the time is not asked to write: others wait for this thread.
        if !self.refuses() || self.clock.sure().is_err() || self.store.try_write().is_err() {
            return false;
        }
        self.wrote(None);
        true
    }

    /// Notes how a write went.
    fn wrote(&self, failed: Option<&StoreError>) {
        let mut refuses = lock(&self.refuses);
        match failed {
            Some(err) => *refuses = Some(err.to_string()),
            None if refuses.is_some() => {
                info!("The store takes writes again");
                *refuses = None;
            }
            None => {}
        }
    }

    fn claim(&mut self, now: Timestamp, limit: usize) -> Input {
        let rests = self.rests.is_some_and(|until| now < until);
        if rests || !matches!(self.store.next_due(), Ok(Some(due)) if due <= now) {
            return Input::Leased(Vec::new());
        }
        let leased = self.store.lease(now, &self.owner, limit, LEASE);
        self.wrote(leased.as_ref().err());
        self.rests = leased.is_err().then(|| now + TRY_EVERY);
        Input::Leased(leased.unwrap_or_else(|err| {
            error!("Could not lease work: {err}");
            Vec::new()
        }))
    }

    /// Notes when work is due next. Where that cannot be seen the engine asks again a while later: what it knew is over.
    fn note_due(&mut self) {
        let due = self.store.next_due().unwrap_or_else(|err| {
            warn!("Could not see when work is due next: {err}");
            Some(self.clock.now() + TRY_EVERY)
        });
        *lock(&self.next_due) = due.max(self.rests.filter(|_| due.is_some()));
    }

    /// Reads on for the engine, which waits; where nothing can be read, it is tried again and the engine waits on.
    fn read(&mut self, from: u64) -> Vec<Input> {
        let (events, could) = read_on(&*self.store, from, u64::MAX);
        self.unread = None;
        if !could && events.is_empty() {
            self.unread = Some((from, Instant::now() + TRY_EVERY));
            return Vec::new();
        }
        self.went_on(events.last());
        vec![Input::Logged(events)]
    }

    /// What others wrote since. The event in front of it is read too: a database whose primary was lost, or that was
    /// restored, may have another log than the one that was read, or less of it.
    fn look_on(&mut self) -> Vec<Input> {
        let (mut events, could) = read_on(&*self.store, self.next.saturating_sub(1), u64::MAX);
        if self.next > 0 {
            let is_there = match (events.first(), &self.last) {
                (Some(found), Some(last)) => is_same(found, last),
                (Some(_), None) => true,
                (None, _) if could => false,
                (None, _) => return Vec::new(),
            };
            if !is_there {
                self.lose(self.next - 1);
                return Vec::new();
            }
            let last = events.remove(0);
            self.last.get_or_insert(last);
        }
        if events.is_empty() {
            return Vec::new();
        }
        self.went_on(events.last());
        vec![Input::Logged(events)]
    }

    /// Notes how far the engine was given the log.
    fn went_on(&mut self, last: Option<&Recorded>) {
        if let Some(last) = last
            && last.number >= self.next
        {
            self.next = last.number + 1;
            self.last = Some(last.clone());
        }
    }

    /// Notes that the log is not the one that was read.
    fn lose(&self, number: u64) {
        let why = format!(
            "the log of the database is not the one that this server read: event {number} is not there any more, or another one is. \
             Its last commits were lost, or it was restored or made anew"
        );
        error!("Stopped: {why}");
        self.lost.send_replace(Some(why));
    }

    fn append(&mut self, now: Timestamp, batch: BatchId, appends: &[Append]) -> Vec<Input> {
        let answers = self.store.append(now, appends);
        self.wrote(answers.as_ref().err());
        let mut inputs = Vec::new();
        match &answers {
            Err(err) => error!(batch, "Could not commit a batch of {}: {err}", appends.len()),
            Ok(answers) => {
                let mut recorded = answers.iter().flat_map(|answer| match answer {
                    Ok(Committed::Appended(recorded)) => &recorded[..],
                    Ok(Committed::Before(_)) | Err(_) => &[],
                });
                if let Some(first) = recorded.next() {
                    let last = recorded.last().unwrap_or(first);
                    if first.number < self.next {
                        self.lose(self.next - 1);
                        return inputs;
                    }
                    // What others wrote in front of it goes first: otherwise the engine would have to ask.
                    if first.number > self.next {
                        let (between, _) = read_on(&*self.store, self.next, first.number);
                        inputs.push(Input::Logged(between));
                    }
                    self.went_on(Some(last));
                    if let Some(news) = &self.news {
                        // Full: they are about to be told anyway.
                        let _ = news.tell.try_send(());
                    }
                }
            }
        }
        inputs.push(Input::Committed(batch, answers));
        inputs
    }
}

/// Whether both are one event. Its text may have been erased meanwhile.
fn is_same(one: &Recorded, other: &Recorded) -> bool {
    let what = |of: &Recorded| (of.number, of.version, of.at);
    what(one) == what(other)
        && one.stream == other.stream
        && one.actor == other.actor
        && one.event == other.event
}

/// The log from this number to before that one or its end, or as far as it could be read, and whether that was as far.
fn read_on(store: &dyn Store, from: u64, until: u64) -> (Vec<Recorded>, bool) {
    let mut events = Vec::new();
    loop {
        let next = from + events.len() as u64;
        let limit = READ_EVENTS_MAX.min(until.saturating_sub(next) as usize);
        match store.read(next, limit) {
            Ok(page) => {
                let is_last = page.len() < READ_EVENTS_MAX;
                events.extend(page);
                if is_last {
                    return (events, true);
                }
            }
            Err(err) => {
                error!("Could not read the log from #{next}: {err}");
                return (events, false);
            }
        }
    }
}

impl Job {
    /// Whether it can change when work is due next.
    fn moves_work(&self) -> bool {
        match self {
            Job::Append(_, appends) => appends.iter().any(|append| {
                append.fence.is_some() || !append.work_add.is_empty() || !append.work_remove.is_empty()
            }),
            // Others may have planned something, or had it leased and died.
            Job::Claim(_) | Job::Release(..) | Job::Renew(..) | Job::LookOn => true,
            Job::Read(_) | Job::KeepTicks { .. } | Job::Beside(_) => false,
        }
    }
}

/// What needs the store alone.
fn one(store: &mut dyn Store, job: Job) -> Option<Input> {
    match job {
        // The keeper's own.
        Job::Append(..) | Job::Read(_) | Job::LookOn | Job::Claim(_) => None,
        Job::KeepTicks {
            promotion,
            ticks,
            all,
            task,
        } => {
            let kept = store.put_ticks(&promotion, &ticks).and_then(|root| {
                let ticks = if all { store.ticks(&promotion)?.0 } else { ticks };
                Ok((ticks, root))
            });
            Some(match kept {
                Ok((ticks, root)) => Input::TicksKept {
                    promotion,
                    root,
                    ticks,
                    all,
                    task,
                },
                Err(err) => {
                    error!(promotion.id = %promotion, "Could not keep ticks of `{promotion}`: {err}");
                    Input::TicksLost(task)
                }
            })
        }
        Job::Release(fence, due) => {
            if let Err(err) = store.release(&fence, due) {
                warn!(
                    "Could not give the lease of `{}` back; it expires by itself: {err}",
                    fence.work
                );
            }
            None
        }
        Job::Renew(fence, until) => {
            if let Err(err) = store.renew(&fence, until) {
                warn!("Could not extend the lease of `{}`: {err}", fence.work);
            }
            None
        }
        Job::Beside(work) => {
            work(store);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use gateline_model::{Event, StepAction, StreamId};
    use gateline_store::{MemStore, NewEvent};

    use super::*;

    /// Records that a step is intended, as the next event of a promotion.
    fn intended(promotion: &str, version: u64, step: u32) -> Append {
        let stream = StreamId::Promotion(promotion.parse().unwrap());
        Append {
            key: None,
            expects: vec![(stream.clone(), version)],
            by: None,
            fence: None,
            actor: "ana".parse().unwrap(),
            events: vec![NewEvent {
                stream,
                event: Event::StepIntended {
                    step,
                    attempt: 1,
                    action: StepAction::Start,
                },
                private: None,
            }],
            work_add: Vec::new(),
            work_remove: Vec::new(),
            rows: Vec::new(),
            blobs: Vec::new(),
            passwords: Vec::new(),
        }
    }

    /// A store with an event a step.
    fn log_of(steps: &[u32]) -> Box<dyn Store> {
        let mut store = MemStore::default();
        for (version, step) in steps.iter().enumerate() {
            let append = intended("shop/app/live/1", version as u64, *step);
            let answers = store.append(Timestamp::UNIX_EPOCH, &[append]).unwrap();
            assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        }
        Box::new(store)
    }

    fn keeper(steps: &[u32]) -> Keeper {
        let mut keeper = Keeper {
            store: log_of(steps),
            owner: "serve-1".to_owned(),
            clock: Clock::after(Timestamp::UNIX_EPOCH, None),
            next_due: NextDue::default(),
            news: None,
            next: steps.len() as u64,
            last: None,
            lost: Lost::new(None),
            rests: None,
            refuses: Refuses::default(),
            unread: None,
        };
        assert!(keeper.look_on().is_empty());
        keeper
    }

    #[test]
    fn a_log_that_went_on_is_read_on_and_one_that_is_another_or_shorter_is_not() {
        let mut keeper = keeper(&[1, 2]);
        keeper.store = log_of(&[1, 2, 3]);
        let [Input::Logged(events)] = &keeper.look_on()[..] else {
            panic!("what is new was not read");
        };
        assert_eq!(events.iter().map(|one| one.number).collect::<Vec<_>>(), [2]);
        for other in [&[1, 2][..], &[], &[1, 2, 9], &[1, 2, 9, 4, 5]] {
            keeper.store = log_of(other);
            assert!(keeper.look_on().is_empty(), "{other:?}");
            let why = keeper.lost.send_replace(None).unwrap_or_default();
            assert!(why.contains("event 2 is not there any more"), "{other:?}: {why}");
        }
    }

    #[test]
    fn what_is_recorded_where_the_log_was_read_already_is_told_to_nobody() {
        let mut keeper = keeper(&[1, 2]);
        keeper.store = log_of(&[]);
        let append = intended("shop/app/live/2", 0, 1);
        assert!(keeper.append(Timestamp::UNIX_EPOCH, 1, &[append]).is_empty());
        assert!(keeper.lost.borrow().is_some());
    }
}
