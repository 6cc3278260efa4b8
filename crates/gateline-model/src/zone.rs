//! Time zones and times of day, as people write them. Zones come from the bundled database, so replicas agree whatever
//! their hosts have installed.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An IANA time zone that the bundled database knows.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone(TimeZone, String);

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self(TimeZone::UTC, "UTC".to_owned())
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.1
    }

    /// The day that its clocks show at a moment.
    pub fn date(&self, at: Timestamp) -> Date {
        self.0.to_datetime(at).date()
    }

    /// What its clocks show at a moment, as in `Mon 2026-03-30 09:00`.
    pub fn shows(&self, at: Timestamp) -> String {
        self.0.to_datetime(at).strftime("%a %Y-%m-%d %H:%M").to_string()
    }

    /// The time of day that its clocks show at a moment, as in `09:00`.
    pub fn clock(&self, at: Timestamp) -> String {
        self.0.to_datetime(at).strftime("%H:%M").to_string()
    }

    /// The first moment at which its clocks show this time of this day, or a later one. A time that a forward change of
    /// the clock leaves out is that change; one that happens twice is the first.
    pub fn first(&self, date: Date, time: TimeOfDay) -> Option<Timestamp> {
        self.first_of(Self::shown(date, time)?)
    }

    /// The same, but of a time that happens twice the second.
    pub fn last(&self, date: Date, time: TimeOfDay) -> Option<Timestamp> {
        let shown = Self::shown(date, time)?;
        let ambiguous = self.0.to_ambiguous_timestamp(shown);
        match ambiguous.offset() {
            AmbiguousOffset::Fold { .. } => ambiguous.later().ok(),
            AmbiguousOffset::Gap { .. } | AmbiguousOffset::Unambiguous { .. } => self.first_of(shown),
        }
    }

    fn shown(date: Date, time: TimeOfDay) -> Option<DateTime> {
        let (date, minutes) = if time.0 == MINUTES_PER_DAY {
            (date.tomorrow().ok()?, 0)
        } else {
            (date, time.0)
        };
        let time = Time::new((minutes / 60) as i8, (minutes % 60) as i8, 0, 0).ok()?;
        Some(date.to_datetime(time))
    }

    fn first_of(&self, shown: DateTime) -> Option<Timestamp> {
        let ambiguous = self.0.to_ambiguous_timestamp(shown);
        match ambiguous.offset() {
            AmbiguousOffset::Gap { .. } => {
                // Read with the offset after the change it is before the change: the next one is that change.
                let before = ambiguous.earlier().ok()?;
                Some(self.0.following(before).next()?.timestamp())
            }
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier().ok(),
        }
    }
}

impl std::fmt::Debug for Zone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.1)
    }
}

impl std::fmt::Display for Zone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.1)
    }
}

impl std::str::FromStr for Zone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        static BUNDLED: std::sync::LazyLock<jiff::tz::TimeZoneDatabase> =
            std::sync::LazyLock::new(jiff::tz::TimeZoneDatabase::bundled);
        match BUNDLED.get(text) {
            Ok(zone) => Ok(Self(zone, text.to_owned())),
            Err(_) => Err(format!(
                "`{text}` is not a time zone: write an IANA name such as `Europe/Berlin` or `UTC`"
            )),
        }
    }
}

impl Serialize for Zone {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.1)
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::name::from_text(deserializer)
    }
}

impl JsonSchema for Zone {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Zone".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "an IANA time zone, as in Europe/Berlin"})
    }
}

/// Minutes of a day, as clocks count them.
const MINUTES_PER_DAY: u16 = 1_440;

/// Minutes since local midnight, 0 to 1440, written `HH:MM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    /// The first of a day.
    pub const MIDNIGHT: TimeOfDay = TimeOfDay(0);
    /// The first after a day.
    pub const END: TimeOfDay = TimeOfDay(MINUTES_PER_DAY);
}

impl std::str::FromStr for TimeOfDay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (hours, minutes) = text.split_once(':')?;
            let digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            if !digits(hours) || !digits(minutes) {
                return None;
            }
            let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
            let total = hours * 60 + minutes;
            (minutes < 60 && total <= MINUTES_PER_DAY).then_some(Self(total))
        };
        read().ok_or_else(|| format!("`{text}` is not a time of day: write HH:MM from 00:00 to 24:00"))
    }
}

impl std::fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl Serialize for TimeOfDay {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::name::from_text(deserializer)
    }
}

impl JsonSchema for TimeOfDay {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TimeOfDay".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^([01][0-9]|2[0-4]):[0-5][0-9]$"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(zone: &str, date: &str, time: &str) -> String {
        let zone: Zone = zone.parse().unwrap();
        let first = zone.first(date.parse().unwrap(), time.parse().unwrap());
        first.unwrap().to_string()
    }

    #[test]
    fn a_time_that_is_left_out_is_the_change_of_the_clock() {
        for (zone, date, time, at) in [
            // 02:00 to 03:00 does not happen.
            ("Europe/Berlin", "2026-03-29", "01:59", "2026-03-29T00:59:00Z"),
            ("Europe/Berlin", "2026-03-29", "02:00", "2026-03-29T01:00:00Z"),
            ("Europe/Berlin", "2026-03-29", "02:59", "2026-03-29T01:00:00Z"),
            ("Europe/Berlin", "2026-03-29", "03:00", "2026-03-29T01:00:00Z"),
            // The south goes forward in its spring, half an hour on Lord Howe.
            ("Australia/Sydney", "2026-10-04", "02:30", "2026-10-03T16:00:00Z"),
            (
                "Australia/Lord_Howe",
                "2026-10-04",
                "02:15",
                "2026-10-03T15:30:00Z",
            ),
            // Midnight itself is left out in Santiago.
            ("America/Santiago", "2026-09-06", "00:00", "2026-09-06T04:00:00Z"),
            // A whole day is left out in Samoa.
            ("Pacific/Apia", "2011-12-30", "09:00", "2011-12-30T10:00:00Z"),
        ] {
            assert_eq!(first(zone, date, time), at, "{zone} {date} {time}");
        }
    }

    #[test]
    fn a_time_that_happens_twice_is_the_first() {
        for (zone, date, time, at) in [
            ("Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T00:30:00Z"),
            ("America/New_York", "2026-11-01", "01:30", "2026-11-01T05:30:00Z"),
            ("Australia/Sydney", "2026-04-05", "02:30", "2026-04-04T15:30:00Z"),
            (
                "Australia/Lord_Howe",
                "2026-04-05",
                "01:45",
                "2026-04-04T14:45:00Z",
            ),
        ] {
            assert_eq!(first(zone, date, time), at, "{zone} {date} {time}");
        }
    }

    #[test]
    fn the_end_of_a_day_is_the_start_of_the_next() {
        let (end, start) = (
            first("Asia/Tokyo", "2026-12-31", "24:00"),
            first("Asia/Tokyo", "2027-01-01", "00:00"),
        );
        assert_eq!(end, start);
    }

    #[test]
    fn unknown_zones_and_times_are_refused() {
        assert!("Mars/Olympus".parse::<Zone>().is_err());
        for text in ["9:00", "24:01", "12:60", "noon", "-1:00", "+1:00"] {
            assert!(text.parse::<TimeOfDay>().is_err(), "{text}");
        }
    }
}
