//! Times in whole microseconds, as log entries and database columns have them.

use jiff::Timestamp;

/// The time without what is below a microsecond.
pub(crate) fn cut(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// The first whole microsecond that is not before: nothing that waits for `at` starts early.
pub(crate) fn up(at: Timestamp) -> Timestamp {
    let below = cut(at);
    if below >= at {
        return below;
    }
    Timestamp::from_microsecond(below.as_microsecond() + 1).unwrap_or(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_starts_early_and_the_ends_of_time_hold() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(
            cut(at("2026-01-01T00:00:00.0000019Z")),
            at("2026-01-01T00:00:00.000001Z")
        );
        assert_eq!(
            up(at("2026-01-01T00:00:00.0000011Z")),
            at("2026-01-01T00:00:00.000002Z")
        );
        assert_eq!(
            up(at("2026-01-01T00:00:00.000001Z")),
            at("2026-01-01T00:00:00.000001Z")
        );
        for end in [Timestamp::MIN, Timestamp::MAX] {
            assert_eq!(up(end).as_microsecond(), end.as_microsecond());
            assert_eq!(cut(cut(end)), cut(end));
        }
    }
}
