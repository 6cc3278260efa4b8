//! The page of waivers.

use gateline_api::WaiverQuery;
use maud::Markup;
use serde::Deserialize;

use super::name;
use crate::refused::Refused;
use crate::ui::forms::Tried;
use crate::ui::visit::Visit;
use crate::ui::waivers::{Asked, page};
use crate::views;

/// What the address of the list may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WaiversAddress {
    project: String,
    pipeline: String,
}

pub(in crate::ui) async fn waivers(visit: Visit) -> Result<Markup, Refused> {
    waivers_again(&visit, None).await
}

pub(in crate::ui) async fn waivers_again(visit: &Visit, tried: Option<&Tried>) -> Result<Markup, Refused> {
    let WaiversAddress { project, pipeline } = visit.query()?;
    let query = WaiverQuery {
        project: name(&project)?,
        pipeline: name(&pipeline)?,
    };
    let list = views::waivers(&visit.app.hub, &visit.sight, &query).await?;
    let asked = Asked {
        project: project.trim(),
        pipeline: pipeline.trim(),
        tried,
    };
    Ok(page(&visit.visitor, &list, &asked))
}
