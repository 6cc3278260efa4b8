//! The page of one's own keys.

use maud::Markup;

use crate::refused::Refused;
use crate::ui::forms::Tried;
use crate::ui::keys::{Shown, page};
use crate::ui::visit::Visit;
use crate::{signing, views};

pub(in crate::ui) async fn keys(visit: Visit) -> Result<Markup, Refused> {
    keys_again(&visit, None).await
}

pub(in crate::ui) async fn keys_again(visit: &Visit, tried: Option<&Tried>) -> Result<Markup, Refused> {
    let keys = views::keys(&visit.app.hub, Some(&visit.caller.actor.id));
    let (_, site) = signing::site(&visit.app, visit.headers());
    let shown = Shown {
        keys: &keys,
        passkeys: site.is_some(),
        tried,
    };
    Ok(page(&visit.visitor, &shown))
}
