//! The page of letters.

use maud::Markup;
use serde::Deserialize;

use super::name;
use crate::refused::Refused;
use crate::ui::letters::page;
use crate::ui::visit::Visit;
use crate::views;

/// What the address of the list may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LettersAddress {
    project: String,
}

pub(in crate::ui) async fn letters(visit: Visit) -> Result<Markup, Refused> {
    let LettersAddress { project } = visit.query()?;
    let list = views::all_letters(&visit.app.hub, &visit.sight, name(&project)?.as_ref());
    Ok(page(&visit.visitor, &list, project.trim()))
}
