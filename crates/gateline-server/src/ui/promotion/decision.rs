//! The decision row by row, in the words in which it was recorded; and the checks after the rollout.

use gateline_api::{CheckView, OverrideView, ReleaseView};
use gateline_model::{CheckOf, EvidenceId, GateVerdict, Number, Outcome, Override, Verdict};
use maud::{Markup, html};

use super::{Shown, found};
use crate::ui::shell::Visitor;
use crate::ui::stage::responsible;
use crate::ui::words::{self, OVERRIDDEN, of_outcome, of_verdict, sentence};
use crate::ui::{link, time};

pub(super) fn table(visitor: &Visitor, shown: &Shown<'_>) -> Markup {
    let Some(decision) = &shown.view.decision else {
        return html! { h2 { "Decision" } p.sub { "The gates are not judged yet." } };
    };
    html! {
        h2 { "Decision: " (decision.admission.state()) ", " (decision.satisfied()) " of " (decision.verdicts.len()) " gates satisfied" }
        p.sub {
            "decided " (time::clock(visitor.now, decision.at))
            @if let Some(number) = shown.view.decision_log { " at log " a.mono href=(link::log_at(number)) { "#" (number) } }
            @if shown.view.rollout.is_some() { " · each gate as it stood then, when the release was let in" }
            @if let (Some(until), true) = (decision.until, shown.view.rollout.is_none()) { " · changes by itself " (time::ahead(visitor.now, until)) ", at the earliest" }
        }
        @if decision.verdicts.is_empty() { p { "The stage has no gates." } }
        @else {
            table.gates { tbody { @for gate in &decision.verdicts { (row(visitor, shown, gate)) } } }
        }
    }
}

fn row(visitor: &Visitor, shown: &Shown<'_>, gate: &GateVerdict) -> Markup {
    let GateVerdict {
        gate: name,
        kind,
        because,
        verdict,
        code,
        says,
        numbers,
        evidence,
        since,
        until,
        check_due: _,
        changed_by,
        next,
        details,
        waivers: _,
        mode,
        owner,
        runbook,
        overridden,
    } = gate;
    html! {
        tr #{ "gate-" (name) } {
            th scope="row" {
                (of_verdict(*verdict).label(name.as_str()))
                div.age { (verdict) @if kind != name.as_str() { " · " (kind) } }
            }
            td {
                p title=(code) { @if !mode.is_enforce() { b { "advice only: " } } (says) }
                p.age { (because) }
                @if !numbers.is_empty() { p.age.num { @for (index, number) in numbers.iter().enumerate() { @if index > 0 { " · " } (figure(number)) } } }
                @if !details.is_empty() {
                    details { summary { "what stands behind it" } ul.items { @for line in details { li.break { (line) } } } }
                }
                @if !evidence.is_empty() { p.age { "evidence " @for id in evidence { (evidence_link(shown, id)) " " } } }
                @match overridden {
                    Some(permission) => { (overridden_by(visitor, shown, permission)) }
                    None => {
                        @if *verdict != Verdict::Satisfied {
                            p.age {
                                "since " (time::clock(visitor.now, *since)) " (" (time::age(visitor.now, *since)) ")"
                                @if !changed_by.is_empty() { " · on " b { (changed_by.join(", ")) } }
                                @if let Some(until) = until { " · until " (time::ahead(visitor.now, *until)) }
                            }
                            @if !next.is_empty() { p.age { "Next: " (sentence(next)) } }
                            (responsible(owner.as_deref(), runbook.as_deref()))
                        } @else if let Some(until) = until {
                            p.age { "until " (time::ahead(visitor.now, *until)) }
                        }
                    }
                }
            }
        }
        // Under the whole row: a table needs the room.
        @if let Some(under) = found::under(visitor, shown, gate) { tr.under { td colspan="2" { (under) } } }
    }
}

fn figure(number: &Number) -> Markup {
    let Number {
        name,
        value,
        unit,
        limit,
    } = number;
    // Whole numbers stay whole; the rest needs no more than two places to be compared with its limit.
    let value = if value.fract() == 0.0 {
        format!("{value}")
    } else {
        format!("{value:.2}")
    };
    html! { (name) " " b { (value) (unit) } @if let Some(limit) = limit { " (" (limit) ")" } }
}

/// A live check's evidence is on this page; what was reported, for this release or the one it is compared with, has its own.
fn evidence_link(shown: &Shown<'_>, id: &EvidenceId) -> Markup {
    let here = shown.view.checks.iter().any(|check| check.evidence.id == *id);
    let reported = |release: &&&ReleaseView| release.evidence.iter().any(|one| one.id == *id);
    let address = match [shown.release, shown.against].iter().flatten().find(reported) {
        _ if here => format!("#evidence-{}", id.short()),
        Some(release) => link::evidence(&release.of, &release.version, id),
        None => link::evidence(&shown.of(), &shown.view.version, id),
    };
    html! { a.mono href=(address) title=(id) { (id.short()) } }
}

fn overridden_by(visitor: &Visitor, shown: &Shown<'_>, permission: &Override) -> Markup {
    let Override {
        gate,
        by,
        at,
        until,
        confirmed_by,
    } = permission;
    let granted = shown
        .view
        .overrides
        .iter()
        .find(|one| one.gate == *gate && one.at == *at);
    let reason = granted.and_then(|one: &OverrideView| one.reason.as_deref());
    let erased = granted.and_then(|one| one.erased.as_ref());
    html! {
        p { (OVERRIDDEN.label("overridden")) " by " b { (by) } @if let Some(second) = confirmed_by { " and " b { (second) } } ": " (words::reason(reason, erased)) }
        p.age { "since " (time::clock(visitor.now, *at)) " · until " (time::ahead(visitor.now, *until)) " · the gate stays unsatisfied on record" }
    }
}

/// What the checks after the rollout found last.
pub(super) fn verification(visitor: &Visitor, shown: &Shown<'_>) -> Markup {
    let wanted = shown.stage.map(|stage| &stage.verify[..]).unwrap_or_default();
    let entry: Vec<&CheckView> = shown
        .view
        .checks
        .iter()
        .filter(|check| check.of == CheckOf::Entry)
        .collect();
    html! {
        @if !entry.is_empty() {
            h2 { "Live checks of the gates" }
            table.gates { tbody { @for check in entry { tr { (found(visitor, check)) } } } }
        }
        @if !wanted.is_empty() && shown.view.rollout.is_some() {
            h2 { "Verification" }
            table.gates { tbody {
                @for gate in wanted {
                    @let check = shown.view.checks.iter().find(|check| check.of == CheckOf::Verify && check.gate == gate.name);
                    tr {
                        @match check {
                            Some(check) => { (found(visitor, check)) }
                            None => {
                                th scope="row" { span.state.quiet { span aria-hidden="true" { "○" } " " (gate.name) } div.age { "not run" @if shown.is_open() { " yet" } } }
                                td { p.age { (gate.because) } }
                            }
                        }
                    }
                }
            } }
        }
    }
}

fn found(visitor: &Visitor, check: &CheckView) -> Markup {
    let CheckView {
        gate,
        of: _,
        evidence,
    } = check;
    // A check that could be made says what it saw; whether that is enough is said by the gate or the promotion.
    let label = match evidence.outcome {
        Some(outcome) => html! { (of_outcome(outcome).label(gate.as_str())) div.age { (outcome) } },
        None => {
            html! { span.state.quiet { span aria-hidden="true" { "◇" } " " (gate) } div.age { "observed" } }
        }
    };
    html! {
        th scope="row" { (label) }
        td #{ "evidence-" (evidence.id.short()) } {
            p { (evidence.says) }
            p.age {
                "observed " (time::clock(visitor.now, evidence.at)) " · evidence " code title=(evidence.id) { (evidence.id.short()) }
                @if evidence.outcome == Some(Outcome::Errored) { " · could not be found out: never a pass" }
            }
        }
    }
}
