//! Windows: when does each stage let releases in, in the next four weeks? Openings, freezes and holidays, day by day, by the
//! stage's own clocks.

use gateline_api::{HolidayView, TIMETABLE_DAYS, TimetableView, ToldView};
use gateline_model::{Opening, PipelineRef, Stretch, TimeOfDay};
use jiff::ToSpan;
use jiff::civil::Date;
use maud::{Markup, html};

use super::link;
use super::shell::{Fresh, Page, Tab, Visitor};
use super::words::{Sign, Tone, count, counted};

/// Stages whose weeks are on the page; more are found by project and pipeline.
const STAGES_SHOWN_MAX: usize = 40;
/// Stages whose weeks are shown without being asked for.
const STAGES_OPEN_MAX: usize = 6;
/// Minutes of a usual day: the length of its bar.
const DAY_MINUTES: i64 = 1_440;

const OPEN: Sign = Sign(Tone::Good, "✓");
const CLOSED: Sign = Sign(Tone::Quiet, "○");
const FROZEN: Sign = Sign(Tone::Run, "❄");
const HOLIDAY: Sign = Sign(Tone::Wait, "☼");

/// What the address asked for.
pub(super) struct Asked<'a> {
    pub(super) project: &'a str,
    pub(super) pipeline: &'a str,
}

pub(super) fn page(visitor: &Visitor, list: &[TimetableView], asked: &Asked<'_>) -> Markup {
    let Asked { project, pipeline } = *asked;
    Page {
        tab: Tab::Windows,
        title: "Windows".to_owned(),
        fresh: Fresh::Resting,
        watch: vec!["project/".to_owned()],
        visitor,
        body: html! {
            h1 { "Windows" }
            p.sub { "When stages let releases in, in the next four weeks: " (counted(list.len() as u64, "stage")) " with windows or freezes, each by its own clocks. A stage without either is always open." }
            form.filter method="get" action=(link::WINDOWS) role="search" aria-label="Filter the stages" #filters data-keep {
                label { "Project" input #filter name="project" value=(project) maxlength="63" autocomplete="off"; }
                label { "Pipeline" input #pipeline name="pipeline" value=(pipeline) maxlength="63" autocomplete="off"; }
                button type="submit" { "Show" }
            }
            p.legend {
                (OPEN.plain("open")) (CLOSED.plain("closed")) (FROZEN.plain("frozen")) (HOLIDAY.plain("holiday"))
            }
            @if list.is_empty() { div.banner { p { b { "No stage here has a window, and no freeze is about one." } } p.sub { "Windows are written in pipeline files; freezes are declared with " code { "gateline freeze" } "." } } }
            @for (index, view) in list.iter().take(STAGES_SHOWN_MAX).enumerate() { (stage(visitor, view, index < STAGES_OPEN_MAX)) }
            @if list.len() > STAGES_SHOWN_MAX { p.age { "and " (count((list.len() - STAGES_SHOWN_MAX) as u64)) " more: show those of one pipeline" } }
        },
    }
    .render()
}

fn stage(visitor: &Visitor, view: &TimetableView, open: bool) -> Markup {
    let of = PipelineRef {
        project: view.of.project.clone(),
        pipeline: view.of.pipeline.clone(),
    };
    html! {
        article.panel {
            h2.plain-head { a href=(link::stage(&view.of)) { (view.of.stage) } " of " a href=(link::releases(&of)) { (of) } }
            p { (now(visitor, view)) }
            @for window in &view.windows { p.age { b { (window.name) } ": " (window.says) } }
            details.weeks open[open] {
                summary { "Four weeks, " (view.zone) }
                (weeks(visitor, view))
            }
        }
    }
}

/// Whether it is open, and what comes next.
fn now(visitor: &Visitor, view: &TimetableView) -> Markup {
    let first = view.told.first();
    let frozen = first.map(names).filter(|names| !names.is_empty());
    html! {
        @match (view.open, frozen) {
            (true, _) => { (OPEN.label("open")) }
            (false, Some(names)) => { (FROZEN.label("frozen")) " by " b { (names) } }
            (false, None) => { (CLOSED.label("closed")) }
        }
        " "
        @match (&view.opening, &view.unknown, first) {
            (Some(opening), _, _) => { (opening.says_from(visitor.now)) }
            (None, Some(why), _) => { (why) }
            (None, None, Some(told)) if view.open => { "until " (Opening { at: told.until, zone: view.zone.clone() }.when()) }
            (None, None, _) => { "no opening is known" }
        }
    }
}

fn names(told: &ToldView) -> String {
    let names: Vec<&str> = told.freezes.iter().map(|name| name.as_str()).collect();
    names.join(", ")
}

/// The weeks from this one on, a row each.
fn weeks(visitor: &Visitor, view: &TimetableView) -> Markup {
    let today = view.zone.date(visitor.now);
    let monday = today.saturating_sub(i64::from(today.weekday().to_monday_zero_offset()).days());
    let last = today.saturating_add(i64::from(TIMETABLE_DAYS).days());
    let weeks: Vec<Date> = (0..)
        .map(|week: i64| monday.saturating_add((week * 7).days()))
        .take_while(|first| *first < last)
        .collect();
    html! {
        table.calendar {
            caption.hidden { "Openings of " (view.of) ", day by day" }
            thead { tr { @for day in ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] { th scope="col" { (day) } } } }
            tbody {
                @for first in weeks {
                    tr {
                        @for offset in 0..7_i64 {
                            @let date = first.saturating_add(offset.days());
                            @if date < today || date >= last { td.past { span.age { (day_name(date, first)) } } }
                            @else { (day(view, date, today, first)) }
                        }
                    }
                }
            }
        }
    }
}

/// The day of the month; with the month where that is new in its week.
fn day_name(date: Date, first_of_week: Date) -> String {
    let form = if date.day() == 1 || date == first_of_week {
        "%a %-d %b"
    } else {
        "%a %-d"
    };
    date.strftime(form).to_string()
}

fn day(view: &TimetableView, date: Date, today: Date, first: Date) -> Markup {
    let start = view.zone.first(date, TimeOfDay::MIDNIGHT);
    let end = view.zone.first(date, TimeOfDay::END);
    let Some(whole) = start.zip(end).and_then(|(start, end)| Stretch::new(start, end)) else {
        return html! { td {} };
    };
    let mut parts: Vec<(Stretch, &ToldView)> = view
        .told
        .iter()
        .filter_map(|told| {
            Some((
                Stretch::new(told.from.max(whole.from), told.until.min(whole.until))?,
                told,
            ))
        })
        .collect();
    // What reads alike and follows at once is one line.
    parts.dedup_by(|(next, of_next), (last, of_last)| {
        let alike = of_next.admits() == of_last.admits() && names(of_next) == names(of_last);
        let follows = alike && last.until == next.from;
        if follows {
            last.until = next.until;
        }
        follows
    });
    let holidays: Vec<&HolidayView> = view
        .holidays
        .iter()
        .filter(|holiday| holiday.at.from < whole.until && whole.from < holiday.at.until)
        .collect();
    let clock = |at| match at == whole.until {
        true => "24:00".to_owned(),
        false => view.zone.clock(at),
    };
    let admits = parts.iter().any(|(_, told)| told.admits());
    html! {
        td aria-current=[(date == today).then_some("date")] {
            div.age { (day_name(date, first)) @if date == today { " · today" } }
            (bar(whole, &parts))
            @for (part, told) in &parts {
                @if told.admits() { p.ok { span aria-hidden="true" { "✓" } " " span.hidden { "open " } (clock(part.from)) "–" (clock(part.until)) } }
                @else if !told.freezes.is_empty() { p.run { span aria-hidden="true" { "❄" } " " span.hidden { "frozen by " } (names(told)) @if *part != whole { " " (clock(part.from)) "–" (clock(part.until)) } } }
            }
            @if !admits && parts.iter().all(|(_, told)| told.freezes.is_empty()) { p.quiet { span aria-hidden="true" { "○" } " closed" } }
            @for holiday in holidays { p.wait { span aria-hidden="true" { "☼" } " " span.hidden { "holiday: " } (holiday.name) } }
        }
    }
}

/// The day as a bar: what is open, what is frozen. The words below say the same.
fn bar(whole: Stretch, parts: &[(Stretch, &ToldView)]) -> Markup {
    let minutes =
        |from: jiff::Timestamp, to: jiff::Timestamp| (to.as_second() - from.as_second()).div_euclid(60);
    let length = minutes(whole.from, whole.until).max(1);
    html! {
        svg.bar viewBox={ "0 0 " (length) " 60" } preserveAspectRatio="none" aria-hidden="true" data-long[length != DAY_MINUTES] {
            rect.none x="0" y="0" width=(length) height="60" {}
            @for (part, told) in parts {
                @if told.admits() || !told.freezes.is_empty() {
                    rect.(if told.admits() { "open" } else { "frozen" }) x=(minutes(whole.from, part.from)) y="0" width=(minutes(part.from, part.until)) height="60" {}
                }
            }
        }
    }
}
