//! Calendars as they are in force, and the timetables that follow from windows and freezes.

use gateline_api::{
    CalendarBrief, CalendarPath, CalendarView, HolidayView, Named, TIMETABLE_DAYS, TIMETABLE_DAYS_MAX,
    TimetableView, ToldView, WindowQuery, WindowView,
};
use gateline_core::{AskedOf, Opens, Sight, Timetable, Told, WindowsNow, World};
use gateline_model::{Declared, Pipeline, ProjectName, Stage, StageRef, Stretch};
use jiff::{Timestamp, ToSpan};

use crate::hub::Hub;
use crate::refused::Refused;
use crate::seen::not_there;

/// The calendars of a project, or of all, by project and name.
pub(crate) fn calendars(hub: &Hub, sight: &Sight, project: Option<&ProjectName>) -> Vec<CalendarBrief> {
    let mut found: Vec<CalendarBrief> = hub.with_world(|world| {
        let asked = world
            .projects()
            .filter(|(name, _)| project.is_none_or(|wanted| wanted == *name))
            .filter(|(name, _)| sight.sees_project(name));
        let briefs = asked.flat_map(|(project, state)| {
            state.calendars.iter().map(|(name, calendar)| CalendarBrief {
                project: project.clone(),
                name: name.clone(),
                version: calendar.version(),
                entries: calendar.holidays.len() as u64,
                until: calendar.until,
            })
        });
        briefs.collect()
    });
    found.sort_by(|a, b| (&a.project, &a.name).cmp(&(&b.project, &b.name)));
    found
}

/// One calendar with its days.
pub(crate) fn calendar(hub: &Hub, path: &CalendarPath) -> Result<CalendarView, Refused> {
    let CalendarPath { project, calendar } = path.clone();
    let found = hub.with_world(|world| world.project(&project)?.calendars.get(&calendar).cloned());
    let Some(found) = found else {
        return Err(not_there(&Named::Declared(project, Declared::Calendar(calendar))));
    };
    Ok(CalendarView {
        project,
        name: calendar,
        version: found.version(),
        calendar: (*found).clone(),
    })
}

/// The timetables of all stages that have windows, or that a freeze is about, by stage.
pub(crate) fn timetables(hub: &Hub, sight: &Sight, query: &WindowQuery) -> Vec<TimetableView> {
    let now = Timestamp::now();
    let days = query.days.unwrap_or(TIMETABLE_DAYS).clamp(1, TIMETABLE_DAYS_MAX);
    let until = now
        .checked_add((i64::from(days) * 24).hours())
        .unwrap_or(Timestamp::MAX);
    let span = Stretch { from: now, until };
    let mut found = hub.with_world(|world| {
        let asked = world.projects().filter(|(name, _)| {
            let wanted = query.project.as_ref();
            wanted.is_none_or(|wanted| wanted == *name)
        });
        let pipelines = asked.flat_map(|(_, project)| {
            project
                .in_force
                .keys()
                .filter(|name| query.pipeline.as_ref().is_none_or(|wanted| wanted == *name))
                .filter_map(|name| project.pipeline(name))
        });
        let stages =
            pipelines.flat_map(|pipeline| pipeline.stages.iter().map(move |stage| (pipeline, stage)));
        stages
            .filter(|(pipeline, stage)| sight.sees_stage(&pipeline.stage_ref(&stage.name)))
            .filter_map(|(pipeline, stage)| timetable(world, pipeline, stage, span))
            .collect::<Vec<TimetableView>>()
    });
    found.sort_by(|a, b| {
        let project = |one: &TimetableView| (one.of.project.clone(), one.of.pipeline.clone());
        project(a).cmp(&project(b))
    });
    found
}

fn timetable(world: &World, pipeline: &Pipeline, stage: &Stage, span: Stretch) -> Option<TimetableView> {
    let of = pipeline.stage_ref(&stage.name);
    let timetable = Timetable::of(world, &of)?;
    if stage.windows.is_empty() && timetable.freezes().next().is_none() {
        return None;
    }
    let (zone, now) = (timetable.zone(), span.from);
    let asked = AskedOf {
        windows: true,
        freezes: true,
        scheduled: None,
    };
    let opens = timetable.opens(now, asked);
    let windows = stage.windows.iter().map(|name| WindowView {
        name: name.clone(),
        says: pipeline
            .windows
            .get(name)
            .map_or_else(String::new, gateline_model::Window::says),
    });
    let unknown = match timetable.windows_at(now) {
        WindowsNow::Unknown(why) => Some(why.to_string()),
        WindowsNow::Never => Some("none of the stage's windows opens".to_owned()),
        WindowsNow::None | WindowsNow::Open { .. } | WindowsNow::Closed { .. } => None,
    };
    Some(TimetableView {
        windows: windows.collect(),
        open: opens == Opens::Now,
        opening: match opens {
            Opens::At(opening) => Some(opening),
            Opens::Now | Opens::NotKnown => None,
        },
        unknown,
        told: timetable.told(span).into_iter().map(told).collect(),
        holidays: holidays(world, pipeline, stage, span),
        zone,
        of,
    })
}

fn told(told: Told) -> ToldView {
    let Told {
        at,
        window,
        open,
        freezes,
    } = told;
    ToldView {
        from: at.from,
        until: at.until,
        window,
        open,
        freezes,
    }
}

fn holidays(world: &World, pipeline: &Pipeline, stage: &Stage, span: Stretch) -> Vec<HolidayView> {
    let Some(project) = world.project(&pipeline.project) else {
        return Vec::new();
    };
    let windows = stage.windows.iter().filter_map(|name| pipeline.windows.get(name));
    let named = windows.flat_map(|window| window.holidays.iter().map(move |name| (name, &window.zone)));
    let mut found: Vec<HolidayView> = named
        .filter_map(|(name, zone)| Some((project.calendars.get(name)?, zone)))
        .flat_map(|(calendar, zone)| {
            calendar.holidays.iter().filter_map(move |holiday| {
                let at = holiday.at.stretch(zone)?;
                let name = holiday.name.clone();
                (at.from < span.until && span.from < at.until).then_some(HolidayView { name, at })
            })
        })
        .collect();
    found.sort_by(|a, b| (a.at, &a.name).cmp(&(b.at, &b.name)));
    found.dedup();
    found
}

/// When a stage opens next, where it is not open now, and the freezes that hold it.
pub(super) fn calendar_of(
    world: &World,
    of: &StageRef,
    now: Timestamp,
) -> (Vec<gateline_model::FreezeName>, Option<gateline_model::Opening>) {
    let Some(timetable) = Timetable::of(world, of) else {
        return (Vec::new(), None);
    };
    let frozen = timetable.frozen(now);
    let asked = AskedOf {
        windows: true,
        freezes: true,
        scheduled: None,
    };
    let opening = match timetable.opens(now, asked) {
        Opens::At(opening) => Some(opening),
        Opens::Now | Opens::NotKnown => None,
    };
    (
        frozen.iter().map(|(freeze, _)| freeze.name.clone()).collect(),
        opening,
    )
}
