//! Evidence: what a tool found, with its numbers.

use gateline_api::EvidenceView;
use gateline_evidence::{Complete, Read};
use gateline_model::{CoverageFacts, Facts, FindingFacts, Found, Outcome, Reading, TestFacts};
use jiff::Timestamp;

use super::time::ago;
use super::{Line, Page, Style, Table};

/// One piece of evidence, as rows of its parts.
pub(crate) fn evidence(view: &EvidenceView, now: Timestamp) -> Page {
    let mut page = Page::default();
    let (style, word) = match (&view.found, view.outcome) {
        (Found::Errored { .. }, _) | (_, Some(Outcome::Errored)) => (Style::Wait, "errored"),
        (Found::Facts { .. }, Some(Outcome::Failed)) => (Style::Bad, "failed"),
        (Found::Facts { .. }, Some(Outcome::Passed)) => (Style::Good, "passed"),
        (Found::Facts { .. }, None) => (Style::Good, "read"),
    };
    let kind = view.kind.as_deref().unwrap_or(&view.format);
    let name = view
        .name
        .as_ref()
        .map(|name| format!(" `{name}`"))
        .unwrap_or_default();
    page.line(
        Line::new()
            .piece(style, word)
            .plain(format!("  {kind}{name}  {}", view.says)),
    );
    let mut table = Table::indented(2);
    table.row([Line::new().dim("evidence"), view.id.into()]);
    if let Some(stage) = &view.stage {
        table.row([Line::new().dim("stage"), stage.into()]);
    }
    for artifact in &view.artifacts {
        table.row([Line::new().dim("artifact"), artifact.into()]);
    }
    table.row([
        Line::new().dim("by"),
        format!("{}, {}", view.by, ago(view.at, now)).into(),
    ]);
    for warning in &view.warnings {
        table.row([Line::new().wait("odd"), warning.into()]);
    }
    page.table(table);
    page
}

/// What a report says, read here without a server.
pub(crate) fn read_report(file: &str, read: &Read) -> Page {
    let Read {
        format,
        facts,
        complete,
        warnings,
    } = read;
    let mut page = Page::default();
    match complete {
        Complete::Yes => page.line(Line::new().good("read").plain(format!("  {file} as {format}"))),
        Complete::No { reason } => {
            page.line(
                Line::new()
                    .wait("errored")
                    .plain(format!("  {file} as {format}: {reason}")),
            );
        }
    }
    let mut table = Table::indented(2);
    for (name, number) in numbers(facts) {
        table.row([Line::new().dim(name), number.into()]);
    }
    for warning in warnings {
        table.row([Line::new().wait("odd"), warning.into()]);
    }
    page.table(table);
    page
}

fn numbers(facts: &Facts) -> Vec<(&'static str, String)> {
    match facts {
        Facts::Tests(tests) => of_tests(tests),
        Facts::Coverage(coverage) => of_coverage(coverage),
        Facts::Findings(findings) => of_findings(findings),
        Facts::Reading(reading) => vec![("reading", of_reading(reading))],
    }
}

fn of_tests(tests: &TestFacts) -> Vec<(&'static str, String)> {
    let mut rows = vec![
        ("tests", format!("{} in {:.1}s", tests.total, tests.duration_secs)),
        (
            "passed",
            format!("{}, {} of them flaky", tests.passed, tests.flaky),
        ),
        ("failed", tests.failed.to_string()),
        ("errored", tests.errored.to_string()),
        ("skipped", tests.skipped.to_string()),
    ];
    for suite in &tests.suites {
        rows.push(("suite", suite.clone()));
    }
    for case in &tests.failed_cases {
        rows.push(("case", format!("{}: {}", case.name, case.message)));
    }
    rows
}

fn of_coverage(coverage: &CoverageFacts) -> Vec<(&'static str, String)> {
    let share = |percent: Option<f64>, hit: u64, total: u64| match percent {
        Some(percent) => format!("{percent:.2}% ({hit} of {total})"),
        None => "nothing was measured".to_owned(),
    };
    let CoverageFacts {
        files,
        lines_total,
        lines_hit,
        branches_total,
        branches_hit,
        functions_total,
        functions_hit,
    } = coverage;
    let mut rows = vec![
        ("files", files.to_string()),
        ("lines", share(coverage.lines_percent(), *lines_hit, *lines_total)),
    ];
    if let (Some(hit), Some(total)) = (branches_hit, branches_total) {
        rows.push(("branches", share(coverage.branches_percent(), *hit, *total)));
    }
    if let (Some(hit), Some(total)) = (functions_hit, functions_total) {
        rows.push(("functions", share(coverage.functions_percent(), *hit, *total)));
    }
    rows
}

fn of_findings(findings: &FindingFacts) -> Vec<(&'static str, String)> {
    let mut rows = vec![
        ("tools", findings.tools.join(", ")),
        ("errors", findings.errors.to_string()),
        ("warnings", findings.warnings.to_string()),
        ("notes", findings.notes.to_string()),
        ("none", findings.none.to_string()),
        ("suppressed", findings.suppressed.to_string()),
    ];
    for finding in &findings.top {
        let rule = finding.rule.as_deref().unwrap_or("no rule");
        let file = finding.file.as_deref().unwrap_or("no file");
        let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
        rows.push((
            finding.level.name(),
            format!("{file}{line}: {} [{rule}]", finding.message),
        ));
    }
    rows
}

fn of_reading(reading: &Reading) -> String {
    match reading {
        Reading::Metric { value, query, source } => format!("{value} from {source} for `{query}`"),
        Reading::Http {
            status,
            latency_ms,
            body_matched: _,
            url,
        } => format!("{status} in {latency_ms}ms from {url}"),
        Reading::Command {
            exit_code,
            seconds,
            output_tail: _,
            output_digest: _,
        } => format!("exit code {exit_code} in {seconds:.1}s"),
    }
}
