//! Times: absolute, in UTC, and how long ago or from now. Knows no clock; callers pass `now`.

use gateline_model::Span;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The time of day where it is today, the date otherwise.
pub(crate) fn clock(at: Timestamp, now: Timestamp) -> String {
    let day = |time: Timestamp| time.to_zoned(TimeZone::UTC).date();
    let form = if day(at) == day(now) {
        "%H:%M:%S UTC"
    } else {
        "%Y-%m-%d %H:%M UTC"
    };
    at.strftime(form).to_string()
}

/// A time that is over: `10:41:07 UTC, 2m ago`.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> String {
    let span = whole_secs(Span::between(at, now));
    let how_long = if span == Span::ZERO {
        "just now".to_owned()
    } else {
        format!("{span} ago")
    };
    format!("{}, {how_long}", clock(at, now))
}

/// A time that is to come: `14:05:00 UTC, in 3h 20m`.
pub(crate) fn in_future(at: Timestamp, now: Timestamp) -> String {
    let span = whole_secs(Span::between(now, at));
    let how_long = if span == Span::ZERO {
        "due now".to_owned()
    } else {
        format!("in {span}")
    };
    format!("{}, {how_long}", clock(at, now))
}

/// Nobody reads the milliseconds.
pub(super) fn whole_secs(span: Span) -> Span {
    Span::from_secs(span.as_millis() / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn today_has_no_date_and_another_day_has_no_seconds() {
        let now = at("2026-11-21T10:41:07Z");
        assert_eq!(clock(at("2026-11-21T09:00:01Z"), now), "09:00:01 UTC");
        assert_eq!(clock(at("2026-11-20T23:59:59Z"), now), "2026-11-20 23:59 UTC");
    }

    #[test]
    fn what_is_over_and_what_is_to_come_say_how_far() {
        let now = at("2026-11-21T10:41:07.900Z");
        assert_eq!(ago(at("2026-11-21T10:39:07Z"), now), "10:39:07 UTC, 2m ago");
        assert_eq!(ago(at("2026-11-21T10:41:07.200Z"), now), "10:41:07 UTC, just now");
        assert_eq!(in_future(at("2026-11-21T10:41:09Z"), now), "10:41:09 UTC, in 1s");
        assert_eq!(
            in_future(at("2026-11-21T10:00:00Z"), now),
            "10:00:00 UTC, due now"
        );
    }
}
