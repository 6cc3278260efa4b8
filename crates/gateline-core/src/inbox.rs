//! The inbox: what waits on an actor now, oldest first. A reading of the fold; judges nothing anew.

use std::collections::HashMap;

use gateline_model::{ActorId, ProjectName, PromotionId, Who};
use jiff::Timestamp;

use crate::people::People;
use crate::state::{Phase, Promotion};
use crate::world::World;

/// One promotion that waits on an actor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Which.
    pub promotion: PromotionId,
    /// By which right the actor may answer.
    pub from: Who,
    /// Instead of whom, where somebody handed answers on.
    pub instead_of: Option<ActorId>,
    /// Since when the question stands.
    pub since: Timestamp,
    /// How soon it should be answered.
    pub until: Option<Timestamp>,
    /// Whether the actor was asked by name.
    pub by_name: bool,
}

/// What waits on an actor, oldest first; only in one project where one is given.
pub fn inbox(world: &World, actor: &ActorId, only: Option<&ProjectName>, now: Timestamp) -> Vec<Waiting> {
    let mut people: HashMap<&ProjectName, People> = HashMap::new();
    let mut found: Vec<Waiting> = world
        .promotions()
        .filter(|promotion| promotion.phase == Phase::Held && !promotion.asked.is_empty())
        .filter(|promotion| only.is_none_or(|only| *only == promotion.id.stage.project))
        .filter_map(|promotion| {
            let project = &promotion.id.stage.project;
            let people = people
                .entry(project)
                .or_insert_with(|| People::of(world, project, now));
            waiting(world, people, promotion, actor)
        })
        .collect();
    found.sort_by(|a, b| (a.since, &a.promotion).cmp(&(b.since, &b.promotion)));
    found
}

fn waiting(world: &World, people: &People, promotion: &Promotion, actor: &ActorId) -> Option<Waiting> {
    let decision = promotion.decision.as_ref()?;
    let gate = decision.verdicts.iter().find(|gate| gate.kind == "approval")?;
    if !matches!(gate.code.as_str(), "approval.asked" | "approval.escalated") {
        return None;
    }
    // Who may answer now stands in the verdict, word for word as everybody is shown it.
    let asked: Vec<Who> = gate
        .changed_by
        .iter()
        .filter_map(|who| who.parse().ok())
        .collect();
    let change = &world.release(&promotion.release)?.release.change;
    let (from, instead_of) = people.seat(actor, &asked, &change.paths)?;
    let seat = instead_of.as_ref().unwrap_or(actor);
    let asked_for_it = !promotion.automatic && [actor, seat].contains(&&promotion.requested_by);
    let wrote_it = [actor, seat].iter().any(|who| change.written_by.contains(who));
    let answered = promotion
        .answers()
        .any(|answer| answer.by == *actor || answer.seat() == seat);
    if asked_for_it || wrote_it || answered {
        return None;
    }
    let layer = promotion
        .asked
        .iter()
        .filter(|layer| layer.from.0.contains(&from) || layer.until.is_some());
    let layer = layer.max_by_key(|layer| layer.at);
    Some(Waiting {
        promotion: promotion.id.clone(),
        from,
        instead_of,
        since: layer.map_or(gate.since, |layer| layer.at),
        until: layer.and_then(|layer| layer.until),
        by_name: promotion.named.contains(actor),
    })
}
