//! Releases: what one is made of, what it changes, its evidence and its life.

use gateline_api::{LifeStage, ReleaseSummary, ReleaseView};
use gateline_model::Found;
use jiff::Timestamp;

use super::time::{ago, clock, whole_secs};
use super::{Line, Page, Style, Table};

/// Releases, one row each.
pub(crate) fn releases(list: &[ReleaseSummary], now: Timestamp) -> Page {
    let mut page = Page::default();
    if list.is_empty() {
        page.line("no releases");
        return page;
    }
    let mut table = Table::headed(["release", "number", "kind", "registered", "id"]);
    for one in list {
        let breaking = if one.breaking { ", breaking" } else { "" };
        table.row([
            format!("{}@{}", one.of, one.version).into(),
            one.number.into(),
            format!("{}{breaking}", one.kind.word()).into(),
            ago(one.registered_at, now).into(),
            one.id.short().into(),
        ]);
    }
    page.table(table);
    page
}

/// One release, whole.
pub(crate) fn release(view: &ReleaseView, now: Timestamp) -> Page {
    let mut page = Page::default();
    let name = Line::new().strong(format!("{}@{}", view.of, view.version));
    page.line(name.plain(format!(
        "   number {}, registered {}",
        view.number,
        ago(view.registered_at, now)
    )));
    let mut table = Table::indented(2);
    let mut row = |name: &str, text: Line| table.row([Line::new().dim(name), text]);
    row("id", view.id.into());
    for artifact in &view.artifacts {
        row("artifact", format!("{} {}", artifact.name, artifact.at).into());
    }
    for (name, text) in view.change.rows(|at| clock(at, now)) {
        row(name, text.into());
    }
    match &view.text {
        Some(text) => {
            for author in &text.authors {
                row("author", author.into());
            }
            for line in text.notes.lines() {
                row("notes", line.into());
            }
        }
        None => row("notes", Line::new().dim("authors and notes were erased")),
    }
    page.table(table);

    page.gap();
    page.line("evidence");
    let mut table = Table::indented(2);
    for one in &view.evidence {
        let word = match one.found {
            Found::Facts { .. } => Line::new().good("read"),
            Found::Errored { .. } => Line::new().wait("errored"),
        };
        let kind = one.kind.as_deref().unwrap_or(&one.format);
        let name = one.name.as_deref().unwrap_or("");
        table.row([
            word,
            kind.into(),
            name.into(),
            (&one.says).into(),
            Line::new().dim(one.id.short()),
        ]);
    }
    if view.evidence.is_empty() {
        table.row([Line::new().dim("none")]);
    }
    page.table(table);

    page.gap();
    page.line("life");
    let mut table = Table::indented(2);
    for stage in &view.life {
        let (style, word) = stands(stage);
        let says = stage
            .promotions
            .first()
            .map(|last| last.says.as_str())
            .unwrap_or_default();
        let soaked = if stage.verified || stage.live {
            format!("soaked {}", whole_secs(stage.soaked))
        } else {
            String::new()
        };
        table.row([
            (&stage.stage).into(),
            Line::new().piece(style, word),
            soaked.into(),
            says.into(),
        ]);
    }
    page.table(table);
    page
}

/// Where a release stands in a stage.
fn stands(stage: &LifeStage) -> (Style, String) {
    if let Some(by) = &stage.barred_by {
        return (Style::Bad, format!("barred by {by}"));
    }
    let last = stage.promotions.first();
    match (stage.live, last) {
        (true, _) => (Style::Good, "live".to_owned()),
        (false, Some(last)) => (Style::of_state(last.state), last.state.to_string()),
        (false, None) => (Style::Dim, "not yet".to_owned()),
    }
}
