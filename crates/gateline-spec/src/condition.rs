//! Conditions in pipeline files: read once here, so that none fails for its form when it is judged.

use gateline_policy::Condition;

use crate::diagnostic::Sink;
use crate::node::Entry;

/// Refuses a text that is not a condition, at the place where it ceases to be one.
pub(crate) fn check(entry: &Entry, known: &[&str], sink: &Sink<'_>) {
    let Some(text) = entry.value.text() else { return };
    if let Err(err) = Condition::parse(text, known) {
        let at = err.offset.map_or(entry.value.span.clone(), |offset| {
            entry.value.place(sink.text(), offset)
        });
        sink.error("condition.invalid", &at, err.to_string());
    }
}
