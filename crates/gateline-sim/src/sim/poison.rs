//! Poison: a record of the log that one replica cannot read for a while, because it is of an older version or its disk lies.
//!
//! A replica that meets it stops, and whoever started it starts it again. The others go on.

use gateline_core::{World, WorldError};
use gateline_model::{Event, Recorded, Span, StreamId};
use gateline_store::{READ_EVENTS_MAX, Read};
use jiff::Timestamp;

use super::Sim;

/// How long until a process that stopped by itself is started again.
const BACK_AFTER: Span = Span::from_secs(10);

/// Longer than anything that was read waits for a replica that stands still.
const ON_ITS_WAY: Span = Span::from_secs(300);

/// What one replica cannot read.
pub(super) struct Poison {
    replica: usize,
    number: u64,
    until: Timestamp,
}

impl Poison {
    /// The number of the record, where the replica is given it and has not folded it.
    pub(super) fn in_front_of(&self, replica: usize, world: &World, given: &[Recorded]) -> Option<u64> {
        let mut given = given.iter();
        let is_given =
            given.any(|recorded| recorded.number == self.number && recorded.event == unreadable(recorded));
        (replica == self.replica && world.next() <= self.number && is_given).then_some(self.number)
    }
}

/// An event that no state of the record's stream allows.
fn unreadable(recorded: &Recorded) -> Event {
    match recorded.stream {
        StreamId::Promotion(_) => Event::TextErased { events: Vec::new() },
        StreamId::Project(_)
        | StreamId::Stage(_)
        | StreamId::Release(_)
        | StreamId::Notifications(_)
        | StreamId::Incidents(_) => Event::RolloutResumed {},
    }
}

impl Sim {
    /// A replica cannot read the next record for a while.
    pub(crate) fn poison(&mut self, replica: usize, lasts: Span) {
        // One at a time: what was read of the last one may still be on its way.
        let last = self.poison.as_ref().map(|poison| ON_ITS_WAY.after(poison.until));
        if last.is_some_and(|last| self.now < last) {
            return;
        }
        let number = self.book.world.next();
        self.note(format!("replica {replica} cannot read #{number} for {lasts}"));
        self.poison = Some(Poison {
            replica,
            number,
            until: lasts.after(self.now),
        });
    }

    /// Everybody can read everything again.
    pub(crate) fn cure(&mut self) {
        if let Some(poison) = &mut self.poison {
            poison.until = poison.until.min(self.now);
        }
    }

    /// The log from this number on, as a replica reads it.
    pub(super) fn read(&self, replica: usize, from: u64) -> Vec<Recorded> {
        let events = self.store.read(from, READ_EVENTS_MAX);
        let mut events = events.expect("memory can be read");
        let poison = self.poison.as_ref();
        if let Some(poison) = poison.filter(|poison| poison.replica == replica && self.now < poison.until)
            && let Some(recorded) = events
                .iter_mut()
                .find(|recorded| recorded.number == poison.number)
        {
            recorded.event = unreadable(recorded);
        }
        events
    }

    /// A replica stops in front of a record: right where it cannot be read, wrong anywhere else.
    pub(super) fn cannot_fold(&mut self, replica: usize, next: u64, error: &WorldError) {
        let poison = self.poison.as_ref();
        if poison.is_some_and(|poison| (poison.replica, poison.number) == (replica, next)) {
            self.note(format!("replica {replica} stops: {error}"));
        } else {
            self.book
                .violated(self.now, format!("a replica cannot fold: {error}"));
        }
        self.end(replica, BACK_AFTER);
    }
}
