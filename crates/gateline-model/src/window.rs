//! Windows: recurring times in which a stage admits. Half-open: `from` is in, `to` is not.
//!
//! One rule for every change of the clock: a window opens at the first moment at which the zone's clocks show `from` or
//! later, and closes at the first at which they show `to` or later. The hours of a freeze end only at the last such moment,
//! where clocks show it twice: what keeps out keeps out longer, what lets in does not. Knows no clock; callers pass the
//! moment.

mod day;

pub use day::{Day, Month};

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{CalendarName, Calendars, TimeOfDay, Unknown, Zone};

/// How far ahead an opening is looked for: over a year, which brings every month and every nth weekday. What does not
/// open within this time counts as never.
pub const LOOK_AHEAD_DAYS: i32 = 400;

/// Recurring times in which a stage admits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// IANA time zone, as in `Europe/Berlin`.
    pub zone: Zone,
    /// Days: `mon`, `first tue`, `last fri`, `day 15`, `last day`; empty means every day.
    #[serde(default)]
    pub days: Vec<Day>,
    /// Only in these months; in every one where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub months: Vec<Month>,
    /// Start of the open time, local.
    pub from: TimeOfDay,
    /// End of the open time, local; `24:00` is the end of the day. An end before the start runs past midnight.
    pub to: TimeOfDay,
    /// Calendars of the project on whose days it does not open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holidays: Vec<CalendarName>,
    /// Whether a rollback waits for it too.
    #[serde(default, skip_serializing_if = "is_false")]
    pub applies_to_rollback: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
pub(crate) fn is_false(value: &bool) -> bool {
    !*value
}

/// Some time from a first moment until before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Stretch {
    /// First moment.
    pub from: Timestamp,
    /// First moment after it.
    pub until: Timestamp,
}

impl Stretch {
    /// Some time, or none where its end is not after its start.
    pub fn new(from: Timestamp, until: Timestamp) -> Option<Self> {
        (from < until).then_some(Self { from, until })
    }

    /// Whether a moment is in it.
    pub fn contains(self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }
}

impl Window {
    /// Whether no moment of any day is in the window, whatever its calendars say.
    pub fn never_opens(&self) -> bool {
        let without = Window {
            holidays: Vec::new(),
            ..self.clone()
        };
        // Any moment will do: what does not open within the time of the look never does.
        without.next(Timestamp::UNIX_EPOCH, &Calendars::new()) == Ok(None)
    }

    /// The open time that `at` is in, or the next one after it; `None` when there is none within [`LOOK_AHEAD_DAYS`].
    ///
    /// # Errors
    /// [`Unknown`] when a calendar is not there, or says nothing of a day that matters.
    pub fn next(&self, at: Timestamp, calendars: &Calendars) -> Result<Option<Stretch>, Unknown> {
        self.next_that_ends(at, calendars, Zone::first)
    }

    /// The same for hours in which nothing is let in: an end that clocks show twice is the second.
    ///
    /// # Errors
    /// [`Unknown`] when a calendar is not there, or says nothing of a day that matters.
    pub fn next_kept_out(&self, at: Timestamp, calendars: &Calendars) -> Result<Option<Stretch>, Unknown> {
        self.next_that_ends(at, calendars, Zone::last)
    }

    fn next_that_ends(
        &self,
        at: Timestamp,
        calendars: &Calendars,
        ends: fn(&Zone, Date, TimeOfDay) -> Option<Timestamp>,
    ) -> Result<Option<Stretch>, Unknown> {
        let today = self.zone.date(at);
        // Yesterday's open time may run past midnight.
        for offset in -1..=LOOK_AHEAD_DAYS {
            let Ok(date) = today.checked_add(offset.days()) else {
                break;
            };
            let Some(open) = self.on(date, ends).filter(|open| at < open.until) else {
                continue;
            };
            if let Some(left) = self.first_left(open, at, calendars)? {
                return Ok(Some(left));
            }
        }
        Ok(None)
    }

    /// The open time that begins on a day, before holidays are taken from it.
    fn on(&self, date: Date, ends: fn(&Zone, Date, TimeOfDay) -> Option<Timestamp>) -> Option<Stretch> {
        let listed = self.days.is_empty() || self.days.iter().any(|day| day.is(date));
        let in_month = self.months.is_empty() || self.months.iter().any(|month| month.is(date));
        if !listed || !in_month || self.from == self.to {
            return None;
        }
        let end = if self.to < self.from {
            date.tomorrow().ok()?
        } else {
            date
        };
        Stretch::new(self.zone.first(date, self.from)?, ends(&self.zone, end, self.to)?)
    }

    /// The first part of an open time that holidays leave and that ends after `at`.
    fn first_left(
        &self,
        open: Stretch,
        at: Timestamp,
        calendars: &Calendars,
    ) -> Result<Option<Stretch>, Unknown> {
        let mut from = open.from;
        let taken = self.taken(open, calendars)?;
        for holiday in taken {
            let part = Stretch::new(from, holiday.from.min(open.until));
            if let Some(part) = part.filter(|part| at < part.until) {
                return Ok(Some(part));
            }
            from = from.max(holiday.until);
        }
        Ok(Stretch::new(from, open.until).filter(|part| at < part.until))
    }

    /// What holidays take from an open time, the first first.
    fn taken(&self, open: Stretch, calendars: &Calendars) -> Result<Vec<Stretch>, Unknown> {
        let mut taken = Vec::new();
        for name in &self.holidays {
            let calendar = calendars
                .get(name)
                .ok_or_else(|| Unknown::Calendar(name.clone()))?;
            calendar.says_of(name, open, &self.zone)?;
            taken.extend(
                calendar
                    .stretches(&self.zone)
                    .filter(|holiday| holiday.from < open.until && open.from < holiday.until),
            );
        }
        taken.sort();
        Ok(taken)
    }

    /// When it is open, as one line: `mon, tue 09:00 to 17:00 Europe/Berlin, not on bavaria`.
    pub fn says(&self) -> String {
        let list = |words: Vec<String>| words.join(", ");
        let mut text = match self.days.len() {
            0 => "every day".to_owned(),
            _ => list(self.days.iter().map(ToString::to_string).collect()),
        };
        if !self.months.is_empty() {
            let months = self.months.iter().map(ToString::to_string).collect();
            text.push_str(&format!(" of {}", list(months)));
        }
        text.push_str(&format!(" {} to {} {}", self.from, self.to, self.zone));
        if !self.holidays.is_empty() {
            let holidays = self.holidays.iter().map(ToString::to_string).collect();
            text.push_str(&format!(", not on {}", list(holidays)));
        }
        text
    }
}

#[cfg(test)]
mod tests;
