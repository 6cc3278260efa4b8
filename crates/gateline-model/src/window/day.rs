//! Days and months as windows name them: `mon`, `first tue`, `last fri`, `day 15`, `last day`; `nov`.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};

/// Last day of a month that every month has.
const DAY_OF_MONTH_MAX: i8 = 28;

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];
const NTHS: [(&str, i8); 5] = [
    ("first", 1),
    ("second", 2),
    ("third", 3),
    ("fourth", 4),
    ("last", -1),
];
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// Which days: of every week, or of every month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Day {
    /// This weekday.
    Every(Weekday),
    /// The nth such weekday of a month, from 1; the last for -1.
    Nth(i8, Weekday),
    /// This day of a month, from 1 to 28.
    OfMonth(i8),
    /// The last day of a month.
    LastOfMonth,
}

impl Day {
    /// Whether a date is one of them.
    pub fn is(self, date: Date) -> bool {
        match self {
            Day::Every(weekday) => date.weekday() == weekday,
            Day::Nth(nth, weekday) => date
                .nth_weekday_of_month(nth, weekday)
                .is_ok_and(|nth| nth == date),
            Day::OfMonth(day) => date.day() == day,
            Day::LastOfMonth => date.last_of_month() == date,
        }
    }
}

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let weekday = |word: &str| {
            WEEKDAYS
                .iter()
                .find(|(name, _)| *name == word)
                .map(|(_, day)| *day)
        };
        let read = || match text.split_once(' ') {
            None => weekday(text).map(Day::Every),
            Some(("last", "day")) => Some(Day::LastOfMonth),
            Some(("day", number)) => {
                let day = number.parse().ok()?;
                (1..=DAY_OF_MONTH_MAX).contains(&day).then_some(Day::OfMonth(day))
            }
            Some((nth, word)) => {
                let (_, nth) = NTHS.iter().find(|(name, _)| *name == nth)?;
                Some(Day::Nth(*nth, weekday(word)?))
            }
        };
        read().ok_or_else(|| {
            format!(
                "`{text}` is not a day: write `mon` to `sun`, `first tue` to `fourth tue`, `last fri`, `day 1` to `day 28`, or `last day`"
            )
        })
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |weekday: Weekday| {
            let found = WEEKDAYS.iter().find(|(_, day)| *day == weekday);
            found.map_or("", |(name, _)| name)
        };
        match self {
            Day::Every(weekday) => f.write_str(name(*weekday)),
            Day::Nth(nth, weekday) => {
                let found = NTHS.iter().find(|(_, number)| number == nth);
                write!(f, "{} {}", found.map_or("", |(word, _)| word), name(*weekday))
            }
            Day::OfMonth(day) => write!(f, "day {day}"),
            Day::LastOfMonth => f.write_str("last day"),
        }
    }
}

/// A month, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month(i8);

impl Month {
    /// Whether a date is in it.
    pub fn is(self, date: Date) -> bool {
        date.month() == self.0
    }
}

impl FromStr for Month {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = MONTHS.iter().position(|name| *name == text);
        let number = found.and_then(|index| i8::try_from(index + 1).ok());
        number
            .map(Self)
            .ok_or_else(|| format!("`{text}` is not a month: write `jan` to `dec`"))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let index = usize::try_from(self.0 - 1).unwrap_or_default();
        f.write_str(MONTHS[index])
    }
}

macro_rules! written_as_text {
    ($($name:ident: $pattern:literal;)*) => {$(
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::name::from_text(deserializer)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "pattern": $pattern})
            }
        }
    )*};
}

written_as_text! {
    Day: "^(((first|second|third|fourth|last) )?(mon|tue|wed|thu|fri|sat|sun)|day ([1-9]|1[0-9]|2[0-8])|last day)$";
    Month: "^(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)$";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_read_as_they_are_written_and_pick_their_dates() {
        for (text, yes, no) in [
            ("mon", "2026-11-23", "2026-11-24"),
            ("first tue", "2026-11-03", "2026-11-10"),
            ("fourth thu", "2026-11-26", "2026-11-19"),
            ("last fri", "2026-10-30", "2026-10-23"),
            ("day 15", "2026-11-15", "2026-11-16"),
            ("last day", "2028-02-29", "2028-02-28"),
        ] {
            let day: Day = text.parse().unwrap();
            assert_eq!(day.to_string(), text);
            assert!(day.is(yes.parse().unwrap()), "{text}");
            assert!(!day.is(no.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn what_is_no_day_and_no_month_is_refused() {
        for text in [
            "monday",
            "fifth mon",
            "day 0",
            "day 29",
            "day",
            "last",
            "first day",
            "",
        ] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
        assert!("november".parse::<Month>().is_err());
        assert_eq!("dec".parse::<Month>().unwrap().to_string(), "dec");
    }
}
