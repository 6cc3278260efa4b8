//! iCalendar files as people have them, good and bad.
#![expect(clippy::unwrap_used, reason = "a test whose file cannot be read has failed")]

use gateline_model::{CALENDAR_BYTES_MAX, Calendar, Holiday, HolidayAt};
use gateline_spec::{CalendarError, RULES_MAX, read_calendar};
use test_case::test_case;

fn file(entries: &str) -> String {
    let lines = entries
        .trim()
        .lines()
        .map(str::trim)
        .collect::<Vec<_>>()
        .join("\r\n");
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//test//EN\r\n{lines}\r\nEND:VCALENDAR\r\n")
}

fn read(entries: &str) -> Result<Calendar, CalendarError> {
    read_calendar(&file(entries), "2026-11-21".parse().unwrap())
}

fn days(entries: &str) -> Vec<String> {
    let calendar = read(entries).unwrap();
    let line = |holiday: &Holiday| match holiday.at {
        HolidayAt::Days { from, until } => format!("{from} {until} {}", holiday.name),
        HolidayAt::Times { from, until } => format!("{from} {until} {}", holiday.name),
    };
    calendar.holidays.iter().map(line).collect()
}

#[test]
fn single_days_and_several_days_are_half_open() {
    let found = days(
        "BEGIN:VEVENT
        UID:1
        DTSTART;VALUE=DATE:20261224
        DTEND;VALUE=DATE:20261227
        SUMMARY:Christmas\\, all of it
        TRANSP:TRANSPARENT
        END:VEVENT
        BEGIN:VEVENT
        UID:2
        DTSTART;VALUE=DATE:20261003
        SUMMARY:Tag der Deutschen Einheit
        END:VEVENT
        BEGIN:VEVENT
        UID:3
        DTSTART;VALUE=DATE:20270101
        DTEND;VALUE=DATE:20270101
        SUMMARY:Neujahr
        END:VEVENT",
    );
    let expected = [
        "2026-10-03 2026-10-04 Tag der Deutschen Einheit",
        "2026-12-24 2026-12-27 Christmas, all of it",
        "2027-01-01 2027-01-02 Neujahr",
    ];
    assert_eq!(found, expected);
}

#[test]
fn what_recurs_for_ever_is_written_out_to_a_horizon_that_is_remembered() {
    let text = "BEGIN:VEVENT
        UID:1
        DTSTART;VALUE=DATE:20001226
        RRULE:FREQ=YEARLY
        EXDATE;VALUE=DATE:20271226
        SUMMARY:Boxing Day
        END:VEVENT";
    let calendar = read(text).unwrap();
    assert_eq!(calendar.until, Some("2032-01-01".parse().unwrap()));
    let years: Vec<String> = days(text).iter().map(|line| line[..4].to_owned()).collect();
    assert_eq!(years, ["2025", "2026", "2028", "2029", "2030", "2031"]);
    // All year the same file is the same calendar; in the next year it reaches further.
    let at = |day: &str| {
        read_calendar(&file(text), day.parse().unwrap())
            .unwrap()
            .version()
    };
    assert_eq!(at("2026-01-01"), at("2026-12-31"));
    assert_ne!(at("2026-12-31"), at("2027-01-01"));
}

#[test]
fn rules_with_an_end_or_a_count_leave_nothing_unknown() {
    for (rule, expected) in [
        ("FREQ=YEARLY;UNTIL=20280101", vec!["2026-11-26", "2027-11-25"]),
        (
            "FREQ=YEARLY;UNTIL=20280101T000000Z",
            vec!["2026-11-26", "2027-11-25"],
        ),
        ("FREQ=YEARLY;COUNT=2", vec!["2026-11-26", "2027-11-25"]),
    ] {
        let text = format!(
            "BEGIN:VEVENT
            UID:1
            DTSTART;VALUE=DATE:20261126
            RRULE:{rule};BYMONTH=11;BYDAY=4TH
            SUMMARY:Thanksgiving
            END:VEVENT"
        );
        let found: Vec<String> = days(&text).iter().map(|line| line[..10].to_owned()).collect();
        assert_eq!(found, expected, "{rule}");
        assert_eq!(read(&text).unwrap().until, None, "{rule}");
    }
}

#[test]
fn times_of_day_need_a_zone_and_follow_its_clocks() {
    let text = |zone: &str| {
        format!(
            "BEGIN:VEVENT
            UID:1
            DTSTART{zone}:20261231T120000
            DTEND{zone}:20261231T180000
            RRULE:FREQ=MONTHLY;INTERVAL=6;COUNT=2
            SUMMARY:Half a day
            END:VEVENT"
        )
    };
    let expected = [
        "2026-12-31T11:00:00Z 2026-12-31T17:00:00Z Half a day",
        "2027-08-31T10:00:00Z 2027-08-31T16:00:00Z Half a day",
    ];
    let found = days(&text(";TZID=Europe/Berlin"));
    assert_eq!(found[0], expected[0]);
    for zone in ["", ";TZID=Mars/Olympus"] {
        let err = read(&text(zone)).unwrap_err().to_string();
        assert!(
            err.starts_with("entry `Half a day`: it has times of day and no time zone"),
            "{err}"
        );
    }
}

#[test]
fn what_is_called_off_moved_or_long_past_is_left_out() {
    let found = days(
        "BEGIN:VEVENT
        UID:1
        DTSTART;VALUE=DATE:20260601
        STATUS:CANCELLED
        SUMMARY:Called off
        END:VEVENT
        BEGIN:VEVENT
        UID:2
        DTSTART;VALUE=DATE:20100101
        SUMMARY:Long ago
        END:VEVENT
        BEGIN:VTODO
        UID:3
        DUE;VALUE=DATE:20260701
        SUMMARY:No holiday
        END:VTODO
        BEGIN:VEVENT
        UID:4
        DTSTART;VALUE=DATE:20260504
        SUMMARY:Early May
        END:VEVENT",
    );
    assert_eq!(found, ["2026-05-04 2026-05-05 Early May"]);
}

#[test_case("hello", "the file is no iCalendar file"; "another file")]
#[test_case("", "the file is no iCalendar file"; "nothing")]
#[test_case("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20261224\r\n", "the file is no iCalendar file"; "cut off")]
#[test_case("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "the file names no day from 2025-01-01 on"; "no entry")]
fn what_is_no_calendar_is_refused(text: &str, says: &str) {
    let err = read_calendar(text, "2026-11-21".parse().unwrap()).unwrap_err();
    assert!(err.to_string().starts_with(says), "{err}");
}

#[test_case(
    "DTSTART;VALUE=DATE:20261224\nRRULE:FREQ=SECONDLY",
    "it recurs more often than daily"
)]
#[test_case("DTSTART;VALUE=DATE:20261224\nRRULE:every year", "its `RRULE` cannot be read")]
#[test_case(
    "DTSTART;VALUE=DATE:20261224\nRRULE:FREQ=YEARLY;RSCALE=HEBREW",
    "its `RRULE` counts by another calendar"
)]
#[test_case("SUMMARY:without a start", "missing dtstart property")]
#[test_case("DTSTART;VALUE=DATE:soon", "missing dtstart property"; "a start that is no day")]
fn entries_that_cannot_be_used_are_refused_by_name(lines: &str, says: &str) {
    let text = format!("BEGIN:VEVENT\nUID:Ostern\n{lines}\nEND:VEVENT");
    let err = read(&text).unwrap_err().to_string();
    assert!(err.contains(says), "{err}");
}

#[test]
fn too_many_days_are_refused_with_the_limit() {
    let daily = "BEGIN:VEVENT
        UID:1
        DTSTART;VALUE=DATE:20260101
        RRULE:FREQ=DAILY
        SUMMARY:Always
        END:VEVENT";
    let err = read(daily).unwrap_err().to_string();
    assert_eq!(err, "the file has 2192 entries; the limit is 1000 (HOLIDAYS_MAX)");
    let large = " ".repeat(CALENDAR_BYTES_MAX + 1);
    let err = read_calendar(&large, "2026-11-21".parse().unwrap()).unwrap_err();
    assert_eq!(err, CalendarError::Size(CALENDAR_BYTES_MAX + 1));
}

#[test]
fn a_rule_that_never_holds_comes_to_an_end() {
    let never = "BEGIN:VEVENT
        UID:1
        DTSTART;VALUE=DATE:20260101
        RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31
        SUMMARY:Never
        END:VEVENT";
    assert!(read(never).is_err());
}

fn never(rule: &str) -> String {
    format!(
        "BEGIN:VEVENT
        UID:1
        DTSTART;VALUE=DATE:20260101
        RRULE:{rule}
        SUMMARY:Never
        END:VEVENT"
    )
}

#[test_case("FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2,4,6,9,11"; "a day that none of the months has")]
#[test_case("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"; "the thirtieth of February")]
#[test_case("FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2;COUNT=3"; "and counted")]
fn a_rule_that_never_comes_true_is_refused_by_the_name_of_its_entry(rule: &str) {
    let refused = read(&never(rule)).unwrap_err().to_string();
    assert_eq!(
        refused,
        "entry `Never`: its `RRULE` never comes true: no day is all that it asks for"
    );
    // Not once for each of thousands.
    let many = format!("{}\n", never(rule)).repeat(150);
    assert!(read(&many).unwrap_err().to_string().contains("never comes true"));
}

#[test]
fn the_entries_that_recur_are_counted_before_any_is_searched() {
    let one = "BEGIN:VEVENT
        UID:1
        DTSTART;VALUE=DATE:20260101
        RRULE:FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2,4,6,9,11
        SUMMARY:Never
        END:VEVENT
        ";
    let refused = read(&one.repeat(RULES_MAX + 1)).unwrap_err();
    assert_eq!(refused, CalendarError::Rules(RULES_MAX + 1));
    // A task is no day of a calendar, whatever it repeats.
    let tasks = one.replace("VEVENT", "VTODO").repeat(RULES_MAX);
    let day = "BEGIN:VEVENT
        UID:2
        DTSTART;VALUE=DATE:20270101
        SUMMARY:New Year
        END:VEVENT";
    assert_eq!(days(&format!("{tasks}{day}")), ["2027-01-01 2027-01-02 New Year"]);
}

#[test]
fn a_count_that_reaches_beyond_the_horizon_is_cut_there_and_that_is_remembered() {
    let text = "BEGIN:VEVENT
        UID:1
        DTSTART;VALUE=DATE:20260101
        RRULE:FREQ=YEARLY;COUNT=1000
        SUMMARY:New Year
        END:VEVENT";
    assert_eq!(read(text).unwrap().until, Some("2032-01-01".parse().unwrap()));
    // The day of the horizon itself is the last one.
    assert_eq!(days(text).len(), 7);
}
