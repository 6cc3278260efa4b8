//! Windows against moments told one by one, and against a slow reading of the same rule.

use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;

use super::*;
use crate::{Calendar, Digest, Holiday, HolidayAt};

fn window(zone: &str, days: &[&str], from: &str, to: &str) -> Window {
    Window {
        zone: zone.parse().unwrap(),
        days: days.iter().map(|day| day.parse().unwrap()).collect(),
        months: Vec::new(),
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
        holidays: Vec::new(),
        applies_to_rollback: false,
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn next(window: &Window, from: &str) -> (Timestamp, Timestamp) {
    let open = window.next(at(from), &Calendars::new()).unwrap().unwrap();
    (open.from, open.until)
}

fn is_open(window: &Window, moment: Timestamp) -> bool {
    let open = window.next(moment, &Calendars::new()).unwrap();
    open.is_some_and(|open| open.contains(moment))
}

#[test]
fn a_window_is_half_open() {
    let hours = window("Europe/Berlin", &["mon"], "09:00", "17:00");
    assert!(!is_open(&hours, at("2026-11-23T07:59:59.999999999Z")));
    assert!(is_open(&hours, at("2026-11-23T08:00:00Z")));
    assert!(is_open(&hours, at("2026-11-23T15:59:59.999999999Z")));
    assert!(!is_open(&hours, at("2026-11-23T16:00:00Z")));
}

#[test]
fn the_next_opening_skips_days_that_are_not_listed() {
    let hours = window("UTC", &["sat"], "06:00", "08:00");
    let open = (at("2026-11-28T06:00:00Z"), at("2026-11-28T08:00:00Z"));
    assert_eq!(next(&hours, "2026-11-23T07:00:00Z"), open);
}

#[test]
fn a_window_may_run_past_midnight() {
    let night = window("UTC", &["fri"], "22:00", "02:00");
    assert!(is_open(&night, at("2026-11-28T01:59:00Z")));
    assert!(!is_open(&night, at("2026-11-27T01:59:00Z")));
}

#[test]
fn nth_weekdays_and_months_pick_the_day() {
    let mut patches = window("Europe/London", &["second tue", "last day"], "20:00", "23:00");
    assert_eq!(
        next(&patches, "2026-11-01T00:00:00Z").0,
        at("2026-11-10T20:00:00Z")
    );
    assert_eq!(
        next(&patches, "2026-11-11T00:00:00Z").0,
        at("2026-11-30T20:00:00Z")
    );
    patches.months = vec!["jun".parse().unwrap()];
    assert_eq!(
        next(&patches, "2026-07-01T00:00:00Z").0,
        at("2027-06-08T19:00:00Z")
    );
}

#[test]
fn a_start_that_is_left_out_opens_with_the_change_of_the_clock() {
    // Berlin, 2026-03-29: 02:00 to 03:00 does not happen.
    let early = window("Europe/Berlin", &[], "02:30", "04:00");
    let open = (at("2026-03-29T01:00:00Z"), at("2026-03-29T02:00:00Z"));
    assert_eq!(next(&early, "2026-03-29T00:30:00Z"), open);
    // A window that is left out whole does not open that day.
    let gone = window("Europe/Berlin", &[], "02:10", "02:50");
    assert_eq!(next(&gone, "2026-03-29T00:00:00Z").0, at("2026-03-30T00:10:00Z"));
    // The south, half a year apart.
    let south = window("Australia/Sydney", &["sun"], "02:30", "04:00");
    let open = (at("2026-10-03T16:00:00Z"), at("2026-10-03T17:00:00Z"));
    assert_eq!(next(&south, "2026-10-03T12:00:00Z"), open);
}

#[test]
fn a_time_that_happens_twice_counts_once() {
    // Berlin, 2026-10-25: 02:30 happens at 00:30Z and again at 01:30Z.
    let early = window("Europe/Berlin", &[], "02:30", "04:00");
    let open = (at("2026-10-25T00:30:00Z"), at("2026-10-25T03:00:00Z"));
    assert_eq!(next(&early, "2026-10-25T00:00:00Z"), open);
    // One that ends in the hour that happens twice ends the first time.
    let late = window("America/New_York", &["sun"], "00:00", "01:30");
    assert_eq!(next(&late, "2026-11-01T03:00:00Z").1, at("2026-11-01T05:30:00Z"));
    assert!(!is_open(&late, at("2026-11-01T06:15:00Z")));
    let south = window("Australia/Sydney", &["sun"], "02:15", "02:45");
    let open = (at("2026-04-04T15:15:00Z"), at("2026-04-04T15:45:00Z"));
    assert_eq!(next(&south, "2026-04-04T12:00:00Z"), open);
}

fn calendar(entries: &[HolidayAt], until: Option<&str>) -> Calendars {
    let holidays = entries.iter().map(|at| Holiday {
        name: "a day".to_owned(),
        at: *at,
    });
    let calendar = Calendar {
        source: Digest::of(b""),
        holidays: holidays.collect(),
        until: until.map(|day| day.parse().unwrap()),
    };
    Calendars::from([("bavaria".parse().unwrap(), Arc::new(calendar))])
}

#[test]
fn holidays_close_whole_days_and_parts_of_days() {
    let mut hours = window("Europe/Berlin", &["thu", "fri"], "09:00", "17:00");
    hours.holidays = vec!["bavaria".parse().unwrap()];
    let days = |from: &str, until: &str| HolidayAt::Days {
        from: from.parse().unwrap(),
        until: until.parse().unwrap(),
    };
    let noon = HolidayAt::Times {
        from: at("2026-12-31T10:00:00Z"),
        until: at("2026-12-31T12:00:00Z"),
    };
    let calendars = calendar(&[days("2026-12-24", "2026-12-27"), noon], Some("2027-01-01"));
    let next = |from: &str| hours.next(at(from), &calendars);
    let open = |from: &str, until: &str| Ok(Stretch::new(at(from), at(until)));
    // Christmas Eve and Christmas Day are skipped; New Year's Eve has a hole.
    assert_eq!(
        next("2026-12-24T09:00:00Z"),
        open("2026-12-31T08:00:00Z", "2026-12-31T10:00:00Z")
    );
    assert_eq!(
        next("2026-12-31T10:00:00Z"),
        open("2026-12-31T12:00:00Z", "2026-12-31T16:00:00Z")
    );
    // Of the next year the calendar says nothing: not a guess, but an error.
    let ended = next("2026-12-31T16:00:00Z").unwrap_err();
    assert_eq!(
        ended.to_string(),
        "calendar `bavaria` says nothing from 2027-01-01 on"
    );
    let gone = hours
        .next(at("2026-12-31T16:00:00Z"), &Calendars::new())
        .unwrap_err();
    assert_eq!(gone.to_string(), "the project has no calendar `bavaria`");
}

#[test]
fn a_window_without_length_never_opens_and_holidays_do_not_change_that() {
    assert!(window("UTC", &[], "09:00", "09:00").never_opens());
    assert!(!window("UTC", &[], "00:00", "24:00").never_opens());
    let mut with = window("UTC", &["mon"], "09:00", "10:00");
    with.holidays = vec!["nowhere".parse().unwrap()];
    assert!(!with.never_opens());
}

/// The rule read slowly: the first minute, counted from two days before, at which the clocks show a time or later.
fn first_by_scan(zone: &TimeZone, shown: DateTime) -> Timestamp {
    let start = TimeZone::UTC.to_timestamp(shown).unwrap() - 48.hours();
    let mut minutes = (0..4 * 1_440).map(|minute| start + minute.minutes());
    minutes.find(|at| zone.to_datetime(*at) >= shown).unwrap()
}

/// The rule read slowly: whether a day's hours contain the moment.
fn open_by_scan(window: &Window, moment: Timestamp) -> bool {
    let zone = TimeZone::get(window.zone.as_str()).unwrap();
    let today = zone.to_datetime(moment).date();
    let midnight = |date: Date| date.to_datetime(jiff::civil::Time::midnight());
    let minutes = |time: TimeOfDay| {
        let text = time.to_string();
        let (hours, minutes) = text.split_once(':').unwrap();
        hours.parse::<i64>().unwrap() * 60 + minutes.parse::<i64>().unwrap()
    };
    let (from, to) = (minutes(window.from), minutes(window.to));
    let length = (to - from).rem_euclid(1_440);
    let length = if length == 0 && from != to { 1_440 } else { length };
    (-3..=1).any(|offset| {
        let date = today + offset.days();
        let listed = window.days.is_empty() || window.days.iter().any(|day| day.is(date));
        let open = midnight(date) + from.minutes();
        let close = open + length.minutes();
        listed
            && length > 0
            && (open - 48.hours()..close + 48.hours()).contains(&zone.to_datetime(moment))
            && first_by_scan(&zone, open) <= moment
            && moment < first_by_scan(&zone, close)
    })
}

const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Pacific/Chatham",
];

prop_compose! {
    fn windows()(
        zone in prop::sample::select(&ZONES[..]),
        days in prop::sample::subsequence(vec!["mon", "tue", "wed", "thu", "fri", "sat", "sun", "first mon", "last fri"], 0..5),
        from in 0..1_440_u16,
        to in 0..=1_440_u16,
    ) -> Window {
        let time = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        window(zone, &days, &time(from), &time(to))
    }
}

/// Moments near the changes of the clock of 2026 in both halves of the world, and elsewhere in the year.
fn moments() -> impl Strategy<Value = Timestamp> {
    let changes = prop::sample::select(vec![
        "2026-03-08T07:00:00Z",
        "2026-03-29T01:00:00Z",
        "2026-04-04T15:00:00Z",
        "2026-04-05T03:00:00Z",
        "2026-09-06T04:00:00Z",
        "2026-10-03T16:00:00Z",
        "2026-10-25T01:00:00Z",
        "2026-11-01T06:00:00Z",
    ]);
    let near = (changes, -3_000..3_000_i64).prop_map(|(change, minutes)| at(change) + minutes.minutes());
    let anywhere = (0..525_600_i64).prop_map(|minutes| at("2026-01-01T00:00:00Z") + minutes.minutes());
    prop_oneof![near, anywhere]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn every_moment_is_open_or_has_a_next_opening_or_never_one(window in windows(), moment in moments()) {
        match window.next(moment, &Calendars::new()).unwrap() {
            Some(open) => {
                prop_assert!(open.from < open.until && moment < open.until);
                prop_assert!(open_by_scan(&window, open.from), "it is open when it opens");
                prop_assert_eq!(open.contains(moment), open_by_scan(&window, moment));
                prop_assert!(!window.never_opens());
            }
            None => prop_assert!(window.never_opens()),
        }
    }

    #[test]
    fn nothing_is_open_before_the_next_opening(window in windows(), moment in moments(), share in 0..1_000_i64) {
        let Some(open) = window.next(moment, &Calendars::new()).unwrap() else {
            return Ok(());
        };
        if moment < open.from {
            let ahead = open.from.as_second() - moment.as_second();
            let between = moment + (ahead * share / 1_000).seconds();
            prop_assert!(!open_by_scan(&window, between));
            prop_assert!(!open_by_scan(&window, open.from - 1.nanoseconds()));
            // Whoever asks in between is told the same.
            prop_assert_eq!(window.next(between, &Calendars::new()), Ok(Some(open)));
        }
    }
}
