//! Moments as people write them: a time, or how long from now.

use std::str::FromStr;

use gateline_model::{Span, SpanError};
use jiff::{SignedDuration, Timestamp};

/// A time, or a duration from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A time.
    At(Timestamp),
    /// So long from now.
    From(Span),
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<Span>() {
            Ok(span) => Ok(Moment::From(span)),
            Err(err @ SpanError::TooLong(_)) => Err(err.to_string()),
            Err(SpanError::Foreign(_)) => text.parse().map(Moment::At).map_err(|_| {
                "write a duration such as `2h`, or a time with its offset such as `2026-11-23T08:00:00Z`"
                    .to_owned()
            }),
        }
    }
}

impl Moment {
    /// As a time, looking ahead. So long from now is a whole second: people read it.
    pub fn ahead(self, now: Timestamp) -> Timestamp {
        match self {
            Moment::At(at) => at,
            Moment::From(span) => {
                let at = span.after(now);
                Timestamp::from_second(at.as_second()).unwrap_or(at)
            }
        }
    }

    /// As a time, looking back.
    pub fn back(self, now: Timestamp) -> Timestamp {
        match self {
            Moment::At(at) => at,
            Moment::From(span) => {
                let back = SignedDuration::from_millis(-span.as_millis());
                now.checked_add(back).unwrap_or(Timestamp::MIN)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case("2h", "2026-11-21T12:00:00Z", "2026-11-21T08:00:00Z"; "a duration goes either way")]
    #[test_case("2026-11-23T09:00:00+01:00", "2026-11-23T08:00:00Z", "2026-11-23T08:00:00Z"; "a time is that time")]
    fn a_moment_is_a_time_or_a_duration_from_now(text: &str, ahead: &str, back: &str) {
        let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        let moment: Moment = text.parse().unwrap();
        assert_eq!(moment.ahead(now), ahead.parse().unwrap());
        assert_eq!(moment.back(now), back.parse().unwrap());
    }

    #[test]
    fn so_long_from_now_is_a_whole_second() {
        let now = "2026-11-21T10:00:00.289358658Z".parse().unwrap();
        let moment: Moment = "2h".parse().unwrap();
        assert_eq!(moment.ahead(now).to_string(), "2026-11-21T12:00:00Z");
    }

    #[test]
    fn what_is_too_long_is_answered_with_the_limit() {
        assert!(
            "4000d"
                .parse::<Moment>()
                .unwrap_err()
                .contains("at most 3650 days")
        );
    }

    #[test_case("tomorrow"; "a word")]
    #[test_case("2026-11-23T09:00:00"; "a time without its offset could mean any of 24")]
    #[test_case(""; "nothing")]
    fn what_is_neither_is_answered_with_both_forms(text: &str) {
        assert!(text.parse::<Moment>().unwrap_err().contains("`2h`"));
    }
}
