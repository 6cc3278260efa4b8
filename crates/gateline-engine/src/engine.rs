//! The engine: one step per input. Holds the fold, the queue, and what is in flight; decides nothing itself.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use gateline_core::planted::{Planted, is};
use gateline_core::{Phase, World, WorldError, must_be_judged_again};
use gateline_model::{PromotionId, Recorded, Span, StreamId, WorkId};
use gateline_store::Append;
use jiff::Timestamp;

use crate::again::Again;
use crate::commit::InFlight;
use crate::perform::Held;
use crate::port::{BatchId, Input, Output, Refusal, Request};
use crate::queue::{Pending, Queue};
use crate::traffic::Traffic;

/// How long work is leased. A replica that dies delays its work by no more.
pub const LEASE: Span = Span::from_secs(20);
/// Most pieces of work that one replica performs at once.
pub(crate) const PERFORMING_MAX: usize = 64;

/// One replica's engine.
#[derive(Debug, Default)]
pub struct Engine {
    pub(crate) world: World,
    pub(crate) traffic: Traffic,
    /// Commands that wait to be decided.
    pub(crate) queue: Queue,
    /// Decided and not yet handed to the store.
    pub(crate) ready: Vec<(Pending, Append)>,
    /// The batch that the store has now, and behind it at most one that it has not answered yet.
    pub(crate) in_flight: VecDeque<InFlight>,
    /// Streams with an append that is not folded yet. Nothing else may read or write them here.
    pub(crate) busy: HashSet<StreamId>,
    /// Events that came before one in front of them.
    early: BTreeMap<u64, Recorded>,
    /// Promotions to judge again because of what was folded.
    pub(crate) again: Again,
    /// Whether another turn for them was asked for.
    pub(crate) going_on: bool,
    /// Promotions whose judgement the store did not take: tried again with the next tick.
    pub(crate) judge_later: BTreeSet<PromotionId>,
    /// Leases that this replica holds.
    pub(crate) held: BTreeMap<WorkId, Held>,
    pub(crate) claiming: bool,
    pub(crate) reading: bool,
    /// Whether it is about to stop, and takes no more work.
    pub(crate) leaving: bool,
    next_batch: BatchId,
}

impl Engine {
    /// Folds history before the start. Events in log order.
    ///
    /// # Errors
    /// When the log is damaged; the engine must not be started then.
    pub fn restore(&mut self, events: &[Recorded]) -> Result<(), WorldError> {
        events.iter().try_for_each(|recorded| self.world.fold(recorded))
    }

    /// The fold, for readers.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Live numbers of running rollouts.
    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// How many commands wait, and how many leases are held.
    pub fn load(&self) -> (usize, usize) {
        let waiting = self.queue.len() + self.ready.len() + self.again.len() + self.judge_later.len();
        (waiting, self.held.len())
    }

    /// Begins: judges what was held while nobody looked, and claims work. Called once, after [`Engine::restore`].
    pub fn start(&mut self, now: Timestamp) -> Vec<Output> {
        let held = self.world.promotions();
        let held = held.filter(|promotion| promotion.phase == Phase::Held);
        self.again.extend(held.map(|promotion| promotion.id.clone()));
        let mut out = Vec::new();
        self.settle(self.moment(now), &mut out);
        self.claim(&mut out);
        out
    }

    /// Takes one input at a moment and says what to do about it.
    ///
    /// # Errors
    /// As [`Engine::take`].
    pub fn step(&mut self, now: Timestamp, input: Input) -> Result<Vec<Output>, WorldError> {
        let mut out = self.take(now, input)?;
        out.extend(self.decide(now));
        Ok(out)
    }

    /// Takes one input without deciding anything new: a rim that has more inputs gives them first, and then calls
    /// [`Engine::decide`]. What they ask for together is committed together.
    ///
    /// # Errors
    /// When the log is damaged. The replica must stop: what it believes is not what is recorded.
    pub fn take(&mut self, now: Timestamp, input: Input) -> Result<Vec<Output>, WorldError> {
        let now = self.moment(now);
        let mut out = Vec::new();
        match input {
            Input::Request(request) => self.accept(now, *request, &mut out),
            Input::Tick => {
                self.again.extend(std::mem::take(&mut self.judge_later));
                self.renew_leases(now, &mut out);
                self.claim(&mut out);
            }
            Input::GoOn => self.going_on = false,
            Input::Committed(batch, answers) => self.committed(now, batch, answers, &mut out)?,
            Input::Logged(events) => {
                self.reading = false;
                self.fold(events, &mut out)?;
            }
            Input::Leased(leased) => {
                self.claiming = false;
                self.leased(now, leased, &mut out);
            }
            Input::Observed(task, observed) => self.observed(now, *task, observed, &mut out),
            Input::TicksKept {
                promotion,
                root,
                ticks,
                all,
                task,
            } => {
                if all {
                    self.traffic.load(&promotion, ticks, root);
                } else {
                    self.traffic.add(&promotion, ticks, root);
                }
                self.ticks_kept(now, &promotion, *task, &mut out);
            }
            Input::TicksLost(task) => self.not_kept(now, *task, &mut out),
            Input::HandOver(what) => self.hand_over_work(what, &mut out),
        }
        Ok(out)
    }

    /// Decides what waits, and hands a batch over when the store is free.
    pub fn decide(&mut self, now: Timestamp) -> Vec<Output> {
        let mut out = Vec::new();
        self.settle(self.moment(now), &mut out);
        out
    }

    /// Refuses what has waited for too long without deciding anything: for a rim whose store cannot be reached, and which
    /// therefore does not call [`Engine::decide`].
    pub fn refuse_late(&mut self, now: Timestamp) -> Vec<Output> {
        let mut out = Vec::new();
        self.refuse(self.moment(now), &mut out);
        out
    }

    /// The moment to decide at: a clock that was set back does not make decisions older than what they are made from.
    pub(crate) fn moment(&self, now: Timestamp) -> Timestamp {
        if is(Planted::OwnClock) {
            return now;
        }
        now.max(self.world.at())
    }

    fn accept(&mut self, now: Timestamp, request: Request, out: &mut Vec<Output>) {
        if self.queue.is_full() {
            out.push(Output::Tell(request.ticket, Err(Refusal::Busy)));
            return;
        }
        self.queue.push(Pending::asked(now, request));
    }

    /// Folds events as far as they are gap-free, and asks for the ones that are missing.
    pub(crate) fn fold(&mut self, events: Vec<Recorded>, out: &mut Vec<Output>) -> Result<(), WorldError> {
        let mut folded = Vec::new();
        for recorded in events {
            if recorded.number > self.world.next() && is(Planted::LostEvent) {
                continue;
            }
            if recorded.number >= self.world.next() {
                self.early.insert(recorded.number, recorded);
            } else if is(Planted::OldNews) {
                folded.push(recorded);
            }
        }
        while let Some(recorded) = self.early.remove(&self.world.next()) {
            match self.world.fold(&recorded) {
                Err(_) if is(Planted::SkippedRecord) => continue,
                folds => folds?,
            }
            self.again.extend(must_be_judged_again(&self.world, &recorded));
            if let (gateline_model::Event::PromotionEnded { .. }, StreamId::Promotion(id)) =
                (&recorded.event, &recorded.stream)
            {
                self.traffic.forget(id);
            }
            folded.push(recorded);
        }
        if !self.early.is_empty() && !self.reading {
            self.reading = true;
            out.push(Output::Read(self.world.next()));
        }
        if !folded.is_empty() {
            out.push(Output::Folded(folded));
        }
        Ok(())
    }

    /// Decides what can be decided, and hands a batch to the store when it is free.
    fn settle(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        self.judge_some();
        self.refuse(now, out);
        self.forget_stale(now);
        // While the log is read again, what is known is known to be old.
        if !self.reading {
            self.decide_waiting(now, out);
        }
        self.go_on(out);
        self.hand_over(now, out);
    }

    pub(crate) fn next_batch(&mut self) -> BatchId {
        self.next_batch += 1;
        self.next_batch
    }

    /// Asks for work, unless it is asked for already or there is enough.
    pub(crate) fn claim(&mut self, out: &mut Vec<Output>) {
        let free = PERFORMING_MAX.saturating_sub(self.held.len());
        if !self.claiming && !self.leaving && free > 0 {
            self.claiming = true;
            out.push(Output::Claim(free));
        }
    }
}
