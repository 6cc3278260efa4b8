//! Times as people read them: an age or a clock on the page, the whole moment on hover. Always UTC, and said so.

use gateline_model::Span;
use jiff::Timestamp;
use maud::{Markup, html};

const DAY_SECS: i64 = 86_400;

/// How long, in one or two units: enough for a person.
pub(super) fn length(span: Span) -> String {
    let secs = span.as_millis() / 1_000;
    match secs {
        0 => "under 1 s".to_owned(),
        1..60 => format!("{secs} s"),
        60..3_600 => format!("{} min", secs / 60),
        3_600..172_800 => format!("{}h {:02}m", secs / 3_600, secs % 3_600 / 60),
        _ => format!("{} days", secs / DAY_SECS),
    }
}

/// How long ago it was.
pub(super) fn age(now: Timestamp, at: Timestamp) -> Markup {
    stamped(at, &length(Span::between(at, now)))
}

/// How long until then; `due` once it is over.
pub(super) fn ahead(now: Timestamp, at: Timestamp) -> Markup {
    if at <= now {
        return stamped(at, "due now");
    }
    html! { (clock(now, at)) " (in " (length(Span::between(now, at))) ")" }
}

/// The time of day; with the day where that is another.
pub(super) fn clock(now: Timestamp, at: Timestamp) -> Markup {
    let day = |at: Timestamp| at.as_second().div_euclid(DAY_SECS);
    let format = if day(now) == day(at) {
        "%H:%M:%S"
    } else {
        "%-d %b %Y %H:%M"
    };
    stamped(at, &at.strftime(format).to_string())
}

/// The whole moment in words.
pub(super) fn whole(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn stamped(at: Timestamp, text: &str) -> Markup {
    html! { time datetime=(at) title=(whole(at)) { (text) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_the_unit_that_matters() {
        for (secs, text) in [
            (0, "under 1 s"),
            (7, "7 s"),
            (61, "1 min"),
            (4_800, "1h 20m"),
            (DAY_SECS * 6 + 5, "6 days"),
        ] {
            assert_eq!(length(Span::from_secs(secs)), text);
        }
    }

    #[test]
    fn another_day_is_named() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-11-21T10:00:00Z");
        let shown = |then: &str| clock(now, at(then)).into_string();
        assert!(shown("2026-11-21T09:41:07Z").contains(">09:41:07<"));
        assert!(shown("2026-11-20T09:41:07Z").contains(">20 Nov 2026 09:41<"));
        assert!(shown("2026-11-20T09:41:07Z").contains(r#"title="2026-11-20 09:41:07 UTC""#));
    }
}
