//! The simulator: the rim of N engines, with a virtual clock, one store in memory and an outside that may be faulty.
//!
//! Everything waits in one queue, by time and then by order; time jumps to the next entry or the next due work.

mod act;
mod leave;
mod poison;

use std::collections::BTreeMap;

use gateline_core::{Actor, Command};
use gateline_engine::{
    BatchId, Engine, HandOver, Input, LEASE, Output, Receipt, Refusal, Request, Task, Ticket,
};
use gateline_model::{PromotionId, Recorded, Span, Tick};
use gateline_store::{Append, Fence, IdempotencyKey, MemStore, READ_EVENTS_MAX, Read};
use jiff::Timestamp;

use crate::book::Book;
use crate::faults::{Faults, STORE_TAKES_MAX};
use crate::outside::Outside;
use crate::rng::Rng;
use crate::says;

use poison::Poison;

/// The rim's longest time between two ticks while something is leased.
const TICK_MAX: Span = Span::from_millis(LEASE.as_millis() / 4);
/// The shortest, so that work that nobody can take does not spin.
const TICK_MIN: Span = Span::from_millis(100);

/// Requests per second at each target where nobody says otherwise.
const RPS_DEFAULT: u64 = 50;

/// The whole rehearsal.
pub(crate) struct Sim {
    /// The database's clock.
    pub now: Timestamp,
    pub store: MemStore,
    pub outside: Outside,
    pub rng: Rng,
    pub faults: Faults,
    /// What became of requests.
    pub told: BTreeMap<Ticket, Result<Receipt, Refusal>>,
    /// What was seen, and what must hold.
    pub book: Book,
    pub replicas: Vec<Replica>,
    /// What went wrong on purpose, for the transcript.
    pub notes: Vec<(Timestamp, String)>,
    /// Which life of which replica has a request.
    routed: BTreeMap<Ticket, Who>,
    waiting: BTreeMap<(Timestamp, u64), Delivery>,
    sequence: u64,
    tickets: Ticket,
    store_down_until: Timestamp,
    /// What one replica cannot read.
    poison: Option<Poison>,
}

/// One process with an engine, or the gap between two of them.
#[derive(Default)]
pub(crate) struct Replica {
    pub engine: Option<Engine>,
    /// Raised by each crash: what was meant for an earlier one is lost.
    incarnation: u64,
    /// It stands still, and does not know.
    paused_until: Timestamp,
    last_tick: Timestamp,
    /// Its store calls and their answers keep their order.
    store_free_at: Timestamp,
    /// How far its clock is off, in milliseconds.
    skew_ms: i64,
    /// Log number of the next event that its readers have not heard of.
    heard: u64,
    /// What of its work was ended because it is about to stop.
    ended: Option<HandOver>,
    /// When the store last did not do what it was asked for, or did not say so: such work its lease brings back.
    refused_at: Timestamp,
}

/// One life of one replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Who {
    pub replica: usize,
    pub incarnation: u64,
}

enum Delivery {
    Input(Who, Input),
    Act(Who, Act),
    /// A replica hears that there is something new in the log.
    Tail(Who),
    Restart(usize),
    /// A replica was told to stop.
    Leave(Who, leave::Leave),
}

/// What a rim does for its engine.
enum Act {
    Append(BatchId, Vec<Append>),
    Read(u64),
    Claim(usize),
    KeepTicks(PromotionId, Vec<Tick>, bool, Box<Task>),
    Release(Fence, Timestamp),
    Renew(Fence, Timestamp),
    /// A driver looks: at a check, at traffic, at health, at what a step would change.
    Look(Box<Task>),
    /// A driver changes a target that it saw at this revision.
    Apply(Box<Task>, u64),
}

impl Sim {
    pub(crate) fn new(now: Timestamp, replicas: usize, seed: u64, faults: Faults) -> Self {
        let mut sim = Self {
            now,
            store: MemStore::default(),
            outside: Outside::new(RPS_DEFAULT),
            rng: Rng::new(seed),
            faults,
            told: BTreeMap::new(),
            book: Book::default(),
            replicas: Vec::new(),
            notes: Vec::new(),
            routed: BTreeMap::new(),
            waiting: BTreeMap::new(),
            sequence: 0,
            tickets: 0,
            store_down_until: Timestamp::MIN,
            poison: None,
        };
        (0..replicas).for_each(|_| sim.join());
        sim
    }

    /// One more replica.
    pub(crate) fn join(&mut self) {
        self.replicas.push(Replica::default());
        self.start(self.replicas.len() - 1);
    }

    /// Everything that was recorded, as sentences.
    pub(crate) fn sentences(&self) -> Vec<(Timestamp, String)> {
        let mut sentences = Vec::new();
        let mut from = 0;
        loop {
            let events = self
                .store
                .read(from, READ_EVENTS_MAX)
                .expect("memory can be read");
            if events.is_empty() {
                return sentences;
            }
            from += events.len() as u64;
            let told = events.iter().filter_map(|recorded| {
                let sentence = says::event(&self.book.world, recorded)?;
                Some((recorded.at, format!("  #{} {sentence}", recorded.number)))
            });
            sentences.extend(told);
        }
    }

    /// A request arrives at a replica. Nobody answers where none lives.
    pub(crate) fn request(
        &mut self,
        replica: usize,
        actor: Actor,
        command: Command,
        key: Option<IdempotencyKey>,
    ) -> Ticket {
        self.tickets += 1;
        let ticket = self.tickets;
        let mut salt = [0; 16];
        salt[..8].copy_from_slice(&self.rng.next().to_le_bytes());
        let request = Request {
            ticket,
            actor,
            command,
            key,
            salt,
            blobs: Vec::new(),
            passwords: Vec::new(),
        };
        let who = self.who(replica);
        self.book.asked(ticket, who, request.key.clone());
        self.routed.insert(ticket, who);
        self.later(
            Span::ZERO,
            Delivery::Input(who, Input::Request(Box::new(request))),
        );
        ticket
    }

    /// Lets everything happen until this moment.
    pub(crate) fn run_until(&mut self, until: Timestamp) {
        loop {
            let delivery = self.waiting.keys().next().map(|(at, _)| *at);
            let tick = self.next_tick();
            let next = [delivery, tick.map(|(at, _)| at)].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= until) else {
                break;
            };
            self.now = self.now.max(next);
            match (delivery, tick) {
                (Some(at), _) if at <= next => {
                    if let Some((_, delivery)) = self.waiting.pop_first() {
                        self.deliver(delivery);
                    }
                }
                (_, Some((_, replica))) => self.tick(replica),
                (_, None) => break,
            }
        }
        self.now = self.now.max(until);
    }

    /// A replica dies. What it had asked of the world may or may not still happen.
    pub(crate) fn crash(&mut self, replica: usize, back_after: Span) {
        let incarnation = self.replicas[replica].incarnation;
        let of_it = |delivery: &Delivery| match delivery {
            Delivery::Act(who, _) => *who == Who { replica, incarnation },
            Delivery::Input(..) | Delivery::Tail(_) | Delivery::Restart(_) | Delivery::Leave(..) => false,
        };
        let waiting = std::mem::take(&mut self.waiting);
        let rng = &mut self.rng;
        self.waiting = waiting
            .into_iter()
            .filter(|(_, delivery)| !of_it(delivery) || rng.chance(500))
            .collect();
        self.note(format!("replica {replica} dies for {back_after}"));
        self.end(replica, back_after);
    }

    /// A process ends, and another one begins in its place.
    fn end(&mut self, replica: usize, back_after: Span) {
        let ended = &mut self.replicas[replica];
        ended.engine = None;
        ended.incarnation += 1;
        ended.ended = None;
        self.later(back_after, Delivery::Restart(replica));
    }

    /// A replica stands still for a while.
    pub(crate) fn pause(&mut self, replica: usize, lasts: Span) {
        self.note(format!("replica {replica} stands still for {lasts}"));
        self.replicas[replica].paused_until = lasts.after(self.now);
    }

    /// The store answers nothing for a while.
    pub(crate) fn close_store(&mut self, lasts: Span) {
        self.note(format!("the store is down for {lasts}"));
        self.store_down_until = lasts.after(self.now);
    }

    /// Puts a replica's clock off.
    pub(crate) fn skew(&mut self, replica: usize, millis: i64) {
        self.replicas[replica].skew_ms = millis;
    }

    /// Whether nobody will ever answer a request, because its replica died.
    pub(crate) fn is_lost(&mut self, ticket: Ticket) -> bool {
        let lost = self
            .routed
            .get(&ticket)
            .is_none_or(|who| self.who(who.replica) != *who);
        if lost {
            self.book.given_up(ticket);
        }
        lost
    }

    fn note(&mut self, what: String) {
        if self.faults.on {
            self.notes.push((self.now, format!("! {what}")));
        }
    }

    fn who(&self, replica: usize) -> Who {
        let incarnation = self.replicas[replica].incarnation;
        Who { replica, incarnation }
    }

    fn clock(&self, replica: usize) -> Timestamp {
        let skew = jiff::SignedDuration::from_millis(self.replicas[replica].skew_ms);
        self.now.checked_add(skew).unwrap_or(self.now)
    }

    fn at(&mut self, at: Timestamp, delivery: Delivery) {
        self.sequence += 1;
        self.waiting.insert((at.max(self.now), self.sequence), delivery);
    }

    fn later(&mut self, span: Span, delivery: Delivery) {
        self.at(span.after(self.now), delivery);
    }

    /// Behind everything that this replica has asked of the store before.
    fn in_order(&mut self, who: Who, delivery: Delivery) {
        let at = self.faults.store_takes(&mut self.rng).after(self.now);
        let latest = STORE_TAKES_MAX.after(self.now);
        let replica = &mut self.replicas[who.replica];
        replica.store_free_at = replica.store_free_at.max(at).min(latest);
        let at = replica.store_free_at;
        self.at(at, delivery);
    }

    fn answer(&mut self, who: Who, input: Input) {
        self.in_order(who, Delivery::Input(who, input));
    }

    fn start(&mut self, replica: usize) {
        self.replicas[replica].incarnation += 1;
        let now = self.clock(replica);
        let mut engine = Engine::default();
        let mut from = 0;
        loop {
            let events = self.read(replica, from);
            if events.is_empty() {
                break;
            }
            from += events.len() as u64;
            if let Err(error) = engine.restore(&events) {
                return self.cannot_fold(replica, engine.world().next(), &error);
            }
        }
        let outputs = engine.start(now);
        let next = engine.world().next();
        let heard = std::mem::replace(&mut self.replicas[replica].heard, next);
        if heard > next {
            let what = format!("readers of replica {replica} go back from #{heard} to #{next}");
            self.book.violated(self.now, what);
        }
        self.replicas[replica].engine = Some(engine);
        let who = self.who(replica);
        self.carry_out(who, outputs);
    }

    fn next_tick(&self) -> Option<(Timestamp, usize)> {
        let due = self.store.next_due().ok().flatten();
        let ticks = self.replicas.iter().enumerate().filter_map(|(index, replica)| {
            let (waiting, held) = replica.engine.as_ref()?.load();
            let beat = (held + waiting > 0).then(|| TICK_MAX.after(replica.last_tick));
            let wanted = [due, beat].into_iter().flatten().min()?;
            let at = wanted
                .max(TICK_MIN.after(replica.last_tick))
                .max(replica.paused_until);
            Some((at.max(self.now), index))
        });
        // Whose turn it is when several are due changes all the time.
        let of = self.replicas.len() as u64;
        ticks.min_by_key(|(at, index)| (*at, (*index as u64 + self.sequence) % of))
    }

    fn tick(&mut self, replica: usize) {
        self.replicas[replica].last_tick = self.now;
        let who = self.who(replica);
        self.tail(who);
        self.step(who, Input::Tick);
    }

    /// Wakes the other replicas. Nobody may count on being woken.
    fn wake_others(&mut self, replica: usize) {
        for other in (0..self.replicas.len()).filter(|other| *other != replica) {
            if !self.faults.loses_answer(&mut self.rng) {
                let late = self.faults.store_takes(&mut self.rng);
                let who = self.who(other);
                self.later(late, Delivery::Tail(who));
            }
        }
    }

    /// Wakes every replica.
    pub(crate) fn wake_all(&mut self) {
        self.wake_others(usize::MAX);
    }

    /// Events that other replicas recorded.
    fn tail(&mut self, who: Who) {
        let replica = &self.replicas[who.replica];
        let Some(next) = replica.engine.as_ref().map(|engine| engine.world().next()) else {
            return;
        };
        let deaf = self.now < self.store_down_until || self.now < replica.paused_until;
        if deaf || self.replicas.len() == 1 {
            return;
        }
        let events = self.read(who.replica, next);
        if !events.is_empty() {
            self.step(who, Input::Logged(events));
        }
    }

    fn deliver(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Restart(replica) => self.start(replica),
            Delivery::Tail(who) if self.who(who.replica) == who => self.tail(who),
            Delivery::Tail(_) => {}
            Delivery::Input(who, _) if self.who(who.replica) != who => {}
            Delivery::Input(who, input) => {
                let paused_until = self.replicas[who.replica].paused_until;
                if paused_until > self.now {
                    self.at(paused_until, Delivery::Input(who, input));
                } else {
                    self.step(who, input);
                }
            }
            Delivery::Act(who, act) => self.act(who, act),
            Delivery::Leave(who, leave) => self.leave(who, leave),
        }
        crate::faults::strike(self);
    }

    fn step(&mut self, who: Who, input: Input) {
        let now = self.clock(who.replica);
        let Some(engine) = &mut self.replicas[who.replica].engine else {
            return;
        };
        let unread = match (&self.poison, &input) {
            (Some(poison), Input::Logged(events)) => poison.in_front_of(who.replica, engine.world(), events),
            _ => None,
        };
        let stepped = engine.step(now, input);
        let next = engine.world().next();
        if stepped.is_ok() && unread.is_some_and(|unread| next >= unread) {
            let what = format!("replica {} went on at #{next}, which it cannot read", who.replica);
            self.book.violated(self.now, what);
        }
        match stepped {
            Ok(outputs) => self.carry_out(who, outputs),
            Err(error) => self.cannot_fold(who.replica, next, &error),
        }
        let replica = &self.replicas[who.replica];
        if self.who(who.replica) == who && replica.engine.is_some() && replica.heard != next {
            let what = format!(
                "readers of replica {} see #{next} and heard up to #{}",
                who.replica, replica.heard
            );
            self.book.violated(self.now, what);
        }
    }

    /// Readers hear of each event once, in the order of the log.
    fn hear(&mut self, replica: usize, events: &[Recorded]) {
        for recorded in events {
            let heard = std::mem::replace(&mut self.replicas[replica].heard, recorded.number + 1);
            if recorded.number != heard {
                let what = format!(
                    "readers of replica {replica} heard #{} and not #{heard}",
                    recorded.number
                );
                self.book.violated(self.now, what);
            }
        }
    }

    fn carry_out(&mut self, who: Who, outputs: Vec<Output>) {
        for output in outputs {
            if self.faults.dies(&mut self.rng) {
                let back_after = Span::from_millis(self.rng.between(0, 40_000));
                return self.crash(who.replica, back_after);
            }
            let act = match output {
                Output::Append(batch, appends) => Act::Append(batch, appends),
                Output::Read(from) => Act::Read(from),
                Output::Claim(limit) => Act::Claim(limit),
                Output::KeepTicks {
                    promotion,
                    ticks,
                    all,
                    task,
                } => Act::KeepTicks(promotion, ticks, all, task),
                Output::Release(fence, due) => Act::Release(fence, due),
                Output::Renew(fence, until) => Act::Renew(fence, until),
                Output::Perform(task) if self.is_ended(who, &task) => continue,
                Output::Perform(task) => {
                    let takes = self.faults.driver_takes(&mut self.rng, &task.order);
                    self.later(takes, Delivery::Act(who, Act::Look(task)));
                    continue;
                }
                Output::Tell(ticket, answer) => {
                    self.book.told(self.now, ticket, &answer);
                    self.told.insert(ticket, answer);
                    continue;
                }
                Output::GoOn => {
                    self.later(Span::ZERO, Delivery::Input(who, Input::GoOn));
                    continue;
                }
                Output::Folded(events) => {
                    self.hear(who.replica, &events);
                    continue;
                }
            };
            self.in_order(who, Delivery::Act(who, act));
        }
    }
}
