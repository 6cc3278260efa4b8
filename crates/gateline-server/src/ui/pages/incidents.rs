//! The page of incidents.

use gateline_api::IncidentQuery;
use maud::Markup;
use serde::Deserialize;

use super::name;
use crate::refused::Refused;
use crate::ui::forms::Tried;
use crate::ui::incidents::{Asked, page};
use crate::ui::visit::Visit;
use crate::views;

/// What the address of the list may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct IncidentsAddress {
    project: String,
    stage: String,
}

pub(in crate::ui) async fn incidents(visit: Visit) -> Result<Markup, Refused> {
    incidents_again(&visit, None).await
}

pub(in crate::ui) async fn incidents_again(visit: &Visit, tried: Option<&Tried>) -> Result<Markup, Refused> {
    let IncidentsAddress { project, stage } = visit.query()?;
    let query = IncidentQuery {
        project: name(&project)?,
        closed: true,
    };
    let list = views::incidents(&visit.app.hub, &visit.sight, &query).await?;
    let asked = Asked {
        project: project.trim(),
        stage: stage.trim(),
        tried,
    };
    Ok(page(&visit.visitor, &list, &asked))
}
