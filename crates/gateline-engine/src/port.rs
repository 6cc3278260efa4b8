//! The engine's two ports: everything that can come in, and everything that can be asked for.

use std::sync::Arc;

use gateline_core::{Actor, Command, NoiseOrder, Rejection, StepOutcome};
use gateline_model::{
    ActorId, CheckOrder, Delivered, Digest, HealthSeen, Letter, OnCallSource, PromotionId, Reading, Recorded,
    Span, StepOrder, TargetView, Tick, TrafficSource, Version, Weight,
};
use gateline_store::{
    Append, AppendError, Blob, Committed, Fence, IdempotencyKey, Leased, PasswordChange, Salt, StoreError,
};
use jiff::Timestamp;

/// Names a request, so that its answer finds the asker.
pub type Ticket = u64;
/// Names a batch that was handed to the store.
pub type BatchId = u64;

/// Somebody wants something.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Where the answer goes.
    pub ticket: Ticket,
    /// Who asks.
    pub actor: Actor,
    /// What.
    pub command: Command,
    /// Recognises the request when it is sent again.
    pub key: Option<IdempotencyKey>,
    /// Random bytes from the rim: salts of erasable parts are derived from them.
    pub salt: Salt,
    /// Content to keep with it.
    pub blobs: Vec<Arc<Blob>>,
    /// Passwords that change with it.
    pub passwords: Vec<PasswordChange>,
}

/// What can come in.
#[derive(Debug)]
pub enum Input {
    /// Somebody wants something.
    Request(Box<Request>),
    /// Time has passed. The rim sends one at least every [`crate::LEASE`] / 4, and whenever work may be due.
    Tick,
    /// It is this replica's turn again, after [`Output::GoOn`].
    GoOn,
    /// The store answered a batch.
    Committed(BatchId, Result<Vec<Result<Committed, AppendError>>, StoreError>),
    /// Events that were read from the log, oldest first.
    Logged(Vec<Recorded>),
    /// Work that is leased to this replica now.
    Leased(Vec<Leased>),
    /// A driver answered.
    Observed(Box<Task>, Observed),
    /// Ticks were kept.
    TicksKept {
        /// The rollout.
        promotion: PromotionId,
        /// Root of its chunks.
        root: Digest,
        /// The ticks that were kept; every tick of the rollout where that was asked for.
        ticks: Vec<Tick>,
        /// Whether these are all.
        all: bool,
        /// The lease that they were measured under.
        task: Box<Task>,
    },
    /// Ticks could not be kept.
    TicksLost(Box<Task>),
    /// This replica is about to stop. Requests are still decided.
    HandOver(HandOver),
}

/// What a replica that is about to stop gives back. It takes nothing more in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandOver {
    /// What only looks: the rim has stopped looking. What acts on the outside goes on.
    Looks,
    /// Everything: the rim has ended what it did.
    All,
}

/// What is asked of the rim.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Commit this batch after the ones before it, and answer with [`Input::Committed`]. No two that are not answered
    /// write, and none reads, what another of them writes.
    Append(BatchId, Vec<Append>),
    /// Read the log from this number and answer with [`Input::Logged`].
    Read(u64),
    /// Lease up to so much work and answer with [`Input::Leased`], even when there is none.
    Claim(usize),
    /// Let a driver do this and answer with [`Input::Observed`].
    Perform(Box<Task>),
    /// Keep these ticks and answer with [`Input::TicksKept`]; `all` asks for every tick of the rollout.
    KeepTicks {
        /// The rollout.
        promotion: PromotionId,
        /// What was measured.
        ticks: Vec<Tick>,
        /// Whether the engine needs the earlier ones too.
        all: bool,
        /// The lease.
        task: Box<Task>,
    },
    /// Give a lease back; the work is due again then.
    Release(Fence, Timestamp),
    /// Extend a lease.
    Renew(Fence, Timestamp),
    /// There is more to judge: give what came meanwhile, and then [`Input::GoOn`], at once.
    GoOn,
    /// Answer a request.
    Tell(Ticket, Result<Receipt, Refusal>),
    /// These events are folded now, in the order of the log: tell whoever watches.
    Folded(Vec<Recorded>),
}

/// A request was accepted.
#[derive(Debug, Clone, PartialEq)]
pub enum Receipt {
    /// These events are in the log; none when everything was as wanted already.
    Recorded(Vec<Recorded>),
    /// The same request was accepted before, with these log numbers.
    Before(Option<(u64, u64)>),
}

/// A request was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The rules say no.
    Rejected(Rejection),
    /// The idempotency key belongs to another request.
    KeyReused,
    /// Too much is waiting; nothing was done.
    Busy,
    /// The store does not take it; nothing was done.
    Unavailable(String),
    /// Nobody knows whether it was done; the same request with the same key finds out.
    Unknown(String),
}

/// Leased work, made ready for a driver.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// The lease.
    pub leased: Leased,
    /// What to do.
    pub order: TaskOrder,
}

/// What a driver is asked to do.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskOrder {
    /// Make one observation.
    Check(Box<CheckOrder>),
    /// Look at a metric's past.
    Past(Box<PastOrder>),
    /// Make one step true: observe first, apply only what is not applied.
    Step(Box<StepOrder>),
    /// Count the traffic, at the target or at the given source.
    Measure(Box<TargetView>, Option<Box<SourceOrder>>),
    /// Look at the health.
    Health(Box<TargetView>),
    /// Ask a source who is on call.
    OnCall(Box<OnCallSource>),
    /// Deliver a letter.
    Deliver(Box<Letter>),
}

/// A metric's past, and how it is counted.
#[derive(Debug, Clone, PartialEq)]
pub struct PastOrder {
    /// The check, of the release that was live then.
    pub check: CheckOrder,
    /// Which past, and how it is counted.
    pub noise: NoiseOrder,
}

/// Counts to be asked of a metric source instead of the target.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceOrder {
    /// Where and what to ask.
    pub source: TrafficSource,
    /// Share of traffic that the canary has now.
    pub weight: Weight,
    /// Label of the release that was live before.
    pub live: Option<Version>,
    /// How often the judge looks, where what the live release did before is asked for as well: nothing was ruled yet.
    pub before: Option<Span>,
}

/// What a driver answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Observed {
    /// To a check: what was seen, or why it could not be.
    Checked(Result<Reading, String>),
    /// To a metric's past: its numbers, oldest first, or why there are none.
    Past(Result<Vec<(Timestamp, f64)>, String>),
    /// To a step.
    Stepped(StepOutcome),
    /// To a measurement: ticks, or why there are none.
    Measured(Result<Vec<Tick>, String>),
    /// To a look at the health.
    Seen(HealthSeen),
    /// To a source: whom it names, or why it could not be read.
    OnCall(Result<Vec<ActorId>, String>),
    /// To a letter.
    Delivered(Delivered),
    /// To anything: nothing was done, for it was not sure that the lease is still held.
    NotBegun,
}

impl Task {
    /// The lease as a fence.
    pub fn fence(&self) -> Fence {
        Fence {
            work: self.leased.work.id(),
            fence: self.leased.fence,
        }
    }
}
