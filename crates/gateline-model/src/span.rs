//! Durations as people write them: `15m`, `1h 30m`, `90s`, `250ms`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A length of time, whole milliseconds, never negative, at most ten years.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(i64);

/// Why a text is not a [`Span`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpanError {
    /// It is something else.
    #[error(
        "`{0}` is not a duration: write numbers with units, as in `15m`, `1h 30m`, `90s`, `250ms` or `2d`"
    )]
    Foreign(String),
    /// It is over the limit.
    #[error("`{0}` is too long: a duration is at most {SPAN_DAYS_MAX} days (SPAN_DAYS_MAX)")]
    TooLong(String),
}

const UNITS: [(&str, i64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];
/// Longest duration, in days: ten years.
const SPAN_DAYS_MAX: i64 = 3_650;
const SPAN_MILLIS_MAX: i64 = SPAN_DAYS_MAX * 86_400_000;

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);

    /// A span of whole milliseconds; negative becomes zero, too long becomes ten years.
    pub const fn from_millis(millis: i64) -> Self {
        Self(if millis < 0 {
            0
        } else if millis > SPAN_MILLIS_MAX {
            SPAN_MILLIS_MAX
        } else {
            millis
        })
    }

    /// A span of whole seconds.
    pub const fn from_secs(secs: i64) -> Self {
        Self::from_millis(secs.saturating_mul(1_000))
    }

    /// The time from `earlier` to `later`; zero when they are the other way round.
    pub fn between(earlier: jiff::Timestamp, later: jiff::Timestamp) -> Self {
        Self::from_millis(later.as_millisecond().saturating_sub(earlier.as_millisecond()))
    }

    /// Whole milliseconds.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Seconds with their fraction.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1_000.0
    }

    /// As the standard library's type.
    pub fn as_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0.unsigned_abs())
    }

    /// The moment this long after `from`; the end of time when that overflows.
    pub fn after(self, from: jiff::Timestamp) -> jiff::Timestamp {
        from.checked_add(jiff::SignedDuration::from_millis(self.0))
            .unwrap_or(jiff::Timestamp::MAX)
    }

    /// The moment so long before another; the earliest that there is where that would be before it.
    pub fn before(self, until: jiff::Timestamp) -> jiff::Timestamp {
        until
            .checked_sub(jiff::SignedDuration::from_millis(self.as_millis()))
            .unwrap_or(jiff::Timestamp::MIN)
    }

    /// What is left of this span when `spent` is taken away.
    pub fn minus(self, spent: Span) -> Span {
        Self::from_millis(self.0 - spent.0)
    }

    /// Both together.
    pub fn plus(self, more: Span) -> Span {
        Self::from_millis(self.0 + more.0)
    }

    /// This span `factor` times.
    pub fn times(self, factor: i64) -> Span {
        Self::from_millis(self.0.saturating_mul(factor))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        let mut shown = 0;
        for (unit, size) in UNITS {
            // Two units are precise enough for a person: nobody needs the seconds of a day.
            if rest >= size && shown < 2 {
                f.write_str(if shown > 0 { " " } else { "" })?;
                write!(f, "{}{unit}", rest / size)?;
                shown += 1;
                rest %= size;
            } else if shown > 0 {
                break;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let shown = || text.chars().take(40).collect();
        let bad = || SpanError::Foreign(shown());
        let too_long = || SpanError::TooLong(shown());
        let mut total: i64 = 0;
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err(bad());
        }
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            if digits == 0 {
                return Err(bad());
            }
            let number: i64 = rest[..digits].parse().map_err(|_| too_long())?;
            rest = &rest[digits..];
            let letters = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_lowercase()).len();
            let (_, size) = UNITS
                .iter()
                .find(|(unit, _)| *unit == &rest[..letters])
                .ok_or_else(bad)?;
            total = number
                .checked_mul(*size)
                .and_then(|part| total.checked_add(part))
                .ok_or_else(too_long)?;
            rest = rest[letters..].trim_start();
        }
        if total > SPAN_MILLIS_MAX {
            Err(too_long())
        } else {
            Ok(Self(total))
        }
    }
}

impl Serialize for Span {
    /// Exact, unlike `Display`: milliseconds that no larger unit divides are kept.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let unit = UNITS
            .iter()
            .find(|(_, size)| self.0 % size == 0 && self.0 >= *size);
        let (name, size) = unit.copied().unwrap_or(("s", 1_000));
        serializer.collect_str(&format_args!("{}{name}", self.0 / size))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::name::from_text(deserializer)
    }
}

impl schemars::JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "a duration such as 15m, 1h 30m, 90s, 250ms or 2d",
            "pattern": "^([0-9]+(d|h|ms|m|s) ?)+$"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_and_print_as_people_write_them() {
        for (text, shown) in [
            ("90s", "1m 30s"),
            ("1h 30m", "1h 30m"),
            ("250ms", "250ms"),
            ("2d", "2d"),
            ("0s", "0s"),
            ("1d 5s", "1d"),
        ] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn a_stored_span_loses_nothing() {
        for millis in [0, 1, 999, 1_000, 90_500, 86_400_000, 86_405_000] {
            let span = Span::from_millis(millis);
            let text = serde_json::to_string(&span).unwrap();
            assert_eq!(serde_json::from_str::<Span>(&text).unwrap(), span, "{text}");
        }
    }

    #[test]
    fn nonsense_and_overflow_are_refused() {
        for text in ["", "5", "m", "5 m", "1y", "-5s"] {
            assert!(
                matches!(text.parse::<Span>(), Err(SpanError::Foreign(_))),
                "{text}"
            );
        }
        for text in ["3650d 1ms", "4000d", "99999999999d", "99999999999999999999d"] {
            let says = text.parse::<Span>().unwrap_err().to_string();
            assert!(says.contains("at most 3650 days"), "{says}");
        }
        assert!("3650d".parse::<Span>().is_ok());
    }
}
