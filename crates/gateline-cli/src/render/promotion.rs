//! A promotion: its decision, and its rollout with what is done, what is seen and what is left.

use gateline_api::{PromotionSummary, PromotionView, RolloutView, StepView, StepWord};
use gateline_model::{PauseReason, RollbackReason, Span, StepAction, Strategy};
use jiff::Timestamp;

use super::ruling::{in_short, moving};
use super::time::{ago, clock, in_future, whole_secs};
use super::{Line, Page, Style, Table, decision};

/// A promotion, whole. `left` is the least time that its rollout still takes, where that is known.
pub(crate) fn promotion(view: &PromotionView, left: Option<Span>, now: Timestamp) -> Page {
    let mut page = Page::default();
    let state = view.state.to_string().to_uppercase();
    let mut header = Line::new()
        .strong(format!(
            "{}@{} -> {}",
            view.stage.pipeline, view.version, view.stage.stage
        ))
        .plain("   ")
        .piece(Style::of_state(view.state), state);
    if let Some(decision) = &view.decision {
        header = header.plain(format!("   decided {}", clock(decision.at, now)));
        if let Some(number) = view.decision_log {
            header = header.plain(format!(" at log #{number}"));
        }
    }
    page.line(header);
    match &view.decision {
        Some(decision) => decision::gates(&mut page, decision, &view.overrides, now),
        None => page.line("  not decided yet"),
    }
    page.gap();
    page.table(facts(view, left, now));
    if let (Some(decision), None) = (&view.decision, view.ended_at) {
        decision::hints(&mut page, decision);
    }
    page
}

/// Everything beside the gates, by name.
fn facts(view: &PromotionView, left: Option<Span>, now: Timestamp) -> Table {
    let mut table = Table::indented(2);
    let mut row = |name: &str, text: Line| table.row([Line::new().dim(name), text]);
    let asked = if view.automatic {
        "by the pipeline".to_owned()
    } else {
        format!("by {}", view.requested_by)
    };
    row("promotion", Line::from(&view.id));
    let reason = view
        .reason
        .as_ref()
        .map(|why| format!(": {why}"))
        .unwrap_or_default();
    row(
        "requested",
        format!("{} {asked}{reason}", ago(view.requested_at, now)).into(),
    );
    let held = view.admitted_at.is_none() && view.ended_at.is_none();
    let opening = view
        .decision
        .as_ref()
        .and_then(|decision| decision.opening.as_ref());
    if let Some(opening) = opening.filter(|_| held) {
        row("opens", opening.says_from(now).into());
    }
    for asked in view.overrides.iter().filter(|one| one.waits && now < one.until) {
        let until = in_future(asked.until, now);
        let text = format!(
            "of {} by {} waits for a second person, until {until}",
            asked.gate, asked.by
        );
        row("override", text.into());
    }
    if let Some(decision) = &view.decision {
        let risk = format!("{}: {}", decision.risk.word(), decision.assessment.why);
        row("risk", risk.into());
        row("code", decision.code().into());
    }
    for line in super::incident::suspicions(&view.suspected) {
        row("incident", line);
    }
    for (index, line) in view
        .watch
        .iter()
        .flat_map(|watch| super::incident::watch(watch, now))
        .enumerate()
    {
        row(if index == 0 { "watch" } else { "" }, line);
    }
    if let Some(rollout) = &view.rollout {
        for (name, text) in seen(rollout, now) {
            row(name, text);
        }
        if rollout
            .paused
            .as_ref()
            .is_some_and(|paused| paused.why == PauseReason::Parked)
        {
            row("why", view.says.as_str().into());
        }
        if view.ended_at.is_none() {
            for (name, text) in to_come(rollout, left, now) {
                row(name, text);
            }
        }
    }
    if let Some(ended) = view.ended_at {
        row("ended", format!("{}: {}", ago(ended, now), view.says).into());
    }
    table
}

/// What a rollout did and saw so far.
fn seen(view: &RolloutView, now: Timestamp) -> Vec<(&'static str, Line)> {
    let mut steps = Line::new();
    for (index, step) in view.steps.iter().enumerate() {
        let (style, word) = match step.state {
            StepWord::Done => (Style::Good, "done"),
            StepWord::Now => (Style::Run, "now"),
            StepWord::Next => (Style::Dim, "next"),
            StepWord::Failed => (Style::Bad, "failed"),
            StepWord::Parked => (Style::Wait, "parked"),
        };
        let comma = if index > 0 { ", " } else { "" };
        steps = steps.plain(comma).piece(style, format!("{word} {}", step.action));
    }
    let mut rows = vec![
        ("steps", steps),
        ("weight", view.weight.into()),
        ("traffic", served(view.requests, view.errors).into()),
    ];
    rows.extend(judged(view));
    for gauge in &view.saturation {
        let text = format!(
            "{}: {}; with all traffic {}; {}",
            gauge.gauge,
            gauge.seen(),
            gauge.ahead(),
            gauge.to_limit()
        );
        rows.push(("capacity", text.into()));
    }
    if let Some(paused) = &view.paused {
        let text = format!("{}, since {}", pause_words(paused.why), ago(paused.since, now));
        rows.push(("paused", Line::new().wait(text)));
    }
    if let Some(back) = &view.rollback {
        let text = format!(
            "{}: {}, since {}",
            rollback_words(back.why),
            back.says,
            ago(back.since, now)
        );
        rows.push(("rollback", Line::new().bad(text)));
    }
    rows
}

/// What the judge says, with what moves in its numbers.
fn judged(view: &RolloutView) -> Vec<(&'static str, Line)> {
    let Some(ruling) = &view.ruling else {
        return Vec::new();
    };
    let says = format!("{}: {}", ruling.says.word(), ruling.headline);
    let mut rows = vec![("ruling", says.into())];
    rows.extend(ruling.full.iter().flat_map(|full| moving(full)));
    rows
}

/// A rollout that moves, under the board: its weight, and what the judge says.
pub(crate) fn rolling(view: &PromotionView) -> Page {
    let mut page = Page::default();
    let Some(rollout) = &view.rollout else {
        return page;
    };
    page.line(
        Line::new()
            .strong(format!(
                "{}@{} -> {}",
                view.stage.pipeline, view.version, view.stage.stage
            ))
            .plain("  ")
            .piece(Style::of_state(view.state), view.state),
    );
    let mut table = Table::indented(2);
    let traffic = format!("{}, {}", rollout.weight, served(rollout.requests, rollout.errors));
    table.row([Line::new().dim("weight"), traffic.into()]);
    for (name, line) in judged(rollout) {
        table.row([Line::new().dim(name), line]);
    }
    page.table(table);
    page
}

/// Where a rollout stands, and when it goes on.
fn to_come(view: &RolloutView, left: Option<Span>, now: Timestamp) -> Vec<(&'static str, Line)> {
    let mut rows = Vec::new();
    if let Some(since) = current(view).and_then(|step| step.since) {
        rows.push(("this step", format!("since {}", ago(since, now)).into()));
    }
    match current(view).and_then(|step| step.leased_until) {
        Some(until) if until > now => {
            let until = in_future(until, now);
            let says = format!(
                "a server has the step until {until}; if nothing is heard of it by then, it is looked at again"
            );
            rows.push(("held", says.into()));
        }
        Some(_) => rows.push((
            "held",
            "no server has the step; the next one that is free looks at it again".into(),
        )),
        None => {}
    }
    if let Some(at) = view.go_on_at {
        rows.push(("goes on", format!("{}, by itself", in_future(at, now)).into()));
    }
    if let Some(at) = view.verify_until {
        rows.push(("verify", format!("until {}", in_future(at, now)).into()));
    }
    if let Some(left) = left {
        rows.push(("left", format!("at least {}", whole_secs(left)).into()));
    }
    rows
}

/// The least time that a rollout still takes: what is left of this pause, and the pauses to come.
pub(crate) fn time_left(view: &RolloutView, strategy: &Strategy, now: Timestamp) -> Option<Span> {
    if view.paused.is_some() || view.rollback.is_some() || view.verify_until.is_some() {
        return None;
    }
    let plan = strategy.plan(None);
    if plan
        .iter()
        .all(|step| step.pause == Span::ZERO && step.judge.is_none())
    {
        return None;
    }
    let pause_of = |action: StepAction| {
        let planned = plan.iter().find(|step| step.action == action);
        planned.map_or(Span::ZERO, |step| step.pause)
    };
    let here = view.go_on_at.map_or(Span::ZERO, |at| Span::between(now, at));
    let ahead = view
        .steps
        .iter()
        .filter(|step| matches!(step.state, StepWord::Now | StepWord::Next));
    Some(ahead.fold(here, |left, step| left.plus(pause_of(step.action))))
}

/// The step that is being taken, or was taken last.
fn current(view: &RolloutView) -> Option<&StepView> {
    let reached = |step: &&StepView| step.state != StepWord::Next;
    view.steps.iter().rfind(reached)
}

fn served(requests: u64, errors: u64) -> String {
    if requests == 0 {
        return "no requests yet".to_owned();
    }
    let percent = errors as f64 * 100.0 / requests as f64;
    format!("{requests} requests, {errors} errors ({percent:.2}%)")
}

fn pause_words(why: PauseReason) -> &'static str {
    match why {
        PauseReason::Asked => "by request",
        PauseReason::Inconclusive => "the judge could not tell: a person decides",
        PauseReason::Irreversible => "it must not be rolled back by itself: a person decides",
        PauseReason::Parked => "nobody can tell whether a step is true: a person looks",
        PauseReason::GoAhead => "a person says when to go on",
        PauseReason::Failed => "it failed: a person decides",
        PauseReason::Incident => "an incident is open here: a person lifts it, resumes or aborts",
    }
}

fn rollback_words(why: RollbackReason) -> &'static str {
    match why {
        RollbackReason::Judged => "judged",
        RollbackReason::StepFailed => "a step failed",
        RollbackReason::VerificationFailed => "verification failed",
        RollbackReason::Aborted => "aborted",
        RollbackReason::Superseded => "superseded",
        RollbackReason::TimedOut => "it took too long",
        RollbackReason::Incident => "an incident is open here",
    }
}

/// What matters of a promotion that moves, on one line; and the part of it whose change is worth a line.
pub(crate) fn change_line(view: &PromotionView, now: Timestamp) -> (Line, String) {
    let mut line = Line::new()
        .dim(clock(now, now))
        .plain(format!(
            "  {}@{} -> {}  ",
            view.stage.pipeline, view.version, view.stage.stage
        ))
        .piece(Style::of_state(view.state), view.state);
    let mut key = view.state.word().to_owned();
    if view.admitted_at.is_none()
        && let Some(decision) = &view.decision
    {
        let gates = format!("{}/{} gates", decision.satisfied(), decision.verdicts.len());
        line = line.plain(format!("  {gates}"));
        for gate in &decision.verdicts {
            key.push_str(&format!(" {}:{}", gate.code, gate.overridden.is_some()));
        }
    }
    if let Some(rollout) = &view.rollout
        && let Some(step) = current(rollout)
        && view.ended_at.is_none()
    {
        let place = format!(
            "step {} of {}, {}",
            step.index + 1,
            rollout.steps.len(),
            rollout.weight
        );
        let traffic = served(rollout.requests, rollout.errors);
        line = line.plain(format!("  {place}, {traffic}"));
        let ruling = rollout.ruling.as_ref().map_or("", |ruling| ruling.says.word());
        let full = rollout.ruling.as_ref().and_then(|ruling| ruling.full.as_ref());
        if let Some(full) = full {
            line = line.plain(format!("  {}", in_short(full)));
        }
        key.push_str(&format!(
            " {}:{:?}:{}:{ruling}",
            step.index, step.state, rollout.weight
        ));
    }
    (line.plain(format!("  {}", view.says)), key)
}

/// Promotions, one row each.
pub(crate) fn promotions(list: &[PromotionSummary], now: Timestamp) -> Page {
    let mut page = Page::default();
    if list.is_empty() {
        page.line("no promotions");
        return page;
    }
    let mut table = Table::headed(["promotion", "release", "state", "requested", "says"]);
    for one in list {
        table.row([
            (&one.id).into(),
            (&one.version).into(),
            Line::new().piece(Style::of_state(one.state), one.state),
            ago(one.requested_at, now).into(),
            (&one.says).into(),
        ]);
    }
    page.table(table);
    page
}
