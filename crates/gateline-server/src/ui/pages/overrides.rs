//! The page of overrides.

use maud::Markup;
use serde::Deserialize;

use super::name;
use crate::refused::Refused;
use crate::ui::forms::Tried;
use crate::ui::overrides::page;
use crate::ui::visit::Visit;
use crate::views;

/// What the address of the page may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OverridesAddress {
    project: String,
}

pub(in crate::ui) async fn overrides(visit: Visit) -> Result<Markup, Refused> {
    overrides_again(&visit, None).await
}

pub(in crate::ui) async fn overrides_again(visit: &Visit, tried: Option<&Tried>) -> Result<Markup, Refused> {
    let OverridesAddress { project } = visit.query()?;
    let view = views::overrides(&visit.app.hub, &visit.sight, name(&project)?.as_ref()).await?;
    Ok(page(&visit.visitor, &view, project.trim(), tried))
}
