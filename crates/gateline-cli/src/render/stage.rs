//! A stage: what is live, what is proposed, what holds there; and freezes.

use gateline_api::{FreezeView, StageView};
use gateline_model::{Gate, Stage, Strategy};
use jiff::Timestamp;

use super::time::{ago, clock, in_future};
use super::{Line, Page, Style, Table, promotion, reason};

/// One stage, whole.
pub(crate) fn stage(view: &StageView, now: Timestamp) -> Page {
    let mut page = Page::default();
    let production = if view.spec.production { "   production" } else { "" };
    page.line(Line::new().strong(&view.of).plain(production));
    let mut table = Table::indented(2);
    let mut row = |name: &str, text: Line| table.row([Line::new().dim(name), text]);
    match &view.live {
        Some(live) => {
            let health = Line::new().strong(&live.version).plain("  ");
            let health = health.piece(Style::of_health(live.health), live.health);
            row("live", health.plain(format!("  since {}", ago(live.since, now))));
            if let Some(why) = &live.health_why {
                row("health", Line::new().piece(Style::of_health(live.health), why));
            }
        }
        None => row("live", Line::new().dim("nothing")),
    }
    if let Some(before) = &view.before {
        row("rollback", format!("would bring back {before}").into());
    }
    for one in &view.proposed {
        let state = Line::new().plain(format!("{}  ", one.version));
        let state = state.piece(Style::of_state(one.state), one.state);
        row(
            "proposed",
            state.plain(format!("  {}  {}", one.headline, one.promotion)),
        );
        if let Some(opening) = &one.opening {
            row("", Line::new().dim(opening.says_from(now)));
        }
    }
    for (target, by) in &view.lanes {
        row("lane", format!("{target}, taken by {by}").into());
    }
    for bar in &view.barred {
        let version = bar
            .version
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_else(|| bar.release.short());
        row(
            "barred",
            Line::new().bad(version).plain(format!("  by {}", bar.by)),
        );
    }
    for freeze in &view.freezes {
        let (from, until) = (clock(freeze.from, now), clock(freeze.until, now));
        let recurs = freeze.recurs.iter().map(|recurs| format!(", {}", recurs.says()));
        let recurs: String = recurs.collect();
        let text = format!("{} from {from} until {until}{recurs}", freeze.name);
        let style = match view.frozen_by.contains(&freeze.name) {
            true => Style::Bad,
            false => Style::Plain,
        };
        row("freeze", Line::new().piece(style, text));
    }
    if let Some(opening) = &view.opening {
        row("closed", opening.says_from(now).into());
    }
    for incident in &view.incidents {
        let since = ago(incident.since, now);
        let text = format!("{} {}, since {since}", incident.number, incident.name);
        row("incident", Line::new().bad(text));
    }
    if let Some(watch) = &view.watch {
        for (index, line) in super::incident::watch(watch, now).into_iter().enumerate() {
            row(if index == 0 { "watch" } else { "" }, line);
        }
    }
    for review in &view.reviews {
        let due = in_future(review.due, now);
        let text = format!(
            "override of {} for {} by {}, owed {due}",
            review.gate, review.version, review.by
        );
        row("review", text.into());
    }
    declared(&view.spec, &mut row);
    page.table(table);
    page.gap();
    page.0.extend(promotion::promotions(&view.promotions, now).0);
    page
}

/// What a release meets at a stage, in the order in which it meets it.
pub(super) fn declared(stage: &Stage, row: &mut impl FnMut(&str, Line)) {
    gates("gate", &stage.gates, row);
    for rule in &stage.approval {
        let when = rule.when.as_deref().unwrap_or("always");
        row(
            "approval",
            Line::new().plain(rule.says()).dim(format!("  {when}")),
        );
    }
    for window in &stage.windows {
        row("window", window.into());
    }
    let mut rollout = |name: &str, strategy: &Strategy| {
        row(name, strategy.says(stage.target.instances()).into());
        if let Some(judge) = strategy.judge() {
            let takes_back = judge.takes_back();
            let takes_back = takes_back.map(|when| format!("Rolls back by itself when {when}. "));
            row(
                "",
                Line::new().dim(format!("{}{}", takes_back.unwrap_or_default(), judge.looks())),
            );
        }
    };
    rollout("rollout", &stage.rollout);
    for (level, strategy) in &stage.rollout_at_risk {
        rollout(&format!("at risk {}", level.word()), strategy);
    }
    gates("before", &stage.before, row);
    gates("during", &stage.during, row);
    gates("verify", &stage.verify, row);
    if let Some(watch) = &stage.watch {
        gates("watch", &watch.gates, row);
    }
}

fn gates(name: &str, gates: &[Gate], row: &mut impl FnMut(&str, Line)) {
    for gate in gates {
        row(name, format!("{}: {}", gate.name, gate.because).into());
    }
}

/// Freezes, one row each.
pub(crate) fn freezes(list: &[FreezeView], now: Timestamp) -> Page {
    let mut page = Page::default();
    if list.is_empty() {
        page.line("no freezes");
        return page;
    }
    let mut table = Table::headed(["freeze", "project", "where", "from", "until", "reason"]);
    for view in list {
        let freeze = &view.freeze;
        let pipeline = freeze
            .pipeline
            .as_ref()
            .map_or("every pipeline".to_owned(), |of| of.pipeline.to_string());
        let stages = if freeze.stages.is_empty() {
            "production".to_owned()
        } else {
            freeze
                .stages
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        };
        let name = if view.in_force {
            Line::new().bad(&freeze.name)
        } else {
            (&freeze.name).into()
        };
        table.row([
            name,
            (&view.project).into(),
            format!("{pipeline}: {stages}").into(),
            clock(freeze.from, now).into(),
            clock(freeze.until, now).into(),
            reason(view.reason.as_deref(), view.erased.as_ref(), now).into(),
        ]);
        for more in terms(view, now) {
            table.row([
                Line::new(),
                Line::new(),
                Line::new().dim(more),
                Line::new(),
                Line::new(),
                Line::new(),
            ]);
        }
    }
    page.table(table);
    page
}

/// What a freeze is besides its first and last moment.
fn terms(view: &FreezeView, now: Timestamp) -> Vec<String> {
    let freeze = &view.freeze;
    let mut found = Vec::new();
    if let Some(recurs) = &freeze.recurs {
        found.push(recurs.says());
        if let Some(next) = view.next {
            let zone = recurs.zone().clone();
            let opening = |at| {
                gateline_model::Opening {
                    at,
                    zone: zone.clone(),
                }
                .when()
            };
            found.push(match view.in_force {
                true => format!("now, until {}", opening(next.until)),
                false => format!("next from {} ({})", opening(next.from), in_future(next.from, now)),
            });
        }
    }
    if !freeze.exempt.is_empty() {
        let kinds: Vec<&str> = freeze.exempt.iter().map(|kind| kind.word()).collect();
        found.push(format!("passed by {}", kinds.join(", ")));
    }
    if freeze.applies_to_rollback {
        found.push("rollbacks wait too".to_owned());
    }
    found
}
