//! Calendars, timetables, overrides and the reviews that they owe.

use gateline_api::{CalendarBrief, CalendarView, OverridesView, TimetableView};
use gateline_model::HolidayAt;
use jiff::Timestamp;

use super::time::{clock, in_future};
use super::{Line, Page, Style, Table, reason};

/// Calendars, one row each.
pub(crate) fn calendars(list: &[CalendarBrief]) -> Page {
    let mut page = Page::default();
    if list.is_empty() {
        page.line(Line::new().dim("no calendar is in force"));
        return page;
    }
    let mut table = Table::headed(["calendar", "project", "entries", "known until", "version"]);
    for one in list {
        let until = one
            .until
            .map_or("every entry".to_owned(), |until| until.to_string());
        table.row([
            (&one.name).into(),
            (&one.project).into(),
            one.entries.to_string().into(),
            until.into(),
            one.version.short().into(),
        ]);
    }
    page.table(table);
    page
}

/// One calendar with its entries from now on.
pub(crate) fn calendar(view: &CalendarView, now: Timestamp) -> Page {
    let mut page = Page::default();
    page.line(
        Line::new()
            .strong(&view.name)
            .plain(format!("  {}", view.version)),
    );
    page.line(format!("  read from {}", view.calendar.source));
    if let Some(until) = view.calendar.until {
        page.line(format!(
            "  says nothing from {until} on: apply its file again before"
        ));
    }
    let mut table = Table::indented(2);
    let today = gateline_model::Zone::utc().date(now);
    for holiday in &view.calendar.holidays {
        let when = match holiday.at {
            HolidayAt::Days { until, .. } if until <= today => continue,
            HolidayAt::Times { until, .. } if until <= now => continue,
            HolidayAt::Days { from, until } if from.tomorrow().ok() == Some(until) => from.to_string(),
            HolidayAt::Days { from, until } => {
                let last = until.yesterday().unwrap_or(until);
                format!("{from} to {last}")
            }
            HolidayAt::Times { from, until } => format!("{} to {}", clock(from, now), clock(until, now)),
        };
        table.row([Line::new().dim(when), (&holiday.name).into()]);
    }
    page.table(table);
    page
}

/// When each stage lets releases in, one row each.
pub(crate) fn timetables(list: &[TimetableView], now: Timestamp) -> Page {
    let mut page = Page::default();
    if list.is_empty() {
        page.line("no stage has a window, and no freeze is about one");
        return page;
    }
    let mut table = Table::headed(["stage", "now", "next", "windows"]);
    for view in list {
        let told = view.told.first();
        let frozen = told.filter(|told| !told.freezes.is_empty());
        let (style, word) = match (view.open, frozen) {
            (true, _) => (Style::Good, "open"),
            (false, Some(_)) => (Style::Bad, "frozen"),
            (false, None) => (Style::Wait, "closed"),
        };
        let next = match (&view.opening, &view.unknown) {
            (Some(opening), _) => opening.says_from(now),
            (None, Some(why)) => why.clone(),
            (None, None) if view.open => told.map_or(String::new(), |told| {
                let closes = gateline_model::Opening {
                    at: told.until,
                    zone: view.zone.clone(),
                };
                format!("until {}", closes.when())
            }),
            (None, None) => "no opening is known".to_owned(),
        };
        let windows: Vec<String> = view
            .windows
            .iter()
            .map(|window| format!("{}: {}", window.name, window.says))
            .collect();
        let mut windows = windows.into_iter();
        table.row([
            (&view.of).into(),
            Line::new().piece(style, word),
            next.into(),
            windows.next().unwrap_or_else(|| "always".to_owned()).into(),
        ]);
        for more in windows {
            table.row([Line::new(), Line::new(), Line::new(), more.into()]);
        }
    }
    page.table(table);
    page
}

/// Overrides that are in force or wait for a second person, and reviews that are owed.
pub(crate) fn overrides(view: &OverridesView, now: Timestamp) -> Page {
    let mut page = Page::default();
    if view.overrides.is_empty() && view.reviews.is_empty() {
        page.line("no override is in force, and no review is owed");
        return page;
    }
    if !view.overrides.is_empty() {
        let mut table = Table::headed(["override", "promotion", "by", "ends", "reason"]);
        for open in &view.overrides {
            let one = &open.permission;
            let by = match &one.confirmed_by {
                Some(second) => format!("{} and {second}", one.by),
                None => one.by.to_string(),
            };
            let by = match one.waits {
                true => Line::new().wait(format!("{by}, waits for a second person")),
                false => by.into(),
            };
            table.row([
                (&one.gate).into(),
                format!("{} of {}", open.promotion, open.version).into(),
                by,
                in_future(one.until, now).into(),
                reason(one.reason.as_deref(), one.erased.as_ref(), now).into(),
            ]);
        }
        page.table(table);
    }
    if !view.reviews.is_empty() {
        page.gap();
        let mut table = Table::headed(["review owed", "promotion", "override by", "until", "from"]);
        for open in &view.reviews {
            let review = &open.review;
            let due = in_future(review.due, now);
            let due = match open.overdue {
                true => Line::new().bad(format!("overdue since {}", clock(review.due, now))),
                false => due.into(),
            };
            table.row([
                (&review.gate).into(),
                format!("{} of {}", review.promotion, review.version).into(),
                (&review.by).into(),
                due,
                (&open.from).into(),
            ]);
        }
        page.table(table);
    }
    page
}
