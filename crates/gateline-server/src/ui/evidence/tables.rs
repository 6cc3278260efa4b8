//! Facts as tables: what is worst comes first.

use std::cmp::Reverse;

use gateline_model::{
    AttestationFacts, CoverageFacts, CustomFacts, Facts, FailedCase, FileLines, Finding, FindingFacts,
    PatchFacts, PlanAction, PlanFacts, Provenance, SbomFacts, Scope, Severity, SlowCase, TestFacts, VexFacts,
    VexStatus,
};
use maud::{Markup, html};

use super::{Shown, signature, waive};
use crate::ui::release::{counts, more, rows, severity_sign};
use crate::ui::shell::Visitor;
use crate::ui::waivers::terms;
use crate::ui::words::{Sign, Tone, count};
use crate::ui::{link, source};

/// Rows of one table; the counts above it are of all.
const ROWS_MAX: usize = 500;
/// Characters of a list of missed lines.
const LINES_CHARS_MAX: usize = 80;

pub(super) fn facts(visitor: &Visitor, shown: &Shown<'_>, facts: &Facts) -> Markup {
    match facts {
        Facts::Tests(facts) => tests(shown, facts),
        Facts::Coverage(facts) => coverage(facts),
        Facts::Findings(facts) => findings(visitor, shown, facts),
        Facts::Sbom(facts) => sbom(facts),
        Facts::Plan(facts) => plan(facts),
        Facts::Attestation(facts) => attestation(facts),
        Facts::Vex(facts) => vex(facts),
        Facts::Patch(facts) => patch(facts),
        Facts::Custom(CustomFacts { of, value }) => html! { p.sub { (of) } pre { (format!("{value:#}")) } },
        Facts::Performance(_) | Facts::Exploited(_) | Facts::Reading(_) => rows(facts),
    }
}

/// One table: what it is called, its columns, and its first rows, each as cells.
fn table(name: &str, columns: &[&str], lines: impl Iterator<Item = Markup>) -> Markup {
    html! {
        h3 { (name) }
        div.wide {
            table.list.long aria-label=(name) {
                thead { tr { @for column in columns { th scope="col" { (column) } } } }
                tbody { @for line in lines.take(ROWS_MAX) { tr { (line) } } }
            }
        }
    }
}

fn cut(all: u64, kept: usize) -> Markup {
    more(all, kept.min(ROWS_MAX))
}

fn tests(shown: &Shown<'_>, facts: &TestFacts) -> Markup {
    let TestFacts {
        suites,
        total,
        passed,
        failed,
        errored,
        skipped,
        flaky,
        flaky_cases,
        duration_secs,
        failed_cases,
        slow_cases,
        skipped_cases,
    } = facts;
    let case = |case: &FailedCase| {
        let FailedCase {
            name,
            file,
            line,
            message,
        } = case;
        html! {
            th scope="row" { code.break { (name) } }
            td { (source::place(Some(shown.release), file.as_deref(), *line)) }
            td.break { (message) }
        }
    };
    html! {
        (counts(&[("tests", *total), ("passed", *passed), ("failed", *failed), ("errored", *errored), ("skipped", *skipped), ("flaky", *flaky)]))
        p.sub { "took " (format!("{duration_secs:.1} s")) @if !suites.is_empty() { " · suites " (suites.join(", ")) } }
        @if !failed_cases.is_empty() {
            (table("Failed tests", &["test", "where", "message"], failed_cases.iter().map(case)))
            (cut(failed + errored, failed_cases.len()))
        }
        @if !slow_cases.is_empty() {
            (table("Slowest tests", &["test", "took"], slow_cases.iter().map(|SlowCase { name, secs }| html! { th scope="row" { code.break { (name) } } td.num { (format!("{secs:.2} s")) } })))
        }
        @if !flaky_cases.is_empty() {
            (table("Flaky tests", &["failed first, and passed when run again"], flaky_cases.iter().map(|name| html! { td { code.break { (name) } } })))
            (cut(*flaky, flaky_cases.len()))
        }
        @if !skipped_cases.is_empty() {
            (table("Skipped tests", &["was not run"], skipped_cases.iter().map(|name| html! { td { code.break { (name) } } })))
            (cut(*skipped, skipped_cases.len()))
        }
    }
}

fn coverage(facts: &CoverageFacts) -> Markup {
    let share = |name: &str, percent: Option<f64>| {
        html! { @if let Some(percent) = percent { div { dt { (name) } dd { b.num { (format!("{percent:.1}%")) } } } } }
    };
    let mut files: Vec<&FileLines> = facts.by_file.iter().collect();
    // The share first; among files without a single line reached, the longest.
    files.sort_by(|one, other| {
        let key = |file: &FileLines| (percent(file), Reverse(file.missed.count()));
        let ((share, missed), (other_share, other_missed)) = (key(one), key(other));
        share.total_cmp(&other_share).then(missed.cmp(&other_missed))
    });
    let line = |file: &&FileLines| {
        let (hit, missed) = (file.hit.count(), file.missed.count());
        html! {
            th scope="row" { code.break { (file.path) } }
            td.num { b { (format!("{:.1}%", percent(file))) } }
            td.num { (count(hit)) " of " (count(hit + missed)) }
            td.num.break { (shortened(&file.missed.to_string())) }
        }
    };
    html! {
        dl.counts {
            (share("lines", facts.lines_percent())) (share("branches", facts.branches_percent())) (share("functions", facts.functions_percent()))
            div { dt { "files" } dd { b.num { (count(facts.files)) } } }
        }
        p.sub { (count(facts.lines_hit)) " of " (count(facts.lines_total)) " lines were reached" }
        @if files.is_empty() { p.sub { "The report has no lines of single files, or more than are kept." } }
        @else {
            (table("Files, the least covered first", &["file", "lines", "reached", "missed lines"], files.iter().map(line)))
            (cut(facts.by_file.len() as u64, facts.by_file.len()))
        }
    }
}

/// Lines reached of one file, in percent; a file without lines misses none.
#[expect(clippy::cast_precision_loss, reason = "lines of one file are few")]
fn percent(file: &FileLines) -> f64 {
    let (hit, missed) = (file.hit.count(), file.missed.count());
    match hit + missed {
        0 => 100.0,
        all => hit as f64 / all as f64 * 100.0,
    }
}

fn shortened(lines: &str) -> String {
    match lines.char_indices().nth(LINES_CHARS_MAX) {
        Some((end, _)) => {
            let whole = lines[..end].rfind(',').unwrap_or(end);
            format!("{}, ..", &lines[..whole])
        }
        None => lines.replace(',', ", "),
    }
}

fn findings(visitor: &Visitor, shown: &Shown<'_>, facts: &FindingFacts) -> Markup {
    let line = |finding: &Finding| {
        html! {
            th scope="row" {
                (severity_sign(finding.severity).plain(finding.severity.name()))
                @if let Some(score) = finding.score { div.age.num { "CVSS " (format!("{score:.1}")) } }
                @if finding.exploited == Some(true) { div { (Sign(Tone::Bad, "‼").plain("exploited")) } }
            }
            td {
                @if let Some(rule) = &finding.rule { code.break { (rule) } }
                div.age { (finding.tool) @for name in finding.cwe.iter().chain(&finding.aliases) { " · " (name) } }
            }
            td {
                @if let Some(package) = &finding.package {
                    code.break { (package.name) " " (package.version) }
                    div.age { @match &package.fixed_in { Some(fixed) => { "mended in " code { (fixed) } } None => { "not mended anywhere yet" } } }
                }
                (source::place(Some(shown.release), finding.file.as_deref(), finding.line))
            }
            td.break { (finding.message) }
            td {
                code { (finding.identity) }
                @for one in shown.waived(finding) {
                    div { (Sign(Tone::Wait, "△").plain("waived")) @if let Some(stage) = &one.waiver.stage { " in " (stage) } }
                    div.age { (terms(visitor, one)) }
                }
                @if visitor.may(Scope::Waive) && shown.waived(finding).all(|one| one.waiver.stage.is_some()) {
                    div { a href=(link::waive(&shown.release.of, &shown.release.version, &shown.evidence.id, &finding.identity, None)) { "Waive" } }
                }
                @if finding.known == Some(true) { div.age { "known to the tool before" } }
            }
        }
    };
    html! {
        (counts(&Severity::ALL.map(|severity| (severity.name(), facts.of_severity(severity)))))
        p.sub { "found by " (facts.tools.join(", ")) @if facts.suppressed > 0 { " · " (count(facts.suppressed)) " more that the tool itself says were accepted" } }
        (waive::form(visitor, shown, facts))
        @if !facts.findings.is_empty() {
            (table("Findings, the gravest first", &["severity", "rule", "where", "what", "identity"], facts.findings.iter().map(line)))
            (cut(facts.total(), facts.findings.len()))
            p.sub { "An identity is what " code { "gateline waive" } " takes." }
        }
    }
}

fn sbom(facts: &SbomFacts) -> Markup {
    let SbomFacts {
        spec,
        tools,
        subject,
        total,
        without_version,
        without_licence,
        without_purl,
        relations,
        components,
    } = facts;
    let mut sorted: Vec<_> = components.iter().collect();
    sorted.sort_by_key(|component| !component.licences.is_empty());
    let line = |component: &&gateline_model::Component| {
        html! {
            th scope="row" { code.break { (component.name) } }
            td.break { (component.version) }
            td.break { @if component.licences.is_empty() { (Sign(Tone::Wait, "△").plain("none")) } @else { (component.licences.join(", ")) } }
            td { @if let Some(purl) = &component.purl { code.break { (purl) } } }
        }
    };
    html! {
        (counts(&[("components", *total), ("without a licence", *without_licence), ("without a version", *without_version), ("without a package URL", *without_purl)]))
        p.sub {
            (spec) @if !tools.is_empty() { " by " (tools.join(", ")) }
            @if let Some(subject) = subject { " · describes " (subject) }
            " · what depends on what is " @if *relations { "told" } @else { "not told" }
        }
        @if !components.is_empty() {
            (table("Components, those without a licence first", &["component", "version", "licences", "package URL"], sorted.iter().map(line)))
            (cut(*total, components.len()))
        }
    }
}

fn plan(facts: &PlanFacts) -> Markup {
    let PlanFacts {
        tool,
        create,
        update,
        delete,
        replace,
        unchanged,
        drifted,
        changes,
    } = facts;
    let sign = |action: PlanAction| match action {
        PlanAction::Delete => Sign(Tone::Bad, "✗"),
        PlanAction::Replace => Sign(Tone::Bad, "↶"),
        PlanAction::Update => Sign(Tone::Wait, "△"),
        PlanAction::Create => Sign(Tone::Quiet, "○"),
    };
    let mut sorted: Vec<_> = changes.iter().collect();
    sorted.sort_by_key(|change| match change.action {
        PlanAction::Delete => 0,
        PlanAction::Replace => 1,
        PlanAction::Update => 2,
        PlanAction::Create => 3,
    });
    let line = |change: &&gateline_model::PlanChange| {
        html! {
            th scope="row" { (sign(change.action).plain(change.action.name())) }
            td { code.break { (change.address) } }
            td { code.break { (change.of) } }
            td.break { (change.because.join(", ")) }
        }
    };
    html! {
        (counts(&[("to delete", *delete), ("to replace", *replace), ("to update", *update), ("to create", *create), ("unchanged", *unchanged), ("drifted", *drifted)]))
        p.sub { (tool) }
        @if !changes.is_empty() {
            (table("Changes, what is lost first", &["action", "address", "type", "forced by"], sorted.iter().map(line)))
            (cut(create + update + delete + replace, changes.len()))
        }
    }
}

fn attestation(facts: &AttestationFacts) -> Markup {
    html! {
        @for statement in &facts.statements {
            article.panel {
                p { b.break { (statement.predicate_type.as_deref().unwrap_or("bare signature")) } @if let Some(result) = &statement.result { ": " (result) } }
                p { (signature(&statement.signature)) }
                p.age { "about " @for subject in &statement.subjects { code title=(subject) { (subject.short()) } " " } }
                @if let Some(provenance) = &statement.provenance { (build(provenance)) }
            }
        }
    }
}

fn build(provenance: &Provenance) -> Markup {
    let Provenance {
        builder,
        build_type,
        source,
        source_ref,
        commit,
        parameters,
        inputs,
        invocation,
    } = provenance;
    let inputs = inputs.as_ref().map(ToString::to_string);
    let rows = [
        ("builder", Some(builder)),
        ("build type", Some(build_type)),
        ("source", source.as_ref()),
        ("ref", source_ref.as_ref()),
        ("commit", commit.as_ref()),
        ("inputs", inputs.as_ref()),
        ("run", invocation.as_ref()),
    ];
    html! {
        dl.facts {
            @for (name, text) in rows { @if let Some(text) = text { dt { (name) } dd.break { (text) } } }
            @for (name, value) in parameters { dt { "parameter" } dd.break { (name) " = " (value) } }
        }
    }
}

fn vex(facts: &VexFacts) -> Markup {
    let sign = |status: VexStatus| match status {
        VexStatus::Affected => Sign(Tone::Bad, "✗"),
        VexStatus::UnderInvestigation => Sign(Tone::Wait, "?"),
        VexStatus::NotAffected | VexStatus::Fixed => Sign(Tone::Good, "✓"),
    };
    let line = |one: &gateline_model::VexStatement| {
        html! {
            th scope="row" { (sign(one.status).plain(&one.status.name().replace('_', " "))) }
            td { code.break { (one.vulnerability.join(", ")) } }
            td.break { @if one.products.is_empty() { "the whole release" } @else { (one.products.join(", ")) } }
            td.break { (one.justification.as_deref().unwrap_or("no reason given")) }
        }
    };
    html! {
        @if let Some(author) = &facts.author { p.sub { "said by " (author) } }
        (table("Statements", &["status", "vulnerability", "about", "why"], facts.statements.iter().map(line)))
        (cut(facts.statements.len() as u64, facts.statements.len()))
    }
}

fn patch(facts: &PatchFacts) -> Markup {
    let line = |file: &gateline_model::PatchFile| {
        html! {
            th scope="row" { code.break { (file.path) } }
            td.num { (count(file.added.count())) }
            td.num.break { (shortened(&file.added.to_string())) }
        }
    };
    html! {
        (counts(&[("lines added", facts.added), ("lines removed", facts.removed)]))
        (table("Files", &["file", "added", "new lines"], facts.files.iter().map(line)))
        (cut(facts.files.len() as u64, facts.files.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_of_lines_ends_at_a_whole_range() {
        assert_eq!(shortened("3-7,12"), "3-7, 12");
        let many: Vec<String> = (100..200).step_by(2).map(|line| line.to_string()).collect();
        let text = shortened(&many.join(","));
        assert!(
            text.ends_with(", ..") && text.len() < LINES_CHARS_MAX + 5,
            "{text}"
        );
        let last = text.trim_end_matches(", ..").rsplit(',').next();
        assert_eq!(last.map(str::len), Some(3), "no number is cut: {text}");
    }
}
