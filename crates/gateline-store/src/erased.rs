//! What an append erases: an event that says so is the order, and both are one fact. Knows no reason and no right.

use gateline_model::Event;

use crate::Append;

/// The log numbers of the events whose erasable part goes with this append.
pub(crate) fn by(append: &Append) -> impl Iterator<Item = u64> + '_ {
    let ordered = append.events.iter().filter_map(|new| match &new.event {
        Event::TextErased { events } => Some(events),
        _ => None,
    });
    ordered.flatten().copied()
}

/// Whether anything goes with one of them.
pub(crate) fn by_any(batch: &[Append]) -> bool {
    batch.iter().any(|append| by(append).next().is_some())
}
