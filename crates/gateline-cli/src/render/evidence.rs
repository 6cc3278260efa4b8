//! Evidence: what a tool found, with its numbers.

use gateline_api::EvidenceView;
use gateline_evidence::{Complete, Format, Read, ReadError};
use gateline_model::{FactRow, Found, Outcome};
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

/// Evidence, one row each.
pub(crate) fn evidence_list(views: &[EvidenceView], now: Timestamp) -> Page {
    let mut page = Page::default();
    if views.is_empty() {
        page.line("no evidence");
        return page;
    }
    let mut table = Table::headed([
        "evidence", "kind", "name", "format", "stage", "by", "when", "says",
    ]);
    for view in views {
        table.row([
            Line::from(view.id.short()),
            view.kind.as_deref().unwrap_or("errored").into(),
            view.name.as_deref().unwrap_or("").into(),
            (&view.format).into(),
            view.stage
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default()
                .into(),
            (&view.by).into(),
            ago(view.at, now).into(),
            (&view.says).into(),
        ]);
    }
    page.table(table);
    page
}

/// The facts of one piece of evidence, line by line.
pub(crate) fn facts(view: &EvidenceView) -> Page {
    let mut page = Page::default();
    if let Found::Facts { facts } = &view.found {
        let mut table = Table::indented(2);
        for FactRow { name, value } in facts.rows() {
            table.row([Line::new().dim(name), value.into()]);
        }
        page.table(table);
    }
    page.gap();
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
    for FactRow { name, value } in facts.rows() {
        table.row([Line::new().dim(name), value.into()]);
    }
    for warning in warnings {
        table.row([Line::new().wait("odd"), warning.into()]);
    }
    page.table(table);
    page
}

/// What is said of a report that was recognised and could not be read.
pub(crate) fn unread_report(file: &str, format: Format, err: &ReadError) -> Page {
    let mut page = Page::default();
    page.line(
        Line::new()
            .wait("errored")
            .plain(format!("  {file} as {format}: {err}")),
    );
    page
}
