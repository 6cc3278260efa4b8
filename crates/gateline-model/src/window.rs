//! Windows and freezes: times in which a stage admits, or admits nothing. Half-open: `from` is in, `to` is not.
//! Knows no clock; callers pass the moment. Time zones come from the bundled database, so replicas agree.

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{FreezeName, PipelineRef, StageName, StageRef};

/// Recurring times in which a stage admits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// IANA time zone, as in `Europe/Berlin`.
    pub zone: Zone,
    /// Days of the week; empty means every day.
    #[serde(default)]
    pub days: Vec<Day>,
    /// Start of the open time, local.
    pub from: TimeOfDay,
    /// End of the open time, local; `24:00` is the end of the day. An end before the start runs past midnight.
    pub to: TimeOfDay,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say all")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    fn weekday(self) -> Weekday {
        match self {
            Day::Mon => Weekday::Monday,
            Day::Tue => Weekday::Tuesday,
            Day::Wed => Weekday::Wednesday,
            Day::Thu => Weekday::Thursday,
            Day::Fri => Weekday::Friday,
            Day::Sat => Weekday::Saturday,
            Day::Sun => Weekday::Sunday,
        }
    }
}

/// An IANA time zone that the bundled database knows.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone(TimeZone, String);

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

/// Minutes since local midnight, 0 to 1440, written `HH:MM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(u16);

impl std::str::FromStr for TimeOfDay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (hours, minutes) = text.split_once(':')?;
            if hours.len() != 2 || minutes.len() != 2 {
                return None;
            }
            let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
            let total = hours * 60 + minutes;
            (minutes < 60 && total <= 1_440).then_some(Self(total))
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

impl Window {
    /// Whether no moment of any week is in the window.
    pub fn never_opens(&self) -> bool {
        self.from == self.to
    }

    /// The open time that `at` is in, or the next one after it.
    /// `None` when there is none within nine days: then it never opens.
    pub fn around_or_after(&self, at: Timestamp) -> Option<(Timestamp, Timestamp)> {
        if self.never_opens() {
            return None;
        }
        let today = at.to_zoned(self.zone.0.clone()).date();
        // Yesterday's window may run past midnight. Nine days: every weekday, and a day that a zone skipped.
        (-1..=8).find_map(|offset| {
            let date = today.checked_add(offset.days()).ok()?;
            let listed = self.days.is_empty() || self.days.iter().any(|day| day.weekday() == date.weekday());
            if !listed {
                return None;
            }
            let open = self.local(date, self.from)?;
            let end_date = if self.to <= self.from {
                date.tomorrow().ok()?
            } else {
                date
            };
            let close = self.local(end_date, self.to)?;
            (at < close && open < close).then_some((open, close))
        })
    }

    /// A local time in a gap of the clock moves forward; one that happens twice is the first.
    fn local(&self, date: jiff::civil::Date, time: TimeOfDay) -> Option<Timestamp> {
        let (date, minutes) = if time.0 == 1_440 {
            (date.tomorrow().ok()?, 0)
        } else {
            (date, time.0)
        };
        let time = Time::new((minutes / 60) as i8, (minutes % 60) as i8, 0, 0).ok()?;
        let zoned = self
            .zone
            .0
            .to_ambiguous_zoned(date.to_datetime(time))
            .compatible()
            .ok()?;
        Some(zoned.timestamp())
    }

    /// Whether `at` is in the window.
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.around_or_after(at).is_some_and(|(open, _)| open <= at)
    }
}

/// A time in which stages admit nothing without an override.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Freeze {
    /// Its name within the project.
    pub name: FreezeName,
    /// Only this pipeline; every pipeline of the project where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<PipelineRef>,
    /// Only these stages; the stages marked `production` where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageName>,
    /// First moment of the freeze.
    pub from: Timestamp,
    /// First moment after it.
    pub until: Timestamp,
}

impl Freeze {
    /// Whether the freeze is about this stage: the ones it names, or those of production where it names none.
    pub fn concerns(&self, stage: &StageRef, production: bool) -> bool {
        let here = if self.stages.is_empty() {
            production
        } else {
            self.stages.contains(&stage.stage)
        };
        here && self
            .pipeline
            .as_ref()
            .is_none_or(|of| *of == stage.pipeline_ref())
    }

    /// Whether the freeze is in force at this moment.
    pub fn is_in_force(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(zone: &str, days: &[Day], from: &str, to: &str) -> Window {
        Window {
            zone: zone.parse().unwrap(),
            days: days.to_vec(),
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_window_is_half_open() {
        let hours = window("Europe/Berlin", &[Day::Mon], "09:00", "17:00");
        assert!(!hours.is_open(at("2026-11-23T07:59:59Z")));
        assert!(hours.is_open(at("2026-11-23T08:00:00Z")));
        assert!(hours.is_open(at("2026-11-23T15:59:59Z")));
        assert!(!hours.is_open(at("2026-11-23T16:00:00Z")));
    }

    #[test]
    fn the_next_opening_skips_days_that_are_not_listed() {
        let hours = window("UTC", &[Day::Sat], "06:00", "08:00");
        let (open, close) = hours.around_or_after(at("2026-11-23T07:00:00Z")).unwrap();
        assert_eq!(
            (open, close),
            (at("2026-11-28T06:00:00Z"), at("2026-11-28T08:00:00Z"))
        );
    }

    #[test]
    fn a_window_may_run_past_midnight() {
        let night = window("UTC", &[Day::Fri], "22:00", "02:00");
        assert!(night.is_open(at("2026-11-28T01:59:00Z")));
        assert!(!night.is_open(at("2026-11-27T01:59:00Z")));
    }

    #[test]
    fn a_start_in_the_gap_of_summer_time_moves_forward() {
        // Berlin, 2026-03-29: 02:00 to 03:00 does not happen.
        let early = window("Europe/Berlin", &[], "02:30", "04:00");
        let (open, close) = early.around_or_after(at("2026-03-29T00:30:00Z")).unwrap();
        assert_eq!(
            (open, close),
            (at("2026-03-29T01:30:00Z"), at("2026-03-29T02:00:00Z"))
        );
    }

    #[test]
    fn a_start_that_happens_twice_is_the_first() {
        // Berlin, 2026-10-25: 02:30 happens at 00:30Z and again at 01:30Z.
        let early = window("Europe/Berlin", &[], "02:30", "04:00");
        assert!(early.is_open(at("2026-10-25T00:30:00Z")));
    }

    #[test]
    fn a_window_without_length_never_opens() {
        assert!(window("UTC", &[], "09:00", "09:00").never_opens());
        assert!(!window("UTC", &[], "00:00", "24:00").never_opens());
    }

    #[test]
    fn unknown_zones_and_times_are_refused() {
        assert!("Mars/Olympus".parse::<Zone>().is_err());
        for text in ["9:00", "24:01", "12:60", "noon"] {
            assert!(text.parse::<TimeOfDay>().is_err(), "{text}");
        }
    }
}
