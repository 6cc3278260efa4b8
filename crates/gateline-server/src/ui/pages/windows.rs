//! The page of windows.

use gateline_api::WindowQuery;
use maud::Markup;
use serde::Deserialize;

use super::name;
use crate::refused::Refused;
use crate::ui::visit::Visit;
use crate::ui::windows::{Asked, page};
use crate::views;

/// What the address of the page may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WindowsAddress {
    project: String,
    pipeline: String,
}

pub(in crate::ui) async fn windows(visit: Visit) -> Result<Markup, Refused> {
    let WindowsAddress { project, pipeline } = visit.query()?;
    let query = WindowQuery {
        project: name(&project)?,
        pipeline: name(&pipeline)?,
        days: None,
    };
    let list = views::timetables(&visit.app.hub, &visit.sight, &query);
    let asked = Asked {
        project: project.trim(),
        pipeline: pipeline.trim(),
    };
    Ok(page(&visit.visitor, &list, &asked))
}
