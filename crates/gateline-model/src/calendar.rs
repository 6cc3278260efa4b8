//! Calendars: days and times that were read from a file when it was applied, so that deciding reads no file.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{CalendarName, Digest, Stretch, TimeOfDay, Zone};

/// The calendars of a project, by name.
pub type Calendars = BTreeMap<CalendarName, Arc<Calendar>>;

/// Most days and times of one calendar.
pub const HOLIDAYS_MAX: usize = 1_000;
/// Largest file that a calendar is read from, in bytes.
pub const CALENDAR_BYTES_MAX: usize = 1024 * 1024;

/// Days and times that a file names, as holidays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Calendar {
    /// Digest of the file that it was read from.
    pub source: Digest,
    /// The days and times, the first first.
    pub holidays: Vec<Holiday>,
    /// The first day of which it says nothing: what recurs for ever was read up to there. None where nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
}

/// One entry of a calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Holiday {
    /// What it is called.
    pub name: String,
    /// When it is.
    pub at: HolidayAt,
}

/// When an entry of a calendar is. Half-open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HolidayAt {
    /// Whole days, wherever somebody asks.
    Days {
        /// First day.
        from: Date,
        /// First day after it.
        until: Date,
    },
    /// From a moment until another.
    Times {
        /// First moment.
        from: Timestamp,
        /// First moment after it.
        until: Timestamp,
    },
}

impl HolidayAt {
    /// As moments, by a zone's clocks.
    pub fn stretch(self, zone: &Zone) -> Option<Stretch> {
        match self {
            HolidayAt::Days { from, until } => {
                let midnight = |day| zone.first(day, TimeOfDay::MIDNIGHT);
                Stretch::new(midnight(from)?, midnight(until)?)
            }
            HolidayAt::Times { from, until } => Stretch::new(from, until),
        }
    }
}

/// Why a calendar does not say whether a day is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// The project has no such calendar.
    #[error("the project has no calendar `{0}`")]
    Calendar(CalendarName),
    /// It ends before the day.
    #[error("calendar `{calendar}` says nothing from {from} on")]
    Ended {
        /// Which.
        calendar: CalendarName,
        /// The first day of which it says nothing.
        from: Date,
    },
}

impl Calendar {
    /// The version: a digest of the content.
    pub fn version(&self) -> Digest {
        Digest::of_json(self)
    }

    /// Its entries as moments, by a zone's clocks, in no order.
    pub fn stretches<'a>(&'a self, zone: &'a Zone) -> impl Iterator<Item = Stretch> + 'a {
        self.holidays
            .iter()
            .filter_map(|holiday| holiday.at.stretch(zone))
    }

    /// Whether it says anything of this time.
    ///
    /// # Errors
    /// [`Unknown::Ended`] when it does not.
    pub fn says_of(&self, name: &CalendarName, time: Stretch, zone: &Zone) -> Result<(), Unknown> {
        match self.until.filter(|until| *until <= zone.date(time.from)) {
            Some(from) => Err(Unknown::Ended {
                calendar: name.clone(),
                from,
            }),
            None => Ok(()),
        }
    }
}
