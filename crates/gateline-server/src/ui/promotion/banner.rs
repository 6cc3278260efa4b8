//! The banner: the one thing to know about a promotion now; and what happens if it goes wrong.

use gateline_api::{PromotionState, RolloutView};
use gateline_model::ruling::odds;
use gateline_model::{Decision, Event, GateVerdict, JudgeSettings, PauseReason, PromotionKind};
use jiff::Timestamp;
use maud::{Markup, html};

use super::{Shown, ruling};
use crate::ui::shell::Visitor;
use crate::ui::{link, time, words};

pub(super) fn banner(visitor: &Visitor, shown: &Shown<'_>) -> Markup {
    let view = shown.view;
    let edge = words::of_promotion(view.state).tone().class();
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
            @if let (Some(at), None) = (ruled_at(shown), &rollout.rollback) { " " span.age { "ruled " (time::clock(visitor.now, at)) "." } }
            @if let (Some(at), None, None) = (rollout.go_on_at, &rollout.paused, &rollout.rollback) {
                " Goes on by itself " @if at <= visitor.now { "as soon as the judge says so." } @else { (time::ahead(visitor.now, at)) "." }
            }
        }
        @if let Some(paused) = &rollout.paused {
            p { "Stands still since " (time::clock(visitor.now, paused.since)) " (" (time::age(visitor.now, paused.since)) "): " (why_paused(paused.why)) "." }
        }
        @if let Some(rollback) = &rollout.rollback {
            p.sub { "Taken back since " (time::clock(visitor.now, rollback.since)) " (" (time::age(visitor.now, rollback.since)) ")." }
        }
        @if let (Some(until), PromotionState::Verifying) = (rollout.verify_until, view.state) {
            p.sub { "Counts as failed if the checks are not satisfied by " (time::ahead(visitor.now, until)) "." }
        }
        @if rollout.rollback.is_none() { (limits(shown, rollout)) }
    }
}

/// The stored words of whoever spoke last: the rollback, the judge, or the promotion itself.
fn rolling_headline<'a>(shown: &'a Shown<'_>, rollout: &'a RolloutView) -> &'a str {
    let parked = rollout
        .paused
        .as_ref()
        .is_some_and(|paused| paused.why == PauseReason::Parked);
    match (&rollout.rollback, shown.view.state, &rollout.ruling) {
        (Some(rollback), _, _) => &rollback.says,
        (None, _, _) if parked => &shown.view.says,
        (None, PromotionState::RollingOut | PromotionState::Paused, Some(ruling)) => &ruling.headline,
        (None, _, _) => &shown.view.says,
    }
}

/// When the judge spoke last; what it saw since then is in the numbers.
fn ruled_at(shown: &Shown<'_>) -> Option<Timestamp> {
    let ruled = shown
        .view
        .events
        .iter()
        .rfind(|recorded| matches!(recorded.event, Event::RulingChanged { .. }));
    ruled.map(|recorded| recorded.at)
}

fn why_paused(why: PauseReason) -> &'static str {
    match why {
        PauseReason::Asked => "a person asked for it; it goes on when somebody resumes it",
        PauseReason::Inconclusive => "the judge could not tell in time; a person resumes or aborts it",
        PauseReason::Irreversible => {
            "the release is never taken back by itself; a person resumes or aborts it"
        }
        PauseReason::Parked => "nobody can tell whether the last step is true; a person looks",
        PauseReason::GoAhead => "everything is as it should be; a person says when to go on",
        PauseReason::Failed => "it failed, and this stage asks a person; a person resumes or aborts it",
        PauseReason::Incident => {
            "an incident is open here; a person says that it is not to blame, resumes or aborts it"
        }
    }
}

/// When the judge takes it back by itself, and how far that is.
fn limits(shown: &Shown<'_>, rollout: &RolloutView) -> Markup {
    if let Some(full) = ruling::full(rollout) {
        let against = full.numbers.evidence.against;
        return html! {
            p.sub {
                "Rolls back by itself when the odds against “no worse” reach " (against.bar_says()) " to 1; now "
                (odds(against.odds)) " to 1." @if let Some(forecast) = full.forecast() { " " (forecast) }
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
        p { b { (view.says) } }
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
