//! The page of the inbox.

use gateline_api::{InboxQuery, IncidentQuery};
use gateline_model::PromotionId;
use maud::Markup;
use serde::Deserialize;

use super::given;
use crate::refused::Refused;
use crate::ui::forms::Tried;
use crate::ui::inbox::{ANSWERED_SHOWN_MAX, Shown, page};
use crate::ui::incidents::waits;
use crate::ui::visit::Visit;
use crate::views;

/// Questions on one page of the inbox: each has its forms with it.
const INBOX_ROWS: u32 = 25;
/// Incidents on it; the page of incidents has all.
const INCIDENTS_SHOWN_MAX: usize = 10;

/// What the address of the inbox may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct InboxAddress {
    after: String,
}

pub(in crate::ui) async fn inbox(visit: Visit) -> Result<Markup, Refused> {
    let InboxAddress { after } = visit.query()?;
    inbox_again(&visit, &after, None).await
}

pub(in crate::ui) async fn inbox_again(
    visit: &Visit,
    after: &str,
    tried: Option<(&Tried, PromotionId)>,
) -> Result<Markup, Refused> {
    let (hub, actor) = (&visit.app.hub, &visit.visitor.actor);
    let query = InboxQuery {
        project: None,
        after: given(after),
        limit: Some(INBOX_ROWS),
    };
    let part = views::inbox(hub, actor, &query)?;
    let (answered, answered_all) = match after.is_empty() {
        true => views::answered(hub, &visit.sight, actor, ANSWERED_SHOWN_MAX),
        false => (Vec::new(), 0),
    };
    let delegations = match after.is_empty() {
        true => views::delegations_of(hub, &visit.sight, actor),
        false => Vec::new(),
    };
    let proposals = match after.is_empty() {
        true => views::proposals_waiting_on(hub, &visit.sight, &visit.caller.actor).await?,
        false => Vec::new(),
    };
    let incidents = match after.is_empty() {
        true => {
            let mut open = views::incidents(hub, &visit.sight, &IncidentQuery::default()).await?;
            open.retain(waits);
            open.truncate(INCIDENTS_SHOWN_MAX);
            open
        }
        false => Vec::new(),
    };
    let rollouts = match after.is_empty() {
        true => views::inbox_rollouts(hub, &visit.caller.actor, None).await?,
        false => Vec::new(),
    };
    let shown = Shown {
        part: &part,
        after,
        answered: &answered,
        answered_all,
        passkey: visit.has_passkey(),
        proposals: &proposals,
        incidents: &incidents,
        rollouts: &rollouts,
        delegations: &delegations,
        tried: tried.as_ref().map(|(tried, _)| *tried),
        about: tried.as_ref().map(|(_, about)| about),
    };
    Ok(page(&visit.visitor, &shown))
}
