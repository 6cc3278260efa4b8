//! What a person can do to a promotion now: plain forms, each sent only when it can change something.

use gateline_api::PromotionState;
use gateline_model::{GateVerdict, PauseReason, Scope, Span};
use maud::{Markup, html};

use super::Shown;
use crate::ui::answers::{self, Place, Question, Seat, Signing};
use crate::ui::fields;
use crate::ui::forms::{Act, Fields};
use crate::ui::link;
use crate::ui::shell::Visitor;

/// What a person can do to a promotion besides answering, in the order in which it is offered.
pub(in crate::ui) const OFFERED: [Act; 5] =
    [Act::Override, Act::Pause, Act::Resume, Act::Advance, Act::Abort];
/// How long an override runs unless somebody says otherwise.
const OVERRIDE_DEFAULT: Span = Span::from_secs(3_600);

pub(super) fn acts(visitor: &Visitor, shown: &Shown<'_>) -> Markup {
    if !shown.is_open() {
        return html! {};
    }
    let asked = question(shown);
    let answers = asked
        .iter()
        .flat_map(|asked| answers::forms(visitor, asked, shown.tried));
    let others = OFFERED.into_iter().filter_map(|act| form(visitor, shown, act));
    let acts: Vec<Markup> = answers.chain(others).collect();
    html! {
        h2 #acts { "You can" }
        @if let Some(why) = asked.as_ref().and_then(|asked| answers::why_not(visitor, asked)) { p.sub { "You cannot answer: " (why) "." } }
        @if acts.is_empty() { p.sub { "Nothing: " (why_nothing(visitor, shown)) } }
        @else { div.acts { @for act in acts { (act) } } }
    }
}

/// What is asked, where whoever looks can answer it or take an answer back.
fn question<'a>(shown: &'a Shown<'_>) -> Option<Question<'a>> {
    let view = shown.view;
    let decision = view.decision.as_ref().filter(|_| view.rollout.is_none())?;
    Some(Question {
        promotion: &view.id,
        version: &view.version,
        before: shown.before(),
        question: decision.question.to_string(),
        code: decision.code(),
        seat: shown.may_answer.yes.as_ref().map(|seat| match seat {
            Ok(waiting) => Ok(Seat {
                from: waiting.from.clone(),
                instead_of: waiting.instead_of.as_ref().map(ToString::to_string),
                comment: waiting.comment,
                signing: Signing::of(waiting.signed, shown.passkey),
            }),
            Err(why) => Err(why.clone()),
        }),
        may_refuse: shown.may_answer.no,
        answered: shown.answered,
        place: Place::Promotion,
    })
}

fn why_nothing(visitor: &Visitor, shown: &Shown<'_>) -> &'static str {
    match shown.view.state {
        PromotionState::RollingBack => "the rollout is being taken back by itself.",
        _ if !visitor.may(Scope::Promote) => {
            "your token may only look. Ask an administrator for `approve` or `promote`."
        }
        _ => "no action changes a verdict now.",
    }
}

/// The form of an action that can change something now and that this token permits.
fn form(visitor: &Visitor, shown: &Shown<'_>, act: Act) -> Option<Markup> {
    let rollout = shown.view.rollout.as_ref();
    let going_back = rollout.is_some_and(|rollout| rollout.rollback.is_some());
    let paused = rollout.is_some_and(|rollout| rollout.paused.is_some());
    match act {
        Act::Answer(_)
        | Act::ApproveProposal
        | Act::ConfirmOverride
        | Act::EndDelegation
        | Act::EndSessions
        | Act::EnrolKey
        | Act::RejectProposal
        | Act::RevokeKey
        | Act::SetPassword
        | Act::WithdrawOverride
        | Act::WithdrawProposal
        | Act::WriteReview => None,
        Act::Override => override_gate(visitor, shown),
        Act::Pause => {
            (rollout.is_some() && !paused && !going_back && visitor.may(Scope::Promote)).then(|| {
                with_reason(
                    visitor,
                    shown,
                    act,
                    "Pause",
                    "Pause the rollout",
                    "The rollout stands still at this step until somebody resumes it.",
                )
            })
        }
        Act::Resume => (paused && visitor.may(Scope::Promote)).then(|| {
            let why = rollout.and_then(|rollout| rollout.paused.as_ref());
            let [name, send, then] = going_on(why.map(|paused| paused.why));
            with_reason(visitor, shown, act, name, send, then)
        }),
        Act::Advance => standing(shown)
            .filter(|_| visitor.may(Scope::Promote))
            .map(|step| advance(visitor, shown, step)),
        Act::CloseIncident
        | Act::LiftBar
        | Act::LiftSuspect
        | Act::LiftWaiver
        | Act::OpenIncident
        | Act::Promote
        | Act::RollBack
        | Act::Waive => None,
        Act::Abort => (!going_back && visitor.may(Scope::Promote)).then(|| {
            let [name, send, then] = if rollout.is_some() {
                [
                    "Roll back",
                    "Roll back now",
                    "Traffic returns to what was live before, and the promotion ends as aborted.",
                ]
            } else {
                [
                    "Abort",
                    "Abort the promotion",
                    "The promotion ends before its rollout. Nothing was changed.",
                ]
            };
            with_reason(visitor, shown, act, name, send, then)
        }),
    }
}

/// The index of the step that stands and is true, for time or for the judge.
fn standing(shown: &Shown<'_>) -> Option<u32> {
    let rollout = shown.view.rollout.as_ref()?;
    let waits = rollout.go_on_at.is_some() && rollout.verify_until.is_none();
    let stands = waits && rollout.paused.is_none() && rollout.rollback.is_none();
    rollout.standing().filter(|_| stands)
}

/// The form carries the step that its reader sees: who sends it means that one, whatever others do meanwhile.
fn advance(visitor: &Visitor, shown: &Shown<'_>, step: u32) -> Markup {
    let form = html! {
        p.age { "The next step is taken now, without waiting for time or for the judge. It does not pass by checks or windows." }
        input type="hidden" name="step" value=(step);
        (fields::reason("advance-reason", written(shown, Act::Advance)))
        button type="submit" { "Advance to the next step" }
    };
    frame(visitor, shown, Act::Advance, "Advance", &form)
}

/// What going on is called and what it does, by why the rollout stands still.
fn going_on(why: Option<PauseReason>) -> [&'static str; 3] {
    match why {
        Some(PauseReason::GoAhead) => [
            "Go ahead",
            "Go ahead with the next step",
            "Everything is as it should be. The rollout goes on with its next step.",
        ],
        Some(PauseReason::Inconclusive) => [
            "Go on",
            "Go on without proof",
            "The judge could not tell. The rollout goes on with its next step, unproven.",
        ],
        Some(PauseReason::Irreversible) => [
            "Go on",
            "Go on all the same",
            "The release failed and must never be taken back by itself. The rollout goes on with its next step.",
        ],
        Some(PauseReason::Failed) => [
            "Go on",
            "Go on all the same",
            "It failed here. A failed step is tried again; otherwise the rollout goes on with its next step.",
        ],
        Some(PauseReason::Incident) => [
            "Go on",
            "Go on in spite of the incident",
            "An incident is open here and suspects this rollout. It goes on with its next step, judged as before.",
        ],
        Some(PauseReason::Parked) => [
            "Try again",
            "Try the step again",
            "The step is taken again: only where it does no harm to take it twice.",
        ],
        Some(PauseReason::Asked) | None => [
            "Resume",
            "Resume the rollout",
            "The rollout goes on with its next step, judged as before.",
        ],
    }
}

fn frame(visitor: &Visitor, shown: &Shown<'_>, act: Act, summary: &str, fields: &Markup) -> Markup {
    let open = shown.tried.is_some_and(|tried| tried.act == act);
    html! {
        details.act #{ "act-" (act.word()) } open[open] {
            summary { (summary) }
            form.stack method="post" action=(link::promotion_act(&shown.view.id, act.word())) {
                (visitor.hidden())
                (fields)
            }
        }
    }
}

/// What was written in the form of this action.
fn written<'a>(shown: &Shown<'a>, act: Act) -> Option<&'a Fields> {
    let tried = shown.tried.filter(|tried| tried.act == act);
    tried.map(|tried| &tried.fields)
}

fn override_gate(visitor: &Visitor, shown: &Shown<'_>) -> Option<Markup> {
    let decision = shown.view.decision.as_ref()?;
    let gates: Vec<&GateVerdict> = decision.verdicts.iter().filter(|gate| gate.keeps_out()).collect();
    if gates.is_empty() || shown.view.rollout.is_some() || !visitor.may(Scope::Override) {
        return None;
    }
    let written = written(shown, Act::Override);
    let form = html! {
        p.age { "The stage admits this release although the gate is not satisfied. The gate stays unsatisfied on record, with your name and reason." }
        label for="override-gate" { "Gate" }
        select #override-gate name="gate" required {
            @for gate in &gates {
                option value=(gate.gate) selected[written.is_some_and(|fields| fields.gate == gate.gate.as_str())] { (gate.gate) ": " (gate.says) }
            }
        }
        (fields::until("override-until", written, OVERRIDE_DEFAULT.after(visitor.now), visitor.now))
        (fields::reason("override-reason", written))
        button type="submit" { "Override this gate" }
    };
    Some(frame(visitor, shown, Act::Override, "Override", &form))
}

fn with_reason(visitor: &Visitor, shown: &Shown<'_>, act: Act, name: &str, send: &str, then: &str) -> Markup {
    let form = html! {
        p.age { (then) }
        (fields::reason(&format!("{}-reason", act.word()), written(shown, act)))
        button type="submit" { (send) }
    };
    frame(visitor, shown, act, name, &form)
}
