//! Incidents with their suspects, and the watch of a stage.

use gateline_api::{IncidentView, Suspicion, WatchView};
use gateline_model::{Done, IncidentSource, LookOutcome, SUSPECTS_SHOWN_MAX, WatchOutcome};
use jiff::Timestamp;

use super::time::{ago, clock, in_future};
use super::{Line, Page, Style, Table};

/// Incidents, one row each.
pub(crate) fn incidents(list: &[IncidentView], now: Timestamp) -> Page {
    let mut page = Page::default();
    if list.is_empty() {
        page.line("no incidents");
        return page;
    }
    let mut table = Table::headed([
        "incident",
        "project",
        "name",
        "where",
        "since",
        "state",
        "suspect first",
    ]);
    for view in list {
        let incident = &view.incident;
        let stages: Vec<String> = incident
            .stages
            .iter()
            .map(|stage| format!("{}/{}", stage.pipeline, stage.stage))
            .collect();
        let first = incident.suspects.first().map(|suspect| suspect.says.clone());
        table.row([
            incident.number.to_string().into(),
            (&view.project).into(),
            (&incident.name).into(),
            stages.join(", ").into(),
            clock(incident.since, now).into(),
            state(view, now),
            first.unwrap_or_default().into(),
        ]);
    }
    page.table(table);
    page
}

fn state(view: &IncidentView, now: Timestamp) -> Line {
    match view.closed_at {
        None => Line::new().bad("open"),
        Some(at) => Line::new().dim(format!("closed {}: {}", clock(at, now), view.cause)),
    }
}

/// One incident, whole.
pub(crate) fn incident(view: &IncidentView, now: Timestamp) -> Page {
    let incident = &view.incident;
    let mut page = Page::default();
    page.line(
        Line::new()
            .strong(format!("incident {}", incident.number))
            .plain(format!("  {}  ", incident.name))
            .dim(&view.project),
    );
    let mut table = Table::indented(2);
    let mut row = |name: &str, text: Line| table.row([Line::new().dim(name), text]);
    row("state", state(view, now));
    row("since", ago(incident.since, now).into());
    let by = match &incident.source {
        IncidentSource::Actor => String::new(),
        IncidentSource::Alert { fingerprint } => format!(", by alert {fingerprint}"),
        IncidentSource::Watch { promotion } => format!(", by the watch of {promotion}"),
    };
    let who = view
        .opened_by
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    row(
        "opened",
        format!("{} by {who}{by}", ago(view.opened_at, now)).into(),
    );
    if let Some(reason) = &view.reason {
        row("says", reason.into());
    }
    for stage in &incident.stages {
        row("touches", stage.into());
    }
    for (name, value) in &incident.labels {
        row("label", format!("{name}={value}").into());
    }
    if incident.suspects.is_empty() {
        row(
            "suspects",
            Line::new().dim("nothing changed there before it began"),
        );
    }
    let all = incident.suspects.len();
    if all > 1 {
        let told = format!("{all} changes, the likeliest and then the newest first");
        row("suspects", told.into());
    }
    for suspect in incident.suspects.iter().take(SUSPECTS_SHOWN_MAX) {
        let done = match view.lifted.contains(&suspect.promotion) {
            true => "lifted".to_owned(),
            false => suspect.done.says().to_owned(),
        };
        let text = Line::new().plain(format!("{}  ", suspect.says));
        row("suspect", text.piece(of_done(suspect.done), done));
        row("", Line::new().dim(&suspect.promotion));
    }
    if all > SUSPECTS_SHOWN_MAX {
        let more = format!("and {} more: `--json` has them", all - SUSPECTS_SHOWN_MAX);
        row("", Line::new().dim(more));
    }
    if let Some(ended) = &view.ended {
        let by = view.closed_by.iter().map(|by| format!("{by}: "));
        let by: String = by.collect();
        row("ended", format!("{by}{ended}").into());
    }
    page.table(table);
    page
}

fn of_done(done: Done) -> Style {
    match done {
        Done::Named => Style::Dim,
        Done::Paused | Done::Barred | Done::RolledBack => Style::Wait,
        Done::PersonCalled => Style::Bad,
    }
}

/// What suspects a promotion, one line each.
pub(super) fn suspicions(found: &[Suspicion]) -> Vec<Line> {
    let line = |one: &Suspicion| {
        let what = match (one.open, one.lifted, one.cause) {
            (_, _, true) => "named as its cause",
            (true, true, _) => "open; lifted for this one",
            (true, false, _) => one.done.says(),
            (false, ..) => "closed",
        };
        let style = if one.open && !one.lifted {
            Style::Bad
        } else {
            Style::Dim
        };
        Line::new()
            .piece(style, format!("incident {} {}", one.number, one.name))
            .plain(format!("  {}; {what}", one.says))
    };
    found.iter().map(line).collect()
}

/// A watch, one line for itself and one for each of its checks.
pub(super) fn watch(view: &WatchView, now: Timestamp) -> Vec<Line> {
    let version = view
        .version
        .as_ref()
        .map_or_else(|| view.release.short(), ToString::to_string);
    let first = match view.outcome {
        None => Line::new()
            .plain(format!("{version}  every {} until ", view.every))
            .dim(in_future(view.until, now)),
        Some(outcome) => {
            let style = match outcome {
                WatchOutcome::Passed => Style::Good,
                WatchOutcome::Failed => Style::Bad,
                WatchOutcome::Inconclusive | WatchOutcome::Superseded => Style::Wait,
            };
            let says = view.says.clone().unwrap_or_default();
            Line::new()
                .plain(format!("{version}  "))
                .piece(style, outcome.word())
                .plain(format!("  {says}"))
        }
    };
    let mut lines = vec![first];
    for gate in &view.gates {
        let last = match (gate.last, &gate.says) {
            (Some(outcome), Some(says)) => {
                let style = match outcome {
                    LookOutcome::Passed => Style::Good,
                    LookOutcome::Failed => Style::Bad,
                    LookOutcome::Errored => Style::Wait,
                };
                Line::new()
                    .plain(format!("{}  ", gate.gate))
                    .piece(style, outcome.word())
                    .plain(format!("  {says}  "))
            }
            _ => Line::new()
                .plain(format!("{}  ", gate.gate))
                .dim("not looked at yet  "),
        };
        lines.push(last.dim(gate.looks));
        let warns = gate.noise.as_ref().is_some_and(|noise| noise.is_too_much());
        if let Some(says) = &gate.noise_says {
            let style = if warns { Style::Bad } else { Style::Dim };
            let word = if warns { "warning: " } else { "" };
            lines.push(Line::new().piece(style, format!("{word}{says}")));
        }
    }
    lines
}
