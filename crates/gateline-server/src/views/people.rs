//! People: delegations, and what waits on an actor.

use gateline_api::{DelegationView, InboxItem, InboxQuery, Page, entry, page_size};
use gateline_core::{Inbox, Look, Phase, Sight, Waiting, World};
use gateline_model::{ActorId, GateVerdict, ProjectName, PromotionId, Version};
use jiff::Timestamp;

use crate::hub::Hub;
use crate::refused::Refused;

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

/// What an actor handed on or was handed, in every project, that is not over.
pub(crate) fn delegations_of(
    hub: &Hub,
    sight: &Sight,
    actor: &ActorId,
) -> Vec<(ProjectName, DelegationView)> {
    let projects = super::project_names(hub, sight);
    let mut found: Vec<(ProjectName, DelegationView)> = projects
        .into_iter()
        .flat_map(|project| {
            let here = delegations(hub, &project);
            here.into_iter().map(move |view| (project.clone(), view))
        })
        .filter(|(_, view)| [&view.delegation.by, &view.delegation.to].contains(&actor))
        .collect();
    found.sort_by(|a, b| (a.1.delegation.until, &a.0).cmp(&(b.1.delegation.until, &b.0)));
    found
}

/// What waits on an actor, oldest first, a page of it.
pub(crate) fn inbox(hub: &Hub, actor: &ActorId, query: &InboxQuery) -> Result<Page<InboxItem>, Refused> {
    let look = Look {
        project: query.project.as_ref(),
        after: query.after.as_deref().map(place).transpose()?,
        size: page_size(query.limit),
    };
    Ok(hub.with_world(|world| {
        let Inbox { items, next } = gateline_core::inbox(world, actor, &look, Timestamp::now());
        Page {
            items: items.iter().filter_map(|waiting| item(world, waiting)).collect(),
            next: next.map(|(since, promotion)| format!("{since} {promotion}")),
        }
    }))
}

/// Where a page of the inbox begins, as the page before wrote it.
fn place(text: &str) -> Result<(Timestamp, PromotionId), Refused> {
    let place = text
        .split_once(' ')
        .and_then(|(since, promotion)| Some((since.parse().ok()?, promotion.parse().ok()?)));
    place.ok_or_else(|| {
        let says = format!("`after`: `{text}` is not the `next` of an inbox");
        Refused::new(&entry::QUERY, says)
    })
}

fn item(world: &World, waiting: &Waiting) -> Option<InboxItem> {
    let Waiting {
        promotion: id,
        from,
        instead_of,
        since,
        until,
        by_name,
        comment,
        signed,
    } = waiting.clone();
    let promotion = world.promotion(&id)?;
    let decision = promotion.decision.as_ref()?;
    let asking = decision.verdicts.iter().find(|gate| gate.kind == "approval");
    let live = world.stage(&id.stage).and_then(|stage| stage.live.as_ref());
    let live = live.and_then(|live| world.release(&live.release));
    Some(InboxItem {
        version: decision.version.clone(),
        live: live.map(|state| state.release.version.clone()),
        risk: decision.risk,
        headline: decision.headline.clone(),
        says: asking.map(|gate| gate.says.clone()).unwrap_or_default(),
        question: decision.question,
        promotion: id,
        from,
        instead_of,
        since,
        until,
        by_name,
        comment,
        signed,
    })
}

/// An answer that can be taken back yet.
pub(crate) struct Answered {
    pub(crate) promotion: PromotionId,
    pub(crate) version: Version,
    pub(crate) headline: String,
    pub(crate) at: Timestamp,
}

/// What an actor answered and may take back yet, the last answer first: so many at most, and how many there are.
pub(crate) fn answered(hub: &Hub, sight: &Sight, actor: &ActorId, most: usize) -> (Vec<Answered>, usize) {
    hub.with_world(|world| {
        let mut all = gateline_core::answered(world, actor);
        all.retain(|(_, id)| sight.sees_stage(&id.stage));
        let shown = all.iter().take(most).filter_map(|(at, id)| {
            let promotion = world.promotion(id)?;
            let release = world.release(&promotion.release)?;
            Some(Answered {
                promotion: id.clone(),
                version: release.release.version.clone(),
                headline: promotion.says(),
                at: *at,
            })
        });
        (shown.collect(), all.len())
    })
}

/// How an actor may answer a promotion now.
#[derive(Debug, Default)]
pub(crate) struct MayAnswer {
    /// How a yes would count, or why it would not; nothing where nobody is asked.
    pub(crate) yes: Option<Result<Waiting, String>>,
    /// Whether a no would be taken, also where enough people said yes.
    pub(crate) no: bool,
}

/// How an actor may answer a promotion now.
pub(crate) fn may_answer(hub: &Hub, actor: &ActorId, id: &PromotionId) -> MayAnswer {
    hub.with_world(|world| {
        let decision = world.promotion(id).and_then(|one| one.decision.as_ref());
        let is_asking = decision.is_some_and(|one| one.verdicts.iter().any(GateVerdict::is_asking));
        let may = gateline_core::may_answer(world, id, actor, Timestamp::now());
        MayAnswer {
            yes: is_asking.then(|| may.yes.map_err(|rejection| rejection.says)),
            no: may.no,
        }
    })
}

/// Whether an actor's answer to a promotion stands and can be taken back yet.
pub(crate) fn has_answered(hub: &Hub, actor: &ActorId, id: &PromotionId) -> bool {
    hub.with_world(|world| {
        let promotion = world.promotion(id).filter(|one| one.phase == Phase::Held);
        promotion.is_some_and(|one| one.answers().any(|answer| answer.by == *actor))
    })
}
