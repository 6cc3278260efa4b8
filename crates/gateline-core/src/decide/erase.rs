//! Deciding to erase: names and texts beside events go for ever, and the log says whose decision that was, when and why.
//!
//! Which events have a text is in no state: the fold never reads one, so that erasing changes no fold. The rim has looked.

use std::collections::BTreeSet;

use gateline_model::{Event, StreamId};

use super::{private, reason, server_project};
use crate::draft::Draft;
use crate::rejection::Rejection;

/// Most events that one command erases the text of: one event names them all, and one transaction erases them.
pub const ERASED_MAX: usize = 1_000;

pub(super) fn erase(draft: &mut Draft<'_>, events: &BTreeSet<u64>, why: &str) -> Result<(), Rejection> {
    let why = reason(why)?;
    if events.len() > ERASED_MAX {
        return Err(Rejection::invalid(
            "erase.too_many",
            format!(
                "{} events are named; the limit is {ERASED_MAX} (ERASED_MAX)",
                events.len()
            ),
            "erase some of them first",
        ));
    }
    let world = draft.world();
    let left = |number: &u64| world.erased(*number).is_none();
    let events: Vec<u64> = events.iter().copied().filter(left).collect();
    if events.is_empty() {
        return Ok(());
    }
    if let Some(ahead) = events.iter().find(|number| **number >= world.next()) {
        return Err(no_such_event(*ahead));
    }
    // Who reads the project's stream is told in order, and two who erase the same do it once.
    draft.project(&server_project());
    let text = private(draft, Some(why));
    draft.emit_with(
        StreamId::Project(server_project()),
        Event::TextErased { events },
        text,
    );
    Ok(())
}

/// What is said of a number that the log does not have yet.
pub fn no_such_event(number: u64) -> Rejection {
    Rejection::unknown(
        "event.unknown",
        format!("there is no event #{number}"),
        "search with `gateline log`",
    )
}
