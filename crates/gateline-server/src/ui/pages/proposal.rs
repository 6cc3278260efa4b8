//! The page of a proposal.

use gateline_api::ProposalPath;
use maud::Markup;

use crate::refused::Refused;
use crate::ui::answers::Signing;
use crate::ui::forms::Tried;
use crate::ui::proposal::{Shown, page};
use crate::ui::visit::Visit;
use crate::views;

pub(in crate::ui) async fn proposal(mut visit: Visit) -> Result<Markup, Refused> {
    let path: ProposalPath = visit.path().await?;
    proposal_again(&visit, &path, None).await
}

pub(in crate::ui) async fn proposal_again(
    visit: &Visit,
    path: &ProposalPath,
    tried: Option<&Tried>,
) -> Result<Markup, Refused> {
    let hub = &visit.app.hub;
    let detail = views::proposal_detail(hub, &visit.sight, &path.id()).await?;
    let preview = views::preview(hub, &visit.sight, &path.id()).await?;
    let may = views::may_answer_proposal(hub, &path.id(), &visit.visitor.actor);
    let may = may.map(|tier| Signing::of(tier, visit.has_passkey()));
    let shown = Shown {
        view: &detail.view,
        meaning: detail.meaning.as_deref(),
        difference: &detail.difference,
        preview: &preview,
        may: may.as_ref().map(Option::as_ref).map_err(String::as_str),
        tried,
    };
    Ok(page(&visit.visitor, &shown))
}
