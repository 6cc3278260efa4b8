//! What a person can do to a promotion now: plain forms, each sent only when it can change something.

use gateline_api::PromotionState;
use gateline_model::{GateVerdict, Scope, Span, Tier};
use maud::{Markup, html};

use super::{Shown, Signing};
use crate::ui::fields::{self, REASON_CHARS_MAX};
use crate::ui::forms::{Act, Fields};
use crate::ui::link;
use crate::ui::shell::Visitor;

/// What a person can do to a promotion, in the order in which it is offered.
pub(in crate::ui) const OFFERED: [Act; 5] =
    [Act::Approve, Act::Override, Act::Pause, Act::Resume, Act::Abort];
/// How long an override runs unless somebody says otherwise.
const OVERRIDE_DEFAULT: Span = Span::from_secs(3_600);

pub(super) fn acts(visitor: &Visitor, shown: &Shown<'_>) -> Markup {
    if !shown.is_open() {
        return html! {};
    }
    let acts: Vec<Markup> = OFFERED
        .into_iter()
        .filter_map(|act| form(visitor, shown, act))
        .collect();
    html! {
        h2 #acts { "You can" }
        @if acts.is_empty() { p.sub { "Nothing: " (why_nothing(visitor, shown)) } }
        @else { div.acts { @for act in acts { (act) } } }
    }
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
        Act::EndSessions | Act::EnrolKey | Act::RevokeKey => None,
        Act::Approve => approve(visitor, shown),
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
            with_reason(
                visitor,
                shown,
                act,
                "Resume",
                "Resume the rollout",
                "The rollout goes on with its next step, judged as before.",
            )
        }),
        Act::LiftBar | Act::LiftWaiver | Act::Promote | Act::RollBack | Act::Waive => None,
        Act::Abort => (!going_back && visitor.may(Scope::Promote)).then(|| {
            let then = if rollout.is_some() {
                "Traffic returns to what was live before, and the promotion ends."
            } else {
                "The promotion ends before its rollout. Nothing was changed."
            };
            with_reason(visitor, shown, act, "Abort", "Abort the promotion", then)
        }),
    }
}

fn frame(visitor: &Visitor, shown: &Shown<'_>, act: Act, summary: &str, fields: &Markup) -> Markup {
    let open = shown.tried.is_some_and(|tried| tried.act == act);
    let code = shown.view.decision.as_ref().map(gateline_model::Decision::code);
    let by_passkey = |signing: &Signing| signing.tier == Tier::Passkey && signing.passkey;
    let signs = code.filter(|_| act == Act::Approve && shown.signing.is_some_and(by_passkey));
    let signs = signs.as_deref();
    html! {
        details.act #{ "act-" (act.word()) } open[open] {
            summary class=[(act == Act::Approve).then_some("primary")] { (summary) }
            form.stack method="post" action=(link::promotion_act(&shown.view.id, act.word()))
                data-passkey=[signs.map(|_| "sign")] data-of=[signs.map(|_| link::statement(&shown.view.id))] data-code=[signs] {
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

fn approve(visitor: &Visitor, shown: &Shown<'_>) -> Option<Markup> {
    let view = shown.view;
    let decision = view.decision.as_ref()?;
    let gate = decision.verdicts.iter().find(|gate| gate.kind == "approval")?;
    let asked =
        view.rollout.is_none() && matches!(gate.code.as_str(), "approval.asked" | "approval.escalated");
    if !asked || !visitor.may(Scope::Approve) {
        return None;
    }
    let teams: Vec<&str> = shown
        .teams
        .iter()
        .map(gateline_model::GroupName::as_str)
        .collect();
    let written = written(shown, Act::Approve);
    let form = html! {
        p {
            "You say yes to " b { (view.version) } " going into " b { (view.stage.stage) }
            @if let Some(before) = shown.before() { " in place of " b { (before) } }
            ", as decided above: decision code " code { (decision.code()) } ". If the question changes, your yes is void."
        }
        p.age {
            "Asked: " (gate.says) ". "
            @if teams.is_empty() { "You are in no team here, so the answer will be refused." } @else { "You answer for " (teams.join(", ")) "." }
        }
        input type="hidden" name="question" value=(decision.question);
        label for="approve-reason" { "Comment (may be empty)" }
        textarea #approve-reason name="reason" rows="2" maxlength=(REASON_CHARS_MAX) { (written.map(|fields| fields.reason.as_str()).unwrap_or_default()) }
        @match shown.signing {
            None => button.primary type="submit" #approve { "Approve " (view.version) " into " (view.stage.stage) },
            Some(signing) => (signed(shown, signing, &decision.code())),
        }
    };
    Some(frame(visitor, shown, Act::Approve, "Approve", &form))
}

/// How a yes is signed: here by a passkey, or elsewhere.
fn signed(shown: &Shown<'_>, signing: &Signing, code: &str) -> Markup {
    let view = shown.view;
    let by_passkey = signing.tier == Tier::Passkey;
    html! {
        p { "Your answer must be signed with " (signing.tier.at_least().unwrap_or_default()) "." }
        @if by_passkey && signing.passkey {
            input type="hidden" name="signed";
            button.primary type="submit" #approve { "Approve " (view.version) " into " (view.stage.stage) " with your passkey" }
            p.age role="status" {}
            p.age { "Your browser shows only the name of this server. Compare the decision code " code { (code) } " with what others see, or sign on the command line:" }
        } @else if by_passkey {
            p { "You have no passkey that works here: " a href=(link::KEYS) { "enrol one" } ", or sign on the command line:" }
        } @else {
            p { "Only on the command line, where your own tool shows you what you sign:" }
        }
        pre { "gateline approve " (view.id) " --code '" (code) "' --sign" }
    }
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
