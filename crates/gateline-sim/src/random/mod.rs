//! Random runs: two pipelines with three stages each, random requests, random faults. One seed is one run.

mod asks;
mod incidents;
mod times;

use std::sync::{Arc, LazyLock};

use gateline_core::{Actor, Command};
use gateline_engine::{Refusal, Ticket};
use gateline_model::{Digest, Pipeline, Span};
use gateline_store::IdempotencyKey;
use jiff::Timestamp;

use crate::faults::{Fault, Faults};
use crate::inboxes;
use crate::settled;
use crate::sim::Sim;

/// The pipelines that random runs move releases through.
const PIPELINES: [&str; 2] = [
    include_str!("../pipelines/shop.yaml"),
    include_str!("../pipelines/bank.yaml"),
];
static READ: LazyLock<[Arc<Pipeline>; 2]> = LazyLock::new(|| {
    PIPELINES.map(|text| {
        let read = gateline_spec::read("pipeline", text).expect("the pipelines of the simulation are right");
        Arc::new(read.pipeline)
    })
});
/// How many requests one run makes.
const REQUESTS: u64 = 60;
/// Every run begins at nine on a Monday.
const BEGIN: Timestamp = Timestamp::constant(1_772_442_000, 0);
/// How long a run goes on when nothing goes wrong any more: longer than anything is held for.
const SETTLES: Span = Span::from_secs(8 * 3_600);
/// One run in so many hashes its log and compares the root.
const LOG_CHECKED_EVERY: u64 = 8;

/// One run while it goes on.
struct Run {
    seed: u64,
    sim: Sim,
    pipelines: Vec<Arc<Pipeline>>,
    /// Requests without an answer that settles them: asked again with the same key.
    open: Vec<(Ticket, Actor, Command, IdempotencyKey)>,
    asked: u64,
    /// What was asked, for the transcript.
    lines: Vec<(Timestamp, String)>,
}

/// What one run came to.
pub(crate) struct Outcome {
    pub violations: Vec<String>,
    pub transcript: Vec<String>,
    pub events: u64,
    pub admitted: u64,
    pub ended: u64,
}

/// How much of a run is played.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// How many requests are made; the rest is as in the whole until then.
    pub requests: u64,
    /// What does not go wrong.
    pub without: Vec<Fault>,
}

impl Part {
    pub(crate) fn whole() -> Self {
        Self {
            requests: REQUESTS,
            without: Vec::new(),
        }
    }
}

/// Runs one seed.
pub(crate) fn run(seed: u64, part: &Part, verbose: bool) -> Outcome {
    let mut sim = Sim::new(BEGIN, 1, seed, Faults::all_but(part.without.clone()));
    let more = sim.rng.below(3);
    (0..more).for_each(|_| sim.join());
    sim.outside.rps = *sim.rng.pick(&[0, 5, 50, 500]);
    let pipelines = READ.clone();
    let mut run = Run {
        seed,
        sim,
        pipelines: pipelines.to_vec(),
        open: Vec::new(),
        asked: 0,
        lines: Vec::new(),
    };
    for pipeline in pipelines {
        run.apply(pipeline);
        run.change_teams();
        run.pass(2_000);
    }
    for _ in 0..part.requests {
        run.one();
        let longest = *run.sim.rng.pick(&[200, 2_000, 20_000, 200_000, 2_000_000]);
        run.pass(longest);
        if !run.sim.book.violations.is_empty() {
            break;
        }
    }
    run.settle();
    run.outcome(verbose)
}

impl Run {
    fn pass(&mut self, longest_ms: i64) {
        let span = Span::from_millis(self.sim.rng.between(0, longest_ms));
        self.sim.run_until(span.after(self.sim.now));
        self.ask_again();
        inboxes::is_what_may_be_answered(&mut self.sim, &asks::anybody(self.asked));
        inboxes::shows_what_stands_still(&mut self.sim);
    }

    /// Nothing goes wrong any more, people lift and resume what stands still; then nothing may be stuck.
    fn settle(&mut self) {
        self.sim.faults = Faults::none();
        self.sim.cure();
        self.sim.outside.answers.clear();
        self.sim.outside.health.clear();
        self.sim.outside.tricks.clear();
        self.sim.outside.on_call.clear();
        for replica in 0..self.sim.replicas.len() {
            self.sim.skew(replica, 0);
        }
        self.sim.run_until(Span::from_secs(120).after(self.sim.now));
        for _ in 0..10 {
            self.ask_again();
            self.sim.run_until(Span::from_secs(5).after(self.sim.now));
        }
        self.sim.wake_all();
        self.sim.run_until(SETTLES.after(self.sim.now));
        settled::nothing_is_stuck(&mut self.sim);
        settled::rulings_come_out_again(&mut self.sim);
        // Hashing every event is most of the work of a run, and the same code each time.
        if self.seed.is_multiple_of(LOG_CHECKED_EVERY) {
            settled::log_is_whole(&mut self.sim);
            settled::erasing_changes_nothing(&mut self.sim);
        }
        if let Some((ticket, _, command, _)) = self.open.first() {
            let what = format!("request {ticket} was never answered: {command:?}");
            self.sim.book.violated(self.sim.now, what);
        }
    }

    fn outcome(mut self, verbose: bool) -> Outcome {
        let violations = std::mem::take(&mut self.sim.book.violations);
        let transcript = if verbose || !violations.is_empty() {
            self.transcript()
        } else {
            Vec::new()
        };
        let book = &self.sim.book;
        Outcome {
            violations,
            transcript,
            events: book.world.next(),
            admitted: book.admitted,
            ended: book.ended,
        }
    }

    fn transcript(&self) -> Vec<String> {
        let mut lines = self.lines.clone();
        lines.extend(self.sim.notes.iter().cloned());
        lines.extend(self.sim.sentences());
        // What was asked stands before what came of it.
        lines.sort_by_key(|(at, _)| *at);
        lines
            .into_iter()
            .map(|(at, line)| format!("{}  {line}", crate::says::time(at)))
            .collect()
    }

    fn ask(&mut self, actor: Actor, command: Command, says: String) {
        self.asked += 1;
        self.lines.push((self.sim.now, format!("> {} {says}", actor.id)));
        let key = IdempotencyKey {
            scope: format!("{}/{}", actor.id, self.asked),
            request: Digest::of(says.as_bytes()),
        };
        self.send(actor, command, key);
    }

    fn send(&mut self, actor: Actor, command: Command, key: IdempotencyKey) {
        let replica = self.sim.rng.below(self.sim.replicas.len() as u64) as usize;
        let ticket = self
            .sim
            .request(replica, actor.clone(), command.clone(), Some(key.clone()));
        self.open.push((ticket, actor, command, key));
    }

    /// Whoever heard nothing, or nothing certain, asks again with the same key; some do although they heard.
    fn ask_again(&mut self) {
        for (ticket, actor, command, key) in std::mem::take(&mut self.open) {
            let again = match self.sim.told.remove(&ticket) {
                Some(Ok(_) | Err(Refusal::Rejected(_) | Refusal::KeyReused)) => {
                    self.sim.faults.repeats(&mut self.sim.rng)
                }
                Some(Err(Refusal::Busy | Refusal::Unavailable(_) | Refusal::Unknown(_))) => true,
                None if self.sim.is_lost(ticket) => true,
                // Out of patience: the first request may still be under way.
                None if self.sim.faults.loses_answer(&mut self.sim.rng) => true,
                None => {
                    self.open.push((ticket, actor, command, key));
                    continue;
                }
            };
            if again {
                self.send(actor, command, key);
            }
        }
    }
}
