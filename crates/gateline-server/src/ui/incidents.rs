//! Incidents: what is wrong now, which changes are suspected, and what was done about them? And the watch of what went live.

use std::collections::BTreeMap;

use gateline_api::{IncidentView, Suspicion, WatchView, WatchedGate};
use gateline_model::{
    Cause, INCIDENTS_OPEN_MAX, IncidentSource, LookOutcome, ProjectName, SUSPECTS_SHOWN_MAX, Scope, StageRef,
    Suspect, WatchOutcome,
};
use maud::{Markup, html};

use super::forms::{Act, Tried};
use super::shell::{Fresh, Page, Tab, Visitor, alert};
use super::words::{Sign, Tone, counted};
use super::{fields, link, time};

/// Incidents on the page; the API lists all.
const INCIDENTS_SHOWN_MAX: usize = 100;

/// What the address asked for, and what somebody tried.
pub(super) struct Asked<'a> {
    pub(super) project: &'a str,
    pub(super) stage: &'a str,
    pub(super) tried: Option<&'a Tried>,
}

pub(super) fn page(visitor: &Visitor, list: &[IncidentView], asked: &Asked<'_>) -> Markup {
    let tried = asked.tried;
    let open = list.iter().filter(|view| view.closed_at.is_none());
    let closed: Vec<&IncidentView> = list.iter().filter(|view| view.closed_at.is_some()).collect();
    let open: Vec<&IncidentView> = open.collect();
    Page {
        tab: Tab::Incidents,
        title: "Incidents".to_owned(),
        fresh: if tried.is_some() { Fresh::Kept } else { Fresh::Resting },
        watch: vec!["incidents/".to_owned()],
        visitor,
        body: html! {
            h1 { "Incidents" }
            p.sub { (counted(open.len() as u64, "incident")) " open, the newest first, each held against what changed before it began." }
            @if let Some(tried) = tried { (alert(&tried.problem)) }
            @for project in full(&open) {
                div.banner.bad-edge role="alert" {
                    p { b { (project) " has as many open incidents as there is room for." } }
                    p.sub { "Further alerts are sent back to their sender, but for those that stop something. Close what is over." }
                }
            }
            form.filter method="get" action=(link::INCIDENTS) role="search" aria-label="Filter the incidents" #filters data-keep {
                label { "Project" input #filter name="project" value=(asked.project) maxlength="63" autocomplete="off"; }
                button type="submit" { "Show" }
            }
            @if visitor.may(Scope::Incident) { div.acts { (open_form(visitor, asked)) } }
            @if open.is_empty() { div.banner.ok-edge { p { b { "No incident is open." } } p.sub { "Alerts, watches and people open them; see the guide on incidents." } } }
            @for view in open.iter().take(INCIDENTS_SHOWN_MAX) { (one(visitor, view, tried)) }
            @if !closed.is_empty() { h2 { "Closed lately" } }
            @for view in closed.iter().take(INCIDENTS_SHOWN_MAX) { (one(visitor, view, tried)) }
        },
    }
    .render()
}

/// Projects that have no room for another incident.
fn full<'a>(open: &[&'a IncidentView]) -> Vec<&'a ProjectName> {
    let mut counts: BTreeMap<&ProjectName, usize> = BTreeMap::new();
    for view in open {
        *counts.entry(&view.project).or_default() += 1;
    }
    let full = counts
        .into_iter()
        .filter(|(_, count)| *count >= INCIDENTS_OPEN_MAX);
    full.map(|(project, _)| project).collect()
}

fn one(visitor: &Visitor, view: &IncidentView, tried: Option<&Tried>) -> Markup {
    let IncidentView {
        project,
        incident,
        opened_at,
        opened_by,
        reason,
        lifted,
        stops,
        closed_at,
        closed_by,
        ended,
        cause,
    } = view;
    let number = incident.number;
    let tried = tried.filter(|tried| {
        tried.fields.incident == number.to_string() && tried.fields.project == project.as_str()
    });
    html! {
        article.panel #{ "incident-" (project) "-" (number) } {
            p {
                @match closed_at {
                    None => { (Sign(Tone::Bad, "✗").label("open")) }
                    Some(at) => { (Sign(Tone::Quiet, "✓").label("closed")) " " (time::clock(visitor.now, *at)) }
                }
                " " b.break { (incident.name) } " " span.age { (project) " · incident " (number) }
            }
            p { "since " (time::clock(visitor.now, incident.since)) " (" (time::age(visitor.now, incident.since)) ") in " (places(&incident.stages)) }
            p.age {
                "opened " (time::clock(visitor.now, *opened_at))
                @if let Some(by) = opened_by { " by " b { (by) } }
                @match &incident.source {
                    IncidentSource::Actor => {}
                    IncidentSource::Alert { fingerprint } => { ", by alert " code.break { (fingerprint) } }
                    IncidentSource::Watch { promotion } => { ", by the watch of " a href=(link::promotion(promotion)) { (promotion) } }
                }
                @if let Some(reason) = reason { ": " q.break { (reason) } }
            }
            @if !incident.labels.is_empty() {
                p.age { @for (name, value) in &incident.labels { code.break { (name) "=" (value) } " " } }
            }
            @if incident.suspects.is_empty() { p { "Nothing changed there before it began." } }
            @else {
                @let (first, rest) = incident.suspects.split_at(incident.suspects.len().min(SUSPECTS_SHOWN_MAX));
                p.sub { (counted(incident.suspects.len() as u64, "change")) " suspected, the likeliest and then the newest first" }
                table.gates { tbody { @for suspect in first { (row(suspect, lifted.contains(&suspect.promotion), cause)) } } }
                @if !rest.is_empty() {
                    details #{ "suspects-" (project) "-" (number) } {
                        summary { (rest.len()) " more" }
                        table.gates { tbody { @for suspect in rest { (row(suspect, lifted.contains(&suspect.promotion), cause)) } } }
                    }
                }
            }
            @if let Some(by) = closed_by.as_ref().filter(|_| closed_at.is_some()) {
                p { (cause) " · closed by " b { (by) } @if let Some(ended) = ended { ": " q.break { (ended) } } }
            }
            div.acts {
                @if closed_at.is_none() && visitor.may(Scope::Promote) {
                    @for suspect in incident.suspects.iter().filter(|suspect| stops.contains(&suspect.promotion)) {
                        (lift(visitor, view, suspect, tried))
                    }
                }
                @if visitor.may(Scope::Incident) && (closed_at.is_none() || *cause == Cause::NotTold) { (close(visitor, view, tried)) }
            }
        }
    }
}

fn places(stages: &[StageRef]) -> Markup {
    html! {
        @if stages.is_empty() { "no stage" }
        @for (index, stage) in stages.iter().enumerate() {
            @if index > 0 { ", " }
            a href=(link::stage(stage)) { (stage.pipeline) " " (stage.stage) }
        }
    }
}

fn row(suspect: &Suspect, lifted: bool, cause: &Cause) -> Markup {
    let is_cause = matches!(cause, Cause::Change { promotion } if *promotion == suspect.promotion);
    html! {
        tr {
            th scope="row" { a href=(link::promotion(&suspect.promotion)) { (suspect.version) } div.age { (suspect.promotion.stage.stage) } }
            td {
                p { (suspect.says) }
                p.age { @if is_cause { b { "named as the cause" } " · " } @if lifted { "lifted: not to blame" } @else { (suspect.done.says()) } }
            }
        }
    }
}

/// Whether an incident stopped something that a person is to let go on, or not.
pub(super) fn waits(view: &IncidentView) -> bool {
    view.closed_at.is_none() && !view.stops.is_empty()
}

/// An open incident in the inbox: what it stopped.
pub(super) fn stopped_by(visitor: &Visitor, view: &IncidentView) -> Markup {
    let stands = |suspect: &&Suspect| view.stops.contains(&suspect.promotion);
    html! {
        div.banner.bad-edge {
            p { (Sign(Tone::Bad, "✗").label("incident")) " " a href=(link::INCIDENTS) data-row { (view.incident.number) " " (view.incident.name) } " " (time::age(visitor.now, view.incident.since)) }
            @for suspect in view.incident.suspects.iter().filter(stands) {
                p.sub { a href=(link::promotion(&suspect.promotion)) { (suspect.says) } "; " (suspect.done.says()) }
            }
        }
    }
}

fn hidden(visitor: &Visitor, view: &IncidentView) -> Markup {
    html! {
        (visitor.hidden())
        input type="hidden" name="project" value=(view.project);
        input type="hidden" name="incident" value=(view.incident.number);
    }
}

fn lift(visitor: &Visitor, view: &IncidentView, suspect: &Suspect, tried: Option<&Tried>) -> Markup {
    let id = format!(
        "{}-{}-{}",
        Act::LiftSuspect.word(),
        view.incident.number,
        suspect.promotion.number
    );
    let promotion = suspect.promotion.to_string();
    let tried = tried.filter(|tried| tried.act == Act::LiftSuspect && tried.fields.promotion == promotion);
    html! {
        details.act #{ "act-" (id) } open[tried.is_some()] {
            summary { "Lift " (suspect.version) }
            form.stack method="post" action=(link::INCIDENT_LIFT) {
                (hidden(visitor, view))
                input type="hidden" name="promotion" value=(promotion);
                p.age { (suspect.version) " is not to blame: its rollout goes on from where it stands, or its bar is lifted." }
                (fields::reason(&format!("{id}-reason"), tried.map(|tried| &tried.fields)))
                button type="submit" { "Lift " (suspect.version) }
            }
        }
    }
}

fn close(visitor: &Visitor, view: &IncidentView, tried: Option<&Tried>) -> Markup {
    let number = view.incident.number;
    let tried = tried.filter(|tried| tried.act == Act::CloseIncident);
    let chosen = tried.map(|tried| tried.fields.cause.as_str()).unwrap_or_default();
    let id = format!("close-{}-{number}", view.project);
    let summary = if view.closed_at.is_none() {
        "Close"
    } else {
        "Say what caused it"
    };
    html! {
        details.act #{ "act-" (id) } open[tried.is_some()] {
            summary { (summary) }
            form.stack method="post" action=(link::INCIDENT_CLOSE) {
                (hidden(visitor, view))
                p.age { "What waits at a gate for it may go on. What it stopped stays stopped until a person resumes or lifts it." }
                label for={ (id) "-cause" } { "Cause" }
                select #{ (id) "-cause" } name="cause" {
                    @if view.closed_at.is_none() { option value="" selected[chosen.is_empty()] { "not known yet" } }
                    option value="none" selected[chosen == "none"] { "no change of ours" }
                    @for suspect in &view.incident.suspects {
                        @let value = suspect.promotion.to_string();
                        option value=(value) selected[chosen == value] { (suspect.version) " into " (suspect.promotion.stage.stage) }
                    }
                }
                (fields::reason(&format!("{id}-reason"), tried.map(|tried| &tried.fields)))
                button type="submit" { (summary) }
            }
        }
    }
}

fn open_form(visitor: &Visitor, asked: &Asked<'_>) -> Markup {
    let tried = asked.tried.filter(|tried| tried.act == Act::OpenIncident);
    let written = tried.map(|tried| &tried.fields);
    let stage = written.map_or(asked.stage, |fields| fields.stage.as_str());
    let name = written.map(|fields| fields.name.as_str()).unwrap_or_default();
    html! {
        details.act #act-open-incident open[tried.is_some() || !asked.stage.is_empty()] {
            summary { "Open an incident" }
            form.stack method="post" action=(link::INCIDENT_OPEN) {
                (visitor.hidden())
                p.age { "What changed there before now is suspected, and stopped as the stage says." }
                label for="incident-stage" { "Stage, as PROJECT/PIPELINE/STAGE" }
                input #incident-stage name="stage" value=(stage) required maxlength="200" autocomplete="off";
                label for="incident-name" { "What is wrong, in a few words; they stay for ever, so name no person" }
                input #incident-name name="name" value=(name) required maxlength="200" autocomplete="off";
                (fields::reason("incident-reason", written))
                button type="submit" { "Open an incident" }
            }
        }
    }
}

/// What suspects a promotion.
pub(super) fn suspicions(found: &[Suspicion]) -> Markup {
    html! {
        @for one in found {
            @let calm = !one.open || one.lifted;
            div class={ "banner " (if calm { "quiet" } else { Tone::Bad.class() }) "-edge" } {
                p {
                    a href=(link::INCIDENTS) { "Incident " (one.number) } " " b.break { (one.name) } " "
                    @if one.cause { "was caused by this one" }
                    @else if !one.open { "suspected this one and is closed" }
                    @else if one.lifted { "suspected this one, which was lifted" }
                    @else { "suspects this one: " (one.done.says()) }
                }
                p.sub { (one.says) }
            }
        }
    }
}

/// A watch: what is looked at, until when, what was found, and how noisy its thresholds are.
pub(super) fn watch(visitor: &Visitor, view: &WatchView) -> Markup {
    let tone = match view.outcome {
        None => Tone::Run,
        Some(WatchOutcome::Passed) => Tone::Good,
        Some(WatchOutcome::Failed) => Tone::Bad,
        Some(WatchOutcome::Inconclusive | WatchOutcome::Superseded) => Tone::Wait,
    };
    let version = view
        .version
        .as_ref()
        .map_or_else(|| view.release.short(), ToString::to_string);
    html! {
        div.panel #watch {
            p {
                @match view.outcome {
                    None => { (Sign(tone, "◉").label("watched")) " " b { (version) } " until " (time::ahead(visitor.now, view.until)) ", every " (view.every) }
                    Some(outcome) => { (Sign(tone, "◉").label(&format!("watch {}", outcome.word()))) " " b { (version) } @if let Some(says) = &view.says { ": " (says) } }
                }
            }
            p.age { (view.looks) @if view.in_a_row > 1 { " · fails after " (view.in_a_row) " looks in a row" } }
            table.gates { tbody { @for gate in &view.gates { (watched(visitor, gate)) } } }
        }
    }
}

fn watched(visitor: &Visitor, view: &WatchedGate) -> Markup {
    let warns = view.noise.as_ref().is_some_and(|noise| noise.is_too_much());
    html! {
        tr {
            th scope="row" { (view.gate) div.age { (view.looks) } }
            td {
                @match (view.last, &view.says) {
                    (Some(outcome), Some(says)) => {
                        @let sign = match outcome {
                            LookOutcome::Passed => Sign(Tone::Good, "✓"),
                            LookOutcome::Failed => Sign(Tone::Bad, "✗"),
                            LookOutcome::Errored => Sign(Tone::Wait, "?"),
                        };
                        p { (sign.label(outcome.word())) " " (says) @if let Some(at) = view.at { " " span.age { (time::age(visitor.now, at)) } } }
                    }
                    _ => { p.age { "not looked at yet" } }
                }
                @if let Some(says) = &view.noise_says {
                    @if warns { p { (Sign(Tone::Bad, "!").label("noisy")) " " (says) } } @else { p.age { (says) } }
                }
            }
        }
    }
}
