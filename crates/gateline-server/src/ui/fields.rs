//! Fields that several forms have: the reason, and the moment at which something ends.

use jiff::Timestamp;
use maud::{Markup, html};

use super::forms::Fields;

/// Longest reason or comment that a form takes.
pub(super) const REASON_CHARS_MAX: &str = "2000";

/// The field of a reason, which is mandatory, with what was written in it.
pub(super) fn reason(id: &str, written: Option<&Fields>) -> Markup {
    text(id, "Reason", written)
}

/// The field of a comment, which may be left empty.
pub(super) fn comment(id: &str, written: Option<&Fields>) -> Markup {
    html! {
        label for=(id) { "Comment" }
        textarea #(id) name="reason" rows="2" maxlength=(REASON_CHARS_MAX) { (written.map(|fields| fields.reason.as_str()).unwrap_or_default()) }
    }
}

/// The same as [`reason`], called something else.
pub(super) fn text(id: &str, label: &str, written: Option<&Fields>) -> Markup {
    html! {
        label for=(id) { (label) }
        textarea #(id) name="reason" rows="2" required maxlength=(REASON_CHARS_MAX) { (written.map(|fields| fields.reason.as_str()).unwrap_or_default()) }
    }
}

/// The field of an end, with what was written in it.
pub(super) fn until(id: &str, written: Option<&Fields>, usual: Timestamp, now: Timestamp) -> Markup {
    let value = written.map_or_else(|| until_field(usual), |fields| fields.until.clone());
    html! {
        label for=(id) { "Until (UTC)" }
        input #(id) type="datetime-local" name="until" required value=(value) min=(until_field(now));
    }
}

/// A moment as an input of type `datetime-local` has it, which knows no zone: UTC, and the label says so.
fn until_field(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M").to_string()
}

/// The moment that such an input gives back, in UTC.
pub(super) fn until_of(field: &str) -> Option<Timestamp> {
    let local: jiff::civil::DateTime = field.parse().ok()?;
    Some(local.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_comes_back_from_its_field() {
        let at: Timestamp = "2026-11-21T10:30:00Z".parse().unwrap();
        assert_eq!(until_of(&until_field(at)), Some(at));
        assert_eq!(until_of("tomorrow"), None);
        assert_eq!(until_of(""), None);
    }
}
