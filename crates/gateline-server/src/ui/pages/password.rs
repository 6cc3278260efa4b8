//! The page of one's own password.

use maud::Markup;

use crate::refused::Refused;
use crate::ui::forms::Tried;
use crate::ui::password::page;
use crate::ui::visit::Visit;
use crate::views;

pub(in crate::ui) async fn password(visit: Visit) -> Result<Markup, Refused> {
    Ok(password_again(&visit, None))
}

pub(in crate::ui) fn password_again(visit: &Visit, tried: Option<&Tried>) -> Markup {
    let account = views::own_account(&visit.app.hub, &visit.caller);
    page(&visit.visitor, account.as_ref(), tried)
}
