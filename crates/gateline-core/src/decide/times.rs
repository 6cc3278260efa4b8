//! Deciding about times: calendars and freezes.

use std::collections::BTreeSet;

use gateline_model::{
    Calendar, CalendarName, Event, Freeze, FreezeName, HOLIDAYS_MAX, PipelineName, ProjectName, Recurs,
    StageName, StreamId,
};

use super::{private, reason};
use crate::draft::Draft;
use crate::rejection::Rejection;
use crate::state::Project;

/// Most calendars in one project.
pub const CALENDARS_PER_PROJECT_MAX: usize = 50;

/// Whether there is room for a calendar.
pub(super) fn calendar_fits(
    of: &ProjectName,
    state: &Project,
    name: &CalendarName,
    calendar: &Calendar,
) -> Result<(), Rejection> {
    if !state.calendars.contains_key(name) && state.calendars.len() >= CALENDARS_PER_PROJECT_MAX {
        return Err(Rejection::invalid(
            "calendar.too_many",
            format!(
                "project `{of}` has {} calendars; the limit is {CALENDARS_PER_PROJECT_MAX} (CALENDARS_PER_PROJECT_MAX)",
                state.calendars.len()
            ),
            "put the days into a calendar that there is",
        ));
    }
    if calendar.holidays.len() > HOLIDAYS_MAX {
        return Err(Rejection::invalid(
            "calendar.too_long",
            format!(
                "calendar `{name}` has {} entries; the limit is {HOLIDAYS_MAX} (HOLIDAYS_MAX)",
                calendar.holidays.len()
            ),
            "leave out what is long past, or split it into several calendars",
        ));
    }
    Ok(())
}

/// Whether hours never come.
fn never(recurs: &Recurs) -> bool {
    match recurs {
        Recurs::Hours(window) => window.never_opens(),
        Recurs::Calendar { .. } => false,
    }
}

/// A freeze that names a calendar which is not there would hold all the time: most often it is misspelt.
fn known_calendars(draft: &Draft<'_>, project: &ProjectName, freeze: &Freeze) -> Result<(), Rejection> {
    let state = draft.project(project).unwrap_or_default();
    let named = freeze.recurs.iter().flat_map(Recurs::calendars);
    match named
        .into_iter()
        .find(|name| !state.calendars.contains_key(*name))
    {
        None => Ok(()),
        Some(name) => Err(Rejection::unknown(
            "calendar.unknown",
            format!("project `{project}` has no calendar `{name}`"),
            "apply its file first with `gateline calendar apply FILE`",
        )),
    }
}

/// A freeze that names a pipeline or a stage which is not there would hold nothing: most often it is misspelt.
fn known_stages(draft: &Draft<'_>, project: &ProjectName, freeze: &Freeze) -> Result<(), Rejection> {
    let state = draft.project(project).unwrap_or_default();
    let known: Vec<&str> = state.in_force.keys().map(PipelineName::as_str).collect();
    if let Some(of) = &freeze.pipeline
        && (of.project != *project || !state.in_force.contains_key(&of.pipeline))
    {
        return Err(Rejection::unknown(
            "pipeline.unknown",
            format!("project `{project}` has no pipeline `{of}`"),
            &format!("its pipelines are {}", known.join(", ")),
        ));
    }
    let here = state
        .in_force
        .keys()
        .filter(|name| freeze.pipeline.as_ref().is_none_or(|of| of.pipeline == **name));
    let stages: BTreeSet<&StageName> = here
        .filter_map(|name| state.pipeline(name))
        .flat_map(|pipeline| pipeline.stages.iter().map(|stage| &stage.name))
        .collect();
    let Some(unknown) = freeze.stages.iter().find(|name| !stages.contains(name)) else {
        return Ok(());
    };
    let names: Vec<&str> = stages.into_iter().map(StageName::as_str).collect();
    Err(Rejection::unknown(
        "stage.unknown",
        match &freeze.pipeline {
            Some(of) => format!("pipeline `{of}` has no stage `{unknown}`"),
            None => format!("no pipeline of project `{project}` has a stage `{unknown}`"),
        },
        &format!("the stages there are {}", names.join(", ")),
    ))
}

pub(super) fn freeze(
    draft: &mut Draft<'_>,
    project: &ProjectName,
    freeze: &Freeze,
    why: &str,
) -> Result<(), Rejection> {
    let why = reason(why)?;
    if freeze.until <= freeze.from || freeze.until <= draft.facts.now {
        return Err(Rejection::invalid(
            "freeze.empty",
            format!(
                "the freeze `{}` would end at {}, before it holds anything",
                freeze.name, freeze.until
            ),
            "give an end in the future and after the start",
        ));
    }
    if let Some(Recurs::Hours(window)) = freeze.recurs.as_ref().filter(|recurs| never(recurs)) {
        return Err(Rejection::invalid(
            "freeze.empty",
            format!("the freeze `{}` would never hold: {}", freeze.name, window.says()),
            "give days that there are, and an end after the start",
        ));
    }
    let declared = draft
        .project(project)
        .and_then(|project| project.freezes.get(&freeze.name).cloned());
    match declared {
        Some(same) if same == *freeze => return Ok(()),
        Some(other) if other.until > draft.facts.now => {
            return Err(Rejection::conflict(
                "freeze.exists",
                format!("a freeze `{}` is declared until {}", other.name, other.until),
                "lift it first, or choose another name",
            ));
        }
        Some(_) | None => {}
    }
    known_calendars(draft, project, freeze)?;
    known_stages(draft, project, freeze)?;
    let text = private(draft, Some(why));
    draft.emit_with(
        StreamId::Project(project.clone()),
        Event::FreezeDeclared {
            freeze: freeze.clone(),
        },
        text,
    );
    Ok(())
}

pub(super) fn lift_freeze(
    draft: &mut Draft<'_>,
    project: &ProjectName,
    name: &FreezeName,
    why: &str,
) -> Result<(), Rejection> {
    let why = reason(why)?;
    if !draft
        .project(project)
        .is_some_and(|project| project.freezes.contains_key(name))
    {
        return Err(Rejection::unknown(
            "freeze.unknown",
            format!("project `{project}` has no freeze `{name}`"),
            "list them with `gateline freeze list`",
        ));
    }
    let text = private(draft, Some(why));
    draft.emit_with(
        StreamId::Project(project.clone()),
        Event::FreezeLifted { name: name.clone() },
        text,
    );
    Ok(())
}
