//! Pipelines: what is in force, and what a file would change.

use gateline_api::{PipelineBrief, PipelineView};
use gateline_model::Stage;
use gateline_spec::{Difference, What};

use super::stage::declared;
use super::{Line, Page, Style, Table};

/// Pipelines, one row each.
pub(crate) fn pipelines(list: &[PipelineBrief]) -> Page {
    let mut page = Page::default();
    if list.is_empty() {
        page.line("no pipelines yet");
        page.gap();
        page.hint("apply one with `gateline apply -f FILE`");
        return page;
    }
    let mut table = Table::headed(["pipeline", "stages", "releases", "version"]);
    for one in list {
        table.row([
            (&one.of).into(),
            one.stages.into(),
            one.releases.into(),
            one.version.short().into(),
        ]);
    }
    page.table(table);
    page
}

/// One version of a pipeline.
pub(crate) fn pipeline(view: &PipelineView) -> Page {
    let mut page = Page::default();
    let force = if view.in_force { "in force" } else { "not in force" };
    page.line(
        Line::new()
            .strong(&view.of)
            .plain(format!("   {}   {force}", view.version.short())),
    );
    for stage in &view.pipeline.stages {
        page.gap();
        page.line(Line::new().strong(&stage.name).plain(after(stage)));
        let mut table = Table::indented(2);
        declared(stage, &mut |name, text| table.row([Line::new().dim(name), text]));
        page.table(table);
    }
    page
}

fn after(stage: &Stage) -> String {
    let names: Vec<&str> = stage.after.iter().map(|name| name.as_str()).collect();
    let after = if names.is_empty() {
        String::new()
    } else {
        format!("   after {}", names.join(", "))
    };
    let production = if stage.production { "   production" } else { "" };
    format!("{after}{production}")
}

/// One difference between a file and what is in force.
pub(crate) fn difference(difference: &Difference) -> Line {
    let style = match difference.what {
        What::Added(_) => Style::Good,
        What::Removed(_) => Style::Bad,
        What::Changed { .. } => Style::Wait,
    };
    Line::new().piece(style, difference)
}
