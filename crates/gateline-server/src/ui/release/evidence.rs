//! Evidence on the page: each record with its numbers, and what failed.

use gateline_api::{EvidenceView, ReleaseView};
use gateline_model::{
    CoverageFacts, FactRow, Facts, FailedCase, FindingFacts, Found, Reading, Severity, TestFacts,
};
use maud::{Markup, html};

use crate::ui::shell::Visitor;
use crate::ui::words::{Sign, Tone, count, of_outcome};
use crate::ui::{link, time};

/// Findings that are shown of one report.
const FINDINGS_SHOWN_MAX: usize = 50;

pub(super) fn list(visitor: &Visitor, release: &ReleaseView) -> Markup {
    html! {
        @if release.evidence.is_empty() {
            div.banner { p { b { "There is no evidence for this release yet." } } p.sub { "A reporter (CI) submits it with " code { "gateline evidence add" } "." } }
        }
        @for evidence in release.evidence.iter().rev() { (one(visitor, release, evidence)) }
    }
}

fn one(visitor: &Visitor, release: &ReleaseView, evidence: &EvidenceView) -> Markup {
    let EvidenceView {
        id,
        name,
        stage,
        kind,
        outcome,
        says,
        found,
        format,
        artifacts,
        raw,
        warnings,
        by,
        at,
    } = evidence;
    let title = name.as_deref().or(kind.as_deref()).unwrap_or(format);
    html! {
        article.panel #{ "evidence-" (id.short()) } {
            p {
                @match outcome {
                    Some(outcome) => { (of_outcome(*outcome).label(&format!("{title} {outcome}"))) }
                    None => { b { (title) } }
                }
                " " (says)
            }
            p.age {
                @if let Some(kind) = kind { (kind) ", " }
                "read as " (format) " · by " (by) " · " (time::clock(visitor.now, *at))
                @if let Some(stage) = stage { " · for " (stage) }
                " · about " @for digest in artifacts { code title=(digest) { (digest.short()) } " " }
                "· evidence " a.mono href=(link::evidence(&release.of, &release.version, id)) title=(id) { (id.short()) }
                @if let Some(raw) = raw { " · " a href=(link::raw(raw)) { "the file as it came" } }
            }
            @for warning in warnings { p.age { (Sign(Tone::Wait, "△").plain("odd:")) " " (warning) } }
            @match found {
                Found::Facts { facts } => { (numbers(facts)) }
                Found::Errored { reason, .. } => { p { "It could not be found out, which is never a pass: " (reason) } }
            }
        }
    }
}

fn numbers(facts: &Facts) -> Markup {
    match facts {
        Facts::Tests(tests) => test_numbers(tests),
        Facts::Coverage(coverage) => coverage_numbers(coverage),
        Facts::Findings(findings) => finding_numbers(findings),
        Facts::Reading(Reading::Attestation { .. } | Reading::Policy(_)) => rows(facts),
        Facts::Reading(reading) => reading_numbers(reading),
        Facts::Sbom(_)
        | Facts::Performance(_)
        | Facts::Plan(_)
        | Facts::Attestation(_)
        | Facts::Vex(_)
        | Facts::Exploited(_)
        | Facts::Patch(_)
        | Facts::Custom(_) => rows(facts),
    }
}

/// The facts line by line, for kinds that have no picture of their own.
pub(in crate::ui) fn rows(facts: &Facts) -> Markup {
    html! { dl.facts { @for FactRow { name, value } in facts.rows() { div { dt { (name) } dd.break { (value) } } } } }
}

fn test_numbers(tests: &TestFacts) -> Markup {
    let TestFacts {
        suites,
        total,
        passed,
        failed,
        errored,
        skipped,
        flaky,
        flaky_cases: _,
        duration_secs,
        failed_cases,
        slow_cases: _,
        skipped_cases: _,
    } = tests;
    html! {
        (counts(&[("tests", *total), ("passed", *passed), ("failed", *failed), ("errored", *errored), ("skipped", *skipped), ("flaky", *flaky)]))
        p.age { (format!("{duration_secs:.1} s")) @if !suites.is_empty() { " · " (suites.join(", ")) } }
        @if !failed_cases.is_empty() {
            h3 { "Failed tests" }
            ul.items {
                @for FailedCase { name, file, line, message } in failed_cases {
                    li { code.break { (name) } (place(file.as_deref(), *line)) @if !message.is_empty() { div.age { (message) } } }
                }
            }
            (more(failed + errored, failed_cases.len()))
        }
    }
}

fn coverage_numbers(coverage: &CoverageFacts) -> Markup {
    let row = |name: &str, percent: Option<f64>| {
        html! { @if let Some(percent) = percent { div { dt { (name) } dd { b.num { (format!("{percent:.1}%")) } } } } }
    };
    html! {
        dl.counts {
            (row("lines", coverage.lines_percent())) (row("branches", coverage.branches_percent())) (row("functions", coverage.functions_percent()))
            div { dt { "files" } dd { b.num { (count(coverage.files)) } } }
        }
    }
}

fn finding_numbers(findings: &FindingFacts) -> Markup {
    html! {
        (counts(&Severity::ALL.map(|severity| (severity.name(), findings.of_severity(severity)))))
        p.age { "found by " (findings.tools.join(", ")) @if findings.suppressed > 0 { " · " (count(findings.suppressed)) " suppressed" } }
        @if !findings.findings.is_empty() {
            h3 { "Gravest findings" }
            ul.items {
                @for finding in findings.findings.iter().take(FINDINGS_SHOWN_MAX) {
                    li {
                        (severity_sign(finding.severity).plain(finding.severity.name())) " "
                        @if let Some(rule) = &finding.rule { code.break { (rule) } }
                        @if let Some(package) = &finding.package {
                            " in " code.break { (package.name) " " (package.version) }
                            @if let Some(fixed) = &package.fixed_in { ", mended in " code { (fixed) } }
                        }
                        (place(finding.file.as_deref(), finding.line)) div.age { (finding.message) }
                    }
                }
            }
            (more(findings.total(), findings.findings.len().min(FINDINGS_SHOWN_MAX)))
        }
    }
}

fn reading_numbers(reading: &Reading) -> Markup {
    html! {
        @match reading {
            Reading::Metric { value, query, source } => { p { b.num { (value) } " for " code.break { (query) } " from " (source) } }
            Reading::Http { status, latency_ms, url, body_matched } => {
                p { b.num { (status) } " in " (latency_ms) " ms from " code.break { (url) } @if *body_matched == Some(false) { ", with another body than asked for" } }
            }
            Reading::Command { exit_code, seconds, output_tail, output_digest: _ } => {
                p { "exit code " b.num { (exit_code) } " after " (format!("{seconds:.1} s")) }
                @if !output_tail.is_empty() { pre { (output_tail) } }
            }
            Reading::Attestation { found: _, keys: _, reports: _ } | Reading::Policy(_) => {}
        }
    }
}

pub(in crate::ui) fn severity_sign(severity: Severity) -> Sign {
    match severity {
        Severity::Critical | Severity::High => Sign(Tone::Bad, "✗"),
        Severity::Medium => Sign(Tone::Wait, "△"),
        Severity::Low => Sign(Tone::Quiet, "○"),
        Severity::Info => Sign(Tone::Quiet, "·"),
    }
}

pub(in crate::ui) fn counts(numbers: &[(&str, u64)]) -> Markup {
    html! { dl.counts { @for (name, number) in numbers { div { dt { (name) } dd { b.num { (count(*number)) } } } } } }
}

fn place(file: Option<&str>, line: Option<u64>) -> Markup {
    html! { @if let Some(file) = file { " in " code.break { (file) @if let Some(line) = line { ":" (line) } } } }
}

/// Lists are cut when they are read; the counts never are.
pub(in crate::ui) fn more(all: u64, shown: usize) -> Markup {
    let more = all.saturating_sub(shown as u64);
    html! { @if more > 0 { p.age { "and " (count(more)) " more in the file" } } }
}
