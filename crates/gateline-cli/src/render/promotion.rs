//! A promotion: its decision, and its rollout with what is done, what is seen and what is left.

use gateline_api::{PromotionSummary, PromotionView, RolloutView, StepView, StepWord};
use gateline_model::{PauseReason, RollbackReason, RulingKind, Span, StepAction, Strategy};
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
        for (name, text) in seen(rollout, view.ended_at.is_none(), now) {
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
        if let Some(reason) = &view.ended_because {
            row("reason", reason.into());
        }
    }
    if let Some(since_then) = &view.since_then {
        row("now", Line::new().bad(since_then));
    }
    table
}

/// What a rollout did and saw so far.
fn seen(view: &RolloutView, open: bool, now: Timestamp) -> Vec<(&'static str, Line)> {
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
        ("weight", exposed(view).into()),
        ("traffic", served(view.requests, view.errors).into()),
    ];
    // What it still waited for when it ended, and what its gauges would have come to, does not come any more.
    let waited = view
        .ruling
        .as_ref()
        .is_some_and(|ruling| ruling.says == RulingKind::Wait);
    if open || !waited {
        rows.extend(judged(view));
    }
    for gauge in &view.saturation {
        let mut text = format!("{}: {}", gauge.gauge, gauge.seen());
        if open {
            text.push_str(&format!(
                "; with all traffic {}; {}",
                gauge.ahead(),
                gauge.to_limit()
            ));
        }
        rows.push(("capacity", text.into()));
    }
    rows.extend(stands(view, now));
    if let Some(back) = &view.rollback {
        let text = format!(
            "{}: {}, since {}",
            rollback_words(back.why),
            back.says,
            ago(back.since, now)
        );
        rows.push(("rollback", Line::new().bad(text)));
        // The end has it as well.
        rows.extend(
            back.reason
                .iter()
                .filter(|_| open)
                .map(|why| ("reason", why.into())),
        );
    }
    rows
}

/// Why it stands still, if it does.
fn stands(view: &RolloutView, now: Timestamp) -> Vec<(&'static str, Line)> {
    let Some(paused) = &view.paused else {
        return Vec::new();
    };
    let text = format!("{}, since {}", paused.says, ago(paused.since, now));
    let reason = paused.reason.iter().map(|why| ("reason", Line::from(why)));
    std::iter::once(("paused", Line::new().wait(text)))
        .chain(reason)
        .collect()
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
pub(crate) fn rolling(view: &PromotionView, now: Timestamp) -> Page {
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
    let traffic = format!(
        "{}, {}",
        exposed(rollout),
        served(rollout.requests, rollout.errors)
    );
    table.row([Line::new().dim("weight"), traffic.into()]);
    for (name, line) in judged(rollout).into_iter().chain(stands(rollout, now)) {
        table.row([Line::new().dim(name), line]);
    }
    if let Some(goes_on) = rollout.goes_on(now, |at| in_future(at, now)) {
        table.row([Line::new().dim("goes on"), goes_on.into()]);
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
    if let Some(goes_on) = view.goes_on(now, |at| in_future(at, now)) {
        rows.push(("goes on", goes_on.into()));
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

/// Who sees the release: a share of the traffic, and a cohort where one is told apart.
fn exposed(view: &RolloutView) -> String {
    match view.cohort() {
        Some(cohort) => format!("{}, {cohort} people", view.weight),
        None => view.weight.to_string(),
    }
}

/// What the release served. Where no judge looks, nobody counts: that is not "0 requests".
pub(super) fn served(requests: u64, errors: u64) -> String {
    if requests == 0 {
        return "no requests counted".to_owned();
    }
    let percent = errors as f64 * 100.0 / requests as f64;
    format!("{requests} requests, {errors} errors ({percent:.2}%)")
}

fn rollback_words(why: RollbackReason) -> &'static str {
    match why {
        RollbackReason::Judged => "judged",
        RollbackReason::StepFailed => "a step failed",
        RollbackReason::VerificationFailed => "verification failed",
        RollbackReason::Aborted => "aborted",
        RollbackReason::Superseded => "superseded",
        RollbackReason::TimedOut => "it took too long",
        RollbackReason::Incident => "for an incident",
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
            exposed(rollout)
        );
        let traffic = served(rollout.requests, rollout.errors);
        line = line.plain(format!("  {place}, {traffic}"));
        let ruling = rollout.ruling.as_ref().map_or("", |ruling| ruling.says.word());
        let full = rollout.ruling.as_ref().and_then(|ruling| ruling.full.as_ref());
        if let Some(full) = full {
            line = line.plain(format!("  {}", in_short(full)));
        }
        key.push_str(&format!(
            " {}:{:?}:{}:{ruling}:{}",
            step.index, step.state, rollout.weight, view.says
        ));
        if let Some(paused) = &rollout.paused {
            let reason = paused.reason.iter().map(|why| format!(" ({why})"));
            let reason: String = reason.collect();
            key.push_str(&paused.says);
            line = line.wait(format!("  {}{reason}", paused.says));
        }
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
        let reason = one.ended_because.iter().map(|why| format!(": {why}"));
        let reason: String = reason.collect();
        table.row([
            (&one.id).into(),
            (&one.version).into(),
            Line::new().piece(Style::of_state(one.state), one.state),
            ago(one.requested_at, now).into(),
            format!("{}{reason}", one.says).into(),
        ]);
    }
    page.table(table);
    page
}
