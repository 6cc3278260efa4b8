//! The banner: the one thing to know about a promotion now; and what happens if it goes wrong.

use gateline_api::{PromotionState, RolloutView};
use gateline_model::ruling::odds;
use gateline_model::ruling::{Calibration, MetricReading};
use gateline_model::{Decision, GateVerdict, JudgeSettings, PromotionKind};
use jiff::Timestamp;
use maud::{Markup, PreEscaped, html};

use super::{Shown, ruling};
use crate::ui::shell::Visitor;
use crate::ui::words::Tone;
use crate::ui::{link, time, words};

pub(super) fn banner(visitor: &Visitor, shown: &Shown<'_>) -> Markup {
    let view = shown.view;
    // What ended well and is not live any more is no good news.
    let edge = match &view.since_then {
        Some(_) => Tone::Quiet.class(),
        None => words::of_promotion(view.state).tone().class(),
    };
    html! {
        div class={ "banner " (edge) "-edge" } {
            @match (&view.rollout, &view.decision) {
                _ if !shown.is_open() => { (ended(shown)) }
                (Some(rollout), _) => { (rolling(visitor, shown, rollout)) }
                (None, Some(decision)) => { (held(visitor, decision)) }
                (None, None) => { p { b { (view.says) } } }
            }
        }
    }
}

fn held(visitor: &Visitor, decision: &Decision) -> Markup {
    // The first gate that keeps it out is the one to look at: people are asked last.
    let first = decision.verdicts.iter().find(|gate| gate.keeps_out());
    html! {
        p { b { (decision.headline) } }
        @if let Some(gate) = first {
            p { "First " b { (gate.gate) } ": " (gate.says) "." (next(gate)) }
            p.sub {
                "since " (time::clock(visitor.now, gate.since)) " (" (time::age(visitor.now, gate.since)) ")"
                @if !gate.changed_by.is_empty() { " · on " b { (gate.changed_by.join(", ")) } }
                @if let Some(until) = gate.until { " · until " (time::ahead(visitor.now, until)) }
            }
        }
        @if let Some(opening) = &decision.opening { p { (opening.says_from(visitor.now)) "." } }
    }
}

fn next(gate: &GateVerdict) -> Markup {
    html! { @if !gate.next.is_empty() { " Next: " (words::sentence(&gate.next)) "." } }
}

fn rolling(visitor: &Visitor, shown: &Shown<'_>, rollout: &RolloutView) -> Markup {
    let view = shown.view;
    html! {
        p {
            b { (rolling_headline(shown, rollout)) }
            @if let Some(at) = ruled_at(shown, rollout) { " " span.age { "ruled " (time::clock(visitor.now, at)) "." } }
            @if let Some(goes_on) = rollout.goes_on(visitor.now, |at| time::ahead(visitor.now, at).into_string()) { " Goes on " (PreEscaped(goes_on)) "." }
        }
        @if let Some(paused) = &rollout.paused {
            p { "Stands still since " (time::clock(visitor.now, paused.since)) " (" (time::age(visitor.now, paused.since)) "): " (paused.says) "." @if let Some(reason) = &paused.reason { " " q { (reason) } } }
        }
        @if let Some(rollback) = &rollout.rollback {
            p.sub { "Taken back since " (time::clock(visitor.now, rollback.since)) " (" (time::age(visitor.now, rollback.since)) ")." @if let Some(reason) = &rollback.reason { " " q { (reason) } } }
        }
        @if let (Some(until), PromotionState::Verifying) = (rollout.verify_until, view.state) {
            p.sub { "Counts as failed if the checks are not satisfied by " (time::ahead(visitor.now, until)) "." }
        }
        @if rollout.rollback.is_none() { (limits(shown, rollout)) }
    }
}

/// The stored words of whoever spoke last: the rollback, the judge, or the promotion itself.
fn rolling_headline<'a>(shown: &'a Shown<'_>, rollout: &'a RolloutView) -> &'a str {
    match &rollout.rollback {
        Some(rollback) => &rollback.says,
        None => &shown.view.says,
    }
}

/// When the judge said the sentence that stands there, where it is the judge's.
fn ruled_at(shown: &Shown<'_>, rollout: &RolloutView) -> Option<Timestamp> {
    let ruling = rollout.ruling.as_ref()?;
    (ruling.headline == rolling_headline(shown, rollout)).then_some(ruling.at)
}

/// When the judge takes it back by itself, and how far that is.
fn limits(shown: &Shown<'_>, rollout: &RolloutView) -> Markup {
    if let Some(full) = ruling::full(rollout) {
        let against = full.numbers.evidence.against;
        let (unknown, known): (Vec<&MetricReading>, Vec<&MetricReading>) = full
            .metrics
            .iter()
            .partition(|metric| metric.noise.from == Calibration::Uncalibrated);
        let names: Vec<&str> = unknown.iter().map(|metric| metric.name.as_str()).collect();
        let (names, are) = (names.join(" and "), if names.len() > 1 { "are" } else { "is" });
        // Nobody knows how noisy it is: what is seen of it may be chance, and only makes the rollout wait.
        if known.is_empty() && !unknown.is_empty() {
            return html! {
                p.sub {
                    "Odds alone do not roll it back, as " (names) " " (are) " uncalibrated: at " (against.bar_says())
                    " to 1 against “no worse” it waits, and only a fuse ends it; now " (odds(against.odds)) " to 1."
                    @if let Some(forecast) = full.forecast() { " " (forecast) }
                }
            };
        }
        return html! {
            p.sub {
                "Rolls back by itself when the odds against “no worse” reach " (against.bar_says()) " to 1; now "
                (odds(against.odds)) " to 1." @if let Some(forecast) = full.forecast() { " " (forecast) }
                @if !unknown.is_empty() { " What is seen of " (names) ", which " (are) " uncalibrated, only makes it wait." }
            }
        };
    }
    let Some(judge) = settings(shown) else {
        return html! {};
    };
    html! { p.sub { (takes_back(judge)) } }
}

/// The judge's limits as one sentence.
pub(in crate::ui) fn takes_back(judge: &JudgeSettings) -> Markup {
    html! { @if let Some(says) = judge.takes_back() { "Rolls back by itself when " (says) "." } }
}

/// The judge's settings for the whole rollout, where the stage has a judge.
pub(super) fn settings<'a>(shown: &Shown<'a>) -> Option<&'a JudgeSettings> {
    let level = shown.view.decision.as_ref().map(|decision| decision.risk);
    shown.stage?.rollout_at(level.unwrap_or_default()).judge()
}

fn ended(shown: &Shown<'_>) -> Markup {
    let view = shown.view;
    html! {
        @match &view.since_then {
            Some(since_then) => { p { b { (view.version) " is " (since_then) "." } } p { "It ended so: " (view.says) "." } }
            None => { p { b { (view.says) } @if let Some(reason) = &view.ended_because { " " q { (reason) } } } }
        }
        @if let Some(release) = &view.superseded_by {
            p { "Superseded by release " code title=(release) { (release.short()) } "." }
        }
        @if view.served.requests > 0 {
            p.sub {
                "It served " (words::counted(view.served.requests, "request")) ", of which "
                (words::count(view.served.bad_requests)) " failed."
            }
        }
        @match view.state {
            PromotionState::RolledBack | PromotionState::RollbackFailed => {
                p.sub { "The release is barred here until a person lifts it with a reason: " a href=(link::stage(&view.stage)) { "see the stage" } "." }
            }
            PromotionState::Held | PromotionState::Refused | PromotionState::Admitted | PromotionState::RollingOut
            | PromotionState::Paused | PromotionState::Verifying | PromotionState::RollingBack | PromotionState::Verified
            | PromotionState::Expired | PromotionState::Superseded | PromotionState::Aborted => {}
        }
    }
}

/// What happens by itself when the rollout fails, said before it does.
pub(super) fn if_it_goes_wrong(shown: &Shown<'_>) -> Markup {
    if !shown.is_open() {
        return html! {};
    }
    let view = shown.view;
    let irreversible = shown.release.is_some_and(|release| release.change.irreversible);
    html! {
        h2 { "If it goes wrong" }
        p.sub {
            @if irreversible {
                (view.version) " must never be taken back by itself: the rollout pauses and a person decides."
            } @else if view.kind == PromotionKind::Rollback {
                "A rollback is never rolled back: the rollout stops and a person is called."
            } @else {
                @match shown.before() {
                    Some(before) => { "Traffic returns to " b { (before) } @if view.rollout.is_some() { " (still running)" } "; " }
                    None => { "There is nothing live to return to: the target is left without a release; " }
                }
                (view.version) " is barred here until a person lifts it with a reason."
            }
        }
    }
}
