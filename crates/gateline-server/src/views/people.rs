//! People: delegations, and what waits on an actor.

use gateline_api::{DelegationView, InboxItem, InboxQuery, Page, page_size};
use gateline_core::Waiting;
use gateline_model::{ActorId, ProjectName};
use jiff::Timestamp;

use crate::hub::Hub;

/// The delegations of a project that were not ended and are not over.
pub(crate) fn delegations(hub: &Hub, project: &ProjectName) -> Vec<DelegationView> {
    let now = Timestamp::now();
    hub.with_world(|world| {
        let all = world
            .project(project)
            .into_iter()
            .flat_map(|state| &state.delegations);
        all.filter(|delegation| now < delegation.until)
            .map(|delegation| DelegationView {
                delegation: delegation.clone(),
                holds: delegation.holds(now),
            })
            .collect()
    })
}

/// What waits on an actor, oldest first, a page of it.
pub(crate) fn inbox(hub: &Hub, actor: &ActorId, query: &InboxQuery) -> Page<InboxItem> {
    let now = Timestamp::now();
    let size = page_size(query.limit);
    hub.with_world(|world| {
        let all = gateline_core::inbox(world, actor, query.project.as_ref(), now);
        let behind = |waiting: &&Waiting| {
            query
                .after
                .as_ref()
                .is_none_or(|after| key(waiting).as_str() > after.as_str())
        };
        let mut rest = all.iter().filter(behind);
        let items: Vec<InboxItem> = rest
            .by_ref()
            .take(size)
            .filter_map(|waiting| item(world, waiting))
            .collect();
        let more = rest.next().is_some();
        let next = items
            .last()
            .filter(|_| more)
            .map(|item| place(item.since, &item.promotion));
        Page { items, next }
    })
}

fn key(waiting: &Waiting) -> String {
    place(waiting.since, &waiting.promotion)
}

/// Where an item stands: the fixed width lets texts be compared as times are.
fn place(since: Timestamp, promotion: &gateline_model::PromotionId) -> String {
    format!("{:020} {promotion}", since.as_millisecond())
}

fn item(world: &gateline_core::World, waiting: &Waiting) -> Option<InboxItem> {
    let promotion = world.promotion(&waiting.promotion)?;
    let decision = promotion.decision.as_ref()?;
    Some(InboxItem {
        promotion: waiting.promotion.clone(),
        version: decision.version.clone(),
        risk: decision.risk,
        headline: decision.headline.clone(),
        question: decision.question,
        from: waiting.from.clone(),
        instead_of: waiting.instead_of.clone(),
        since: waiting.since,
        until: waiting.until,
        by_name: waiting.by_name,
    })
}
