//! The queue: requests on their way from being asked to being committed.

use std::collections::VecDeque;
use std::sync::Arc;

use gateline_core::{Actor, Command, Rejection};
use gateline_model::{Span, StreamId};
use gateline_store::{Blob, Fence, IdempotencyKey, PasswordChange, Salt};
use jiff::Timestamp;

use crate::port::{Request, Ticket};

/// Most commands that may wait for their streams. The next one is refused as busy.
pub const COMMANDS_WAITING_MAX: usize = 10_000;
/// How long a command waits at most until the store has it. Then whoever asked hears that nothing was done: what he
/// gave up on long ago must not come true.
pub const COMMAND_WAITS_MAX: Span = Span::from_secs(10);
/// Most times that a command is decided again after a conflict.
pub(crate) const DECIDED_MAX: u32 = 5;

/// A command with everything that is needed to decide and answer it.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    pub ticket: Option<Ticket>,
    /// When it was asked.
    pub asked_at: Timestamp,
    pub actor: Actor,
    pub command: Command,
    pub key: Option<IdempotencyKey>,
    pub salt: Salt,
    pub blobs: Vec<Arc<Blob>>,
    pub passwords: Vec<PasswordChange>,
    /// The lease that this is reported under.
    pub fence: Option<Leasehold>,
    /// A stream that it read and that had an append in flight: until that is folded it would be decided in vain.
    pub waits_for: Option<StreamId>,
    /// How often it was decided.
    pub decided: u32,
    /// What the rules said to it, while it is looked up whether it was accepted before.
    pub rejected: Option<Rejection>,
    /// When it was decided last.
    pub decided_at: Timestamp,
}

/// A lease with what it takes to give it back.
#[derive(Debug, Clone)]
pub(crate) struct Leasehold {
    pub fence: Fence,
    pub work: gateline_model::Work,
}

impl Pending {
    /// What was asked at a moment.
    pub(crate) fn asked(asked_at: Timestamp, request: Request) -> Self {
        let Request {
            ticket,
            actor,
            command,
            key,
            salt,
            blobs,
            passwords,
        } = request;
        Self {
            ticket: Some(ticket),
            asked_at,
            actor,
            command,
            key,
            salt,
            blobs,
            passwords,
            fence: None,
            waits_for: None,
            decided: 0,
            rejected: None,
            decided_at: Timestamp::MIN,
        }
    }

    /// Whether somebody has waited for it for too long.
    pub(crate) fn is_late(&self, now: Timestamp) -> bool {
        self.ticket.is_some() && COMMAND_WAITS_MAX.after(self.asked_at) < now
    }

    /// A command of Gateline itself. It has no erasable part, so its salt salts nothing.
    pub(crate) fn own(command: Command, fence: Option<Leasehold>) -> Self {
        Self {
            ticket: None,
            asked_at: Timestamp::MIN,
            actor: Actor::gateline(),
            command,
            key: None,
            salt: Salt::default(),
            blobs: Vec::new(),
            passwords: Vec::new(),
            fence,
            waits_for: None,
            decided: 0,
            rejected: None,
            decided_at: Timestamp::MIN,
        }
    }
}

/// Commands that wait to be decided, in order.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: VecDeque<Pending>,
}

impl Queue {
    pub(crate) fn is_full(&self) -> bool {
        self.waiting.len() >= COMMANDS_WAITING_MAX
    }

    pub(crate) fn push(&mut self, pending: Pending) {
        self.waiting.push_back(pending);
    }

    /// Puts commands that must be decided again in front, in their order.
    pub(crate) fn push_front(&mut self, again: Vec<Pending>) {
        for pending in again.into_iter().rev() {
            self.waiting.push_front(pending);
        }
    }

    /// Takes those out that somebody has waited for for too long.
    pub(crate) fn take_late(&mut self, now: Timestamp) -> Vec<Pending> {
        if !self.waiting.iter().any(|pending| pending.is_late(now)) {
            return Vec::new();
        }
        let (late, in_time): (VecDeque<_>, _) =
            self.take().into_iter().partition(|pending| pending.is_late(now));
        self.waiting = in_time;
        Vec::from(late)
    }

    pub(crate) fn take(&mut self) -> VecDeque<Pending> {
        std::mem::take(&mut self.waiting)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Pending> {
        self.waiting.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }
}
