//! Calendars: the reading of iCalendar files (RFC 5545) into days and times, once, when they are applied.
//!
//! What recurs is written out up to a horizon, which the calendar remembers: what comes after it is not known, which is
//! not the same as no holiday. What cannot be read is refused with the entry's name; nothing is left out in silence but
//! what the file itself calls off, what is long past, and what is no entry of a calendar (tasks, journals).

use calcard::common::PartialDateTime;
use calcard::common::timezone::Tz;
use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarFrequency, ICalendarProperty,
    ICalendarStatus, ICalendarValue,
};
use gateline_model::{CALENDAR_BYTES_MAX, Calendar, Digest, HOLIDAYS_MAX, Holiday, HolidayAt};
use jiff::Timestamp;
use jiff::civil::Date;

/// Years for which what recurs is written out, this one counted.
pub const CALENDAR_YEARS: i16 = 6;
/// Most occurrences that are looked at, over all entries: those of a century, each day.
const OCCURRENCES_MAX: usize = 40_000;
/// Most entries of one file that recur. For each, at most 100,000 periods in a row are searched for an occurrence, which is
/// the bound of the library that searches: this one is the bound of the file.
pub const RULES_MAX: usize = 200;
/// Longest name of an entry that is kept, in characters.
const NAME_CHARS_MAX: usize = 100;

/// Why a file is not a calendar that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// It is too large.
    #[error("the file has {0} bytes; the limit is {CALENDAR_BYTES_MAX} (CALENDAR_BYTES_MAX)")]
    Size(usize),
    /// It is something else.
    #[error("the file is no iCalendar file: it does not begin with `BEGIN:VCALENDAR`, or is cut off")]
    Foreign,
    /// It names no day.
    #[error("the file names no day from {0} on")]
    Empty(Date),
    /// It names too many.
    #[error("the file has {0} entries; the limit is {HOLIDAYS_MAX} (HOLIDAYS_MAX)")]
    TooMany(usize),
    /// Too many of them recur.
    #[error("the file has {0} entries that recur; the limit is {RULES_MAX} (RULES_MAX)")]
    Rules(usize),
    /// One entry cannot be used.
    #[error("entry `{entry}`: {why}")]
    Entry {
        /// What it is called.
        entry: String,
        /// Why.
        why: String,
    },
}

/// Reads an iCalendar file, as it is to be used from `today` on.
///
/// # Errors
/// [`CalendarError`] with the entry that cannot be used.
pub fn read_calendar(text: &str, today: Date) -> Result<Calendar, CalendarError> {
    if text.len() > CALENDAR_BYTES_MAX {
        return Err(CalendarError::Size(text.len()));
    }
    let file = ICalendar::parse(text).ok().filter(|_| is_whole(text));
    let mut file = file.ok_or(CalendarError::Foreign)?;
    // By whole years, so that the same file comes to the same calendar all year.
    let first = Date::new(today.year() - 1, 1, 1).unwrap_or(Date::MIN);
    let horizon = Date::new(today.year() + CALENDAR_YEARS, 1, 1).unwrap_or(Date::MAX);
    let mut cut = false;
    let mut counted: Vec<(usize, u32)> = Vec::new();
    let recurring = |event: &&ICalendarComponent| event.property(&ICalendarProperty::Rrule).is_some();
    let rules = file.components.iter().filter(recurring).count();
    if rules > RULES_MAX {
        return Err(CalendarError::Rules(rules));
    }
    for (index, event) in file.components.iter_mut().enumerate() {
        if event.component_type == ICalendarComponentType::VEvent {
            match write_out_until(event, horizon)? {
                Rule::None | Rule::Ends => {}
                Rule::Cut => cut = true,
                Rule::Counts(count) => counted.push((index, count)),
            }
        } else if recurring(&&*event) && !is_of_a_zone(event) {
            // Tasks and journals are no days of a calendar: what they repeat is not searched for.
            event
                .entries
                .retain(|entry| entry.name != ICalendarProperty::Rrule);
        }
    }
    let found = file.expand_dates(Tz::Floating, OCCURRENCES_MAX);
    if let Some(err) = found.errors.first() {
        let entry = &file.components[err.comp_id as usize];
        return Err(refused(entry, err.error.to_string().to_lowercase()));
    }
    if found.events.len() >= OCCURRENCES_MAX {
        return Err(CalendarError::TooMany(found.events.len()));
    }
    // Those that count further than the horizon are cut there too.
    cut |= counted.iter().any(|(index, count)| {
        let written_out = found
            .events
            .iter()
            .filter(|event| event.comp_id as usize == *index);
        written_out.count() < *count as usize
    });
    let mut holidays = Vec::new();
    for event in found.events {
        let entry = &file.components[event.comp_id as usize];
        let called_off = entry.status() == Some(&ICalendarStatus::Cancelled);
        if entry.component_type != ICalendarComponentType::VEvent || called_off {
            continue;
        }
        let Some(event) = event.try_into_date_time() else {
            return Err(refused(entry, "its end is no day that can be told".to_owned()));
        };
        let (start, end) = (event.start, event.end);
        let zoned = !start.timezone().is_floating();
        let times = Times {
            days: (start.date_naive().to_string(), end.date_naive().to_string()),
            seconds: zoned.then(|| (start.timestamp(), end.timestamp())),
        };
        let at = times.at(entry)?;
        if is_after(at, first) {
            holidays.push(Holiday {
                name: name(entry),
                at,
            });
        }
    }
    if holidays.is_empty() {
        return Err(CalendarError::Empty(first));
    }
    if holidays.len() > HOLIDAYS_MAX {
        return Err(CalendarError::TooMany(holidays.len()));
    }
    holidays.sort_by(|a, b| (starts(a.at), &a.name).cmp(&(starts(b.at), &b.name)));
    holidays.dedup();
    Ok(Calendar {
        source: Digest::of(text.as_bytes()),
        holidays,
        until: cut.then_some(horizon),
    })
}

/// Whether everything that begins ends too: the parser would take what is cut off.
fn is_whole(text: &str) -> bool {
    let begins = |line: &&str, word: &str| {
        line.get(..word.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(word))
    };
    let count = |word: &str| text.lines().filter(|line| begins(line, word)).count();
    count("BEGIN:") == count("END:")
}

/// How long an entry recurs.
enum Rule {
    /// It does not.
    None,
    /// It ends by itself before the horizon.
    Ends,
    /// It ends by itself after so many times, which may be after the horizon.
    Counts(u32),
    /// It was made to end at the horizon.
    Cut,
}

fn is_of_a_zone(component: &ICalendarComponent) -> bool {
    use ICalendarComponentType::{Daylight, Standard, VTimezone};
    matches!(component.component_type, Daylight | Standard | VTimezone)
}

/// Whether a rule comes true at all: one that never does would be searched for to the end of time.
fn never_comes(event: &ICalendarComponent) -> bool {
    let mut alone = event.clone();
    alone.component_ids.clear();
    let parts = [ICalendarProperty::Exdate, ICalendarProperty::Rdate];
    alone.entries.retain(|entry| !parts.contains(&entry.name));
    let alone = ICalendar {
        components: vec![alone],
    };
    let found = alone.expand_dates(Tz::Floating, 1);
    found.events.is_empty() && found.errors.is_empty()
}

/// Lets an entry that recurs for longer end at the horizon.
fn write_out_until(event: &mut ICalendarComponent, horizon: Date) -> Result<Rule, CalendarError> {
    let rule = until_horizon(event, horizon)?;
    let begins = event
        .property(&ICalendarProperty::Dtstart)
        .and_then(|starts| starts.values.first()?.as_partial_date_time()?.year);
    let in_time = begins.is_some_and(|year| i32::from(year) < i32::from(horizon.year()));
    if in_time && !matches!(rule, Rule::None) && never_comes(event) {
        let why = "its `RRULE` never comes true: no day is all that it asks for";
        return Err(refused(event, why.to_owned()));
    }
    Ok(rule)
}

fn until_horizon(event: &mut ICalendarComponent, horizon: Date) -> Result<Rule, CalendarError> {
    let Some(recurs) = event.property_mut(&ICalendarProperty::Rrule) else {
        return Ok(Rule::None);
    };
    let rule = match recurs.values.as_mut_slice() {
        [ICalendarValue::RecurrenceRule(rule)] => rule,
        _ => return Err(refused(event, "its `RRULE` cannot be read".to_owned())),
    };
    let daily = [
        ICalendarFrequency::Daily,
        ICalendarFrequency::Weekly,
        ICalendarFrequency::Monthly,
        ICalendarFrequency::Yearly,
    ];
    if !daily.contains(&rule.freq) {
        return Err(refused(event, "it recurs more often than daily".to_owned()));
    }
    if rule.rscale.is_some() {
        let why = "its `RRULE` counts by another calendar (`RSCALE`); name its days one by one";
        return Err(refused(event, why.to_owned()));
    }
    let end = PartialDateTime {
        year: u16::try_from(horizon.year()).ok(),
        month: u8::try_from(horizon.month()).ok(),
        day: u8::try_from(horizon.day()).ok(),
        hour: Some(0),
        minute: Some(0),
        second: Some(0),
        ..PartialDateTime::default()
    };
    let ends_before = rule.until.as_ref().is_some_and(|until| until.year < end.year);
    if ends_before {
        return Ok(Rule::Ends);
    }
    rule.until = Some(end);
    Ok(rule.count.map_or(Rule::Cut, Rule::Counts))
}

/// When an occurrence is: whole days by their dates, times by their moments.
struct Times {
    /// First and last day, as the entry's own clocks show them.
    days: (String, String),
    /// The same as moments, in seconds; none where the entry has no time zone.
    seconds: Option<(i64, i64)>,
}

impl Times {
    fn at(self, entry: &ICalendarComponent) -> Result<HolidayAt, CalendarError> {
        let far = |what: &str| refused(entry, format!("`{what}` is no day that can be told"));
        let starts = entry.property(&ICalendarProperty::Dtstart);
        let start = starts.and_then(|starts| starts.values.first()?.as_partial_date_time());
        if start.is_some_and(|start| start.hour.is_none()) {
            let (first, end) = self.days;
            let from: Date = first.parse().map_err(|_| far(&first))?;
            let until: Date = end.parse().map_err(|_| far(&end))?;
            let tomorrow = from.tomorrow().map_err(|_| far(&first))?;
            return Ok(HolidayAt::Days {
                from,
                until: until.max(tomorrow),
            });
        }
        let Some((from, until)) = self.seconds else {
            let why = "it has times of day and no time zone that is known: give `TZID` an IANA name, or name whole days";
            return Err(refused(entry, why.to_owned()));
        };
        let moment = |seconds: i64| Timestamp::from_second(seconds).map_err(|_| far(&seconds.to_string()));
        Ok(HolidayAt::Times {
            from: moment(from)?,
            until: moment(until)?,
        })
    }
}

fn is_after(at: HolidayAt, first: Date) -> bool {
    match at {
        HolidayAt::Days { until, .. } => first < until,
        HolidayAt::Times { until, .. } => first < jiff::tz::TimeZone::UTC.to_datetime(until).date(),
    }
}

/// For the order of entries alone.
fn starts(at: HolidayAt) -> Date {
    match at {
        HolidayAt::Days { from, .. } => from,
        HolidayAt::Times { from, .. } => jiff::tz::TimeZone::UTC.to_datetime(from).date(),
    }
}

fn name(entry: &ICalendarComponent) -> String {
    let text = |property: ICalendarProperty| entry.property(&property)?.values.first()?.as_text();
    let named = text(ICalendarProperty::Summary).or(entry.uid());
    let name = named.unwrap_or("without a name").trim();
    name.chars()
        .filter(|c| !gateline_model::plays_tricks(*c))
        .take(NAME_CHARS_MAX)
        .collect()
}

fn refused(entry: &ICalendarComponent, why: String) -> CalendarError {
    CalendarError::Entry {
        entry: name(entry),
        why,
    }
}
