//! What the reports of a gate found, one by one: findings and tests, the worst first, under the gate that judged them.

use gateline_api::{EvidenceView, ReleaseView};
use gateline_model::{
    EvidenceId, Facts, FailedCase, Finding, Found, GateVerdict, Scope, SlowCase, TestFacts,
};
use maud::{Markup, html};

use super::Shown;
use crate::ui::release::severity_sign;
use crate::ui::shell::Visitor;
use crate::ui::words::{Sign, Tone, count, counted};
use crate::ui::{link, source, time, waivers};

/// Rows under one gate: enough to see what keeps a release out. The Evidence page has all.
const ROWS_MAX: usize = 20;

/// What stands under a gate's row; nothing where its evidence has neither findings nor tests and it rests on no waiver.
pub(super) fn under(visitor: &Visitor, shown: &Shown<'_>, gate: &GateVerdict) -> Option<Markup> {
    let all = html! { (tables(visitor, shown, gate)) (waived(visitor, shown, gate)) };
    (!all.0.is_empty()).then_some(all)
}

/// The tables of a gate's evidence.
fn tables(visitor: &Visitor, shown: &Shown<'_>, gate: &GateVerdict) -> Markup {
    let Some(release) = shown.release else {
        return html! {};
    };
    let reports: Vec<&EvidenceView> = release
        .evidence
        .iter()
        .filter(|one| gate.evidence.contains(&one.id))
        .collect();
    let mut findings: Vec<(&EvidenceView, &Finding)> = Vec::new();
    let (mut all, mut tests): (u64, Vec<(&EvidenceView, &TestFacts)>) = (0, Vec::new());
    for report in reports {
        match &report.found {
            Found::Facts {
                facts: Facts::Findings(facts),
            } => {
                all += facts.total();
                findings.extend(facts.findings.iter().map(|finding| (report, finding)));
            }
            Found::Facts {
                facts: Facts::Tests(facts),
            } => tests.push((report, facts)),
            Found::Facts { .. } | Found::Errored { .. } => {}
        }
    }
    findings.sort_by_key(|(_, finding)| finding.severity);
    html! {
        @if !findings.is_empty() { (found(visitor, shown, release, gate, &findings, all)) }
        @for (report, facts) in tests { (ran(release, gate, report, facts)) }
    }
}

fn found(
    visitor: &Visitor,
    shown: &Shown<'_>,
    release: &ReleaseView,
    gate: &GateVerdict,
    findings: &[(&EvidenceView, &Finding)],
    all: u64,
) -> Markup {
    let shows = findings.len().min(ROWS_MAX);
    let mut reports: Vec<EvidenceId> = findings.iter().map(|(report, _)| report.id).collect();
    reports.dedup();
    reports.sort();
    reports.dedup();
    html! {
        details #{ "found-" (gate.gate) } {
            summary { (counted(all, "finding")) " in the reports" }
            table.found {
                thead { tr { th scope="col" { "severity" } th scope="col" { "finding" } th scope="col" { "here" } } }
                tbody {
                    @for (report, finding) in &findings[..shows] {
                        tr {
                            th scope="row" { (severity_sign(finding.severity).plain(finding.severity.name())) }
                            td {
                                @if let Some(rule) = &finding.rule { code.break { (rule) } " " }
                                @if let Some(package) = &finding.package { code.break { (package.name) " " (package.version) } }
                                @else { (source::place(Some(release), finding.file.as_deref(), finding.line)) }
                                div.age { (finding.message) " (" (finding.tool) ")" }
                            }
                            td { (standing(visitor, shown, gate, finding)) (waive(visitor, shown, release, report, finding)) }
                        }
                    }
                }
            }
            (more(release, all, shows, &reports))
        }
    }
}

/// Whether it is new here, and whether the decision rests on its waiver.
fn standing(visitor: &Visitor, shown: &Shown<'_>, gate: &GateVerdict, finding: &Finding) -> Markup {
    let waiver = shown.waivers.iter().find(|view| {
        gate.waivers.contains(&view.id)
            && view.waiver.finding == finding.identity
            && finding.severity >= view.waiver.severity
    });
    html! {
        @match (shown.known, shown.before()) {
            (Some(known), Some(live)) if known.contains_key(&finding.identity) => { div.age { "in " (live) " too" } }
            (Some(_), Some(live)) => { div { (Sign(Tone::Wait, "✚").plain("new")) } div.age { "not in " (live) } }
            (Some(_) | None, _) => { div.age { "nothing live to compare with" } }
        }
        @if let Some(view) = waiver {
            div { (Sign(Tone::Wait, "△").plain("waived")) }
            div.age { "until " (time::clock(visitor.now, view.waiver.until)) " by " (view.waiver.by) }
        }
    }
}

/// Only what is still to be decided can be changed by a waiver.
fn waive(
    visitor: &Visitor,
    shown: &Shown<'_>,
    release: &ReleaseView,
    report: &EvidenceView,
    finding: &Finding,
) -> Markup {
    let waived = shown
        .waivers
        .iter()
        .any(|view| view.waiver.finding == finding.identity);
    let stage = Some(&shown.view.stage.stage);
    html! {
        @if shown.is_open() && shown.view.rollout.is_none() && !waived && visitor.may(Scope::Waive) {
            a href=(link::waive(&release.of, &release.version, &report.id, &finding.identity, stage)) { "Waive" }
        }
    }
}

/// What is not shown, and where it is.
fn more(release: &ReleaseView, all: u64, shows: usize, reports: &[EvidenceId]) -> Markup {
    let rest = all.saturating_sub(shows as u64);
    html! {
        p.age {
            @if rest > 0 { (count(rest)) " more in " } @else { "All of " }
            @for id in reports { a href=(link::evidence(&release.of, &release.version, id)) { "evidence " code { (id.short()) } } " " }
        }
    }
}

/// Tests: failed ones first, then slow, flaky and skipped ones.
fn ran(release: &ReleaseView, gate: &GateVerdict, report: &EvidenceView, facts: &TestFacts) -> Markup {
    let failed = facts.failed_cases.iter().map(
        |FailedCase {
             name,
             file,
             line,
             message,
         }| {
            let about =
                html! { (source::place(Some(release), file.as_deref(), *line)) div.age { (message) } };
            (Sign(Tone::Bad, "✗").plain("failed"), name, about)
        },
    );
    let slow = facts.slow_cases.iter().map(|SlowCase { name, secs }| {
        (
            Sign(Tone::Quiet, "◷").plain("slow"),
            name,
            html! { span.num { (format!("{secs:.1} s")) } },
        )
    });
    let flaky = facts.flaky_cases.iter().map(|name| {
        let about = html! { span.age { "failed first, and passed when run again" } };
        (Sign(Tone::Wait, "△").plain("flaky"), name, about)
    });
    let skipped = facts.skipped_cases.iter().map(|name| {
        (
            Sign(Tone::Quiet, "○").plain("skipped"),
            name,
            html! { span.age { "was not run" } },
        )
    });
    let rows: Vec<_> = failed
        .chain(slow)
        .chain(flaky)
        .chain(skipped)
        .take(ROWS_MAX)
        .collect();
    let all = facts.failed + facts.errored + facts.slow_cases.len() as u64 + facts.flaky + facts.skipped;
    html! {
        @if !rows.is_empty() {
            details #{ "tests-" (gate.gate) "-" (report.id.short()) } {
                summary { (counted(facts.total, "test")) " in " (format!("{:.1} s", facts.duration_secs)) @if let Some(name) = &report.name { ": " (name) } }
                table.found {
                    thead { tr { th scope="col" { "how" } th scope="col" { "test" } th scope="col" { "what" } } }
                    tbody { @for (how, name, about) in &rows { tr { th scope="row" { (how) } td { code.break { (name) } } td.break { (about) } } } }
                }
                (more(release, all, rows.len(), &[report.id]))
            }
        }
    }
}

/// The waivers that a verdict rests on.
fn waived(visitor: &Visitor, shown: &Shown<'_>, gate: &GateVerdict) -> Markup {
    html! {
        @if !gate.waivers.is_empty() {
            details #{ "waived-" (gate.gate) } {
                summary { (counted(gate.waivers.len() as u64, "waiver")) " behind it" }
                ul.items {
                    @for id in &gate.waivers {
                        li {
                            @match shown.waivers.iter().find(|view| view.id == *id) {
                                Some(view) => {
                                    b.break { (view.waiver.rule.as_deref().unwrap_or("finding")) } " in " code.break { (view.waiver.place) }
                                    (waivers::terms(visitor, view))
                                }
                                None => { code title=(id) { (id.short()) } }
                            }
                        }
                    }
                }
                p.age { a href=(link::waivers_of(&shown.of())) { "All waivers in force" } }
            }
        }
    }
}
