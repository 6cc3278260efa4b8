//! The inbox: what waits on an actor now, oldest first, a page of it. A promotion is in it if the actor's answer would be
//! taken, a rollout that stands still if the actor may promote there: the rule is that of the answers themselves.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Bound;

use gateline_model::{ActorId, ProjectName, PromotionId, Scope, Tier, Who};
use jiff::Timestamp;

use crate::approvals;
use crate::asking::Place;
use crate::authority::{self, Object};
use crate::command::{Actor, Credential, Facts};
use crate::decide::answer;
use crate::draft::Draft;
use crate::people::People;
use crate::rejection::Rejection;
use crate::state::Promotion;
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
    /// Whether a yes needs a comment.
    pub comment: bool,
    /// How strongly a yes must be bound.
    pub signed: Tier,
}

/// Which answers would be taken.
#[derive(Debug)]
pub struct MayAnswer {
    /// How a yes would count, or the rejection that it would get.
    pub yes: Result<Waiting, Rejection>,
    /// Whether a no would: also where the layer has its count, until the release is admitted.
    pub no: bool,
}

/// What of an inbox is looked at.
#[derive(Debug, Clone)]
pub struct Look<'a> {
    /// Only this project.
    pub project: Option<&'a ProjectName>,
    /// Only what stands behind this place.
    pub after: Option<(Timestamp, PromotionId)>,
    /// So many at most.
    pub size: usize,
}

/// A page of what waits on an actor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbox {
    /// Oldest first.
    pub items: Vec<Waiting>,
    /// Where the next page begins, where there is more.
    pub next: Option<(Timestamp, PromotionId)>,
}

/// What waits on an actor, oldest first. Reads what the actor's teams are asked, and of that no more than a page.
pub fn inbox(world: &World, actor: &ActorId, look: &Look<'_>, now: Timestamp) -> Inbox {
    let facts = looking(actor, now);
    let draft = Draft::new(world, &facts);
    let mut found = Inbox {
        items: Vec::new(),
        next: None,
    };
    let mut seen: HashSet<&PromotionId> = HashSet::new();
    let mut lists: Vec<_> = of_interest(world, actor, look, now)
        .into_iter()
        .map(|places| behind(places, look.after.as_ref()).peekable())
        .collect();
    let mut last: Option<&Place> = None;
    // The lists are in order; the oldest of their heads is the next one.
    while let Some((place, list)) = lists
        .iter_mut()
        .filter_map(|list| Some((*list.peek()?, list)))
        .min_by_key(|(head, _)| *head)
    {
        list.next();
        if !seen.insert(&place.1) || cannot(world, &place.1, actor) {
            continue;
        }
        let Ok(waiting) = answer::may_approve(&draft, &place.1) else {
            continue;
        };
        if said_no(world, &waiting, actor) {
            continue;
        }
        if found.items.len() == look.size {
            found.next = last.cloned();
            break;
        }
        found.items.push(waiting);
        last = Some(place);
    }
    found
}

/// The rollouts that stand still for a person and that the actor may let go on or end, those that stand longest first.
pub fn standing_for<'w>(
    world: &'w World,
    actor: &Actor,
    project: Option<&ProjectName>,
    now: Timestamp,
) -> Vec<&'w Promotion> {
    let mut people: HashMap<&ProjectName, People> = HashMap::new();
    let mut found: Vec<&Promotion> = world
        .standing(project)
        .map(AsRef::as_ref)
        .filter(|promotion| {
            let stage = &promotion.id.stage;
            let people = people
                .entry(&stage.project)
                .or_insert_with(|| People::of(world, &stage.project, now));
            authority::by_people(world, people, actor, Scope::Promote, &Object::stage(stage)).is_ok()
        })
        .collect();
    found.sort_by(|a, b| (a.stands_since(), &a.id).cmp(&(b.stands_since(), &b.id)));
    found
}

/// Which answers of an actor to a promotion would be taken now.
pub fn may_answer(world: &World, promotion: &PromotionId, actor: &ActorId, now: Timestamp) -> MayAnswer {
    answer::may_answer(&Draft::new(world, &looking(actor, now)), promotion)
}

/// What an actor answered and may take back yet, the last answer first.
pub fn answered(world: &World, actor: &ActorId) -> Vec<(Timestamp, PromotionId)> {
    let mut found: Vec<Place> = world.asking().answered_by(actor).cloned().collect();
    found.reverse();
    found
}

/// Whoever looks shows nothing: what is looked for is whom the layers ask.
fn looking(actor: &ActorId, now: Timestamp) -> Facts {
    let actor = Actor {
        id: actor.clone(),
        name: None,
        shown: Credential::Session,
    };
    Facts { now, actor }
}

/// The places of those that ask a team of the actor, the actor by name, or owners, which depends on the paths.
fn of_interest<'w>(
    world: &'w World,
    actor: &ActorId,
    look: &Look<'_>,
    now: Timestamp,
) -> Vec<&'w BTreeSet<Place>> {
    let projects = world
        .asking()
        .projects()
        .filter(|(project, _)| look.project.is_none_or(|only| only == *project));
    projects
        .flat_map(|(project, asked)| {
            let people = People::of(world, project, now);
            let concerns = move |who: &Who| {
                *who == Who::Owners || people.seat(actor, std::slice::from_ref(who), &[]).is_some()
            };
            asked
                .iter()
                .filter(move |(who, _)| concerns(who))
                .map(|(_, places)| places)
        })
        .collect()
}

fn behind<'w>(
    places: &'w BTreeSet<Place>,
    after: Option<&Place>,
) -> impl Iterator<Item = &'w Place> + use<'w> {
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    places.range((from, Bound::Unbounded))
}

/// Whether no layer of the stage takes an answer of the actor, whatever the rest is: who asked for ten thousand
/// promotions does not have each of them judged.
fn cannot(world: &World, id: &PromotionId, actor: &ActorId) -> bool {
    let Some(promotion) = world.promotion(id) else {
        return true;
    };
    let release = world.release(&promotion.release);
    let pipeline = world
        .project(&id.stage.project)
        .and_then(|project| project.versions.get(&promotion.pipeline));
    let Some((release, stage)) = release.zip(pipeline.and_then(|one| one.stage(&id.stage.stage))) else {
        return true;
    };
    let authority = stage.approval.iter().any(|rule| rule.authority.is_some());
    let mut layers = stage.approval.iter().flat_map(|rule| &rule.layers);
    !authority && layers.all(|layer| approvals::excluded(promotion, release, layer, actor).is_some())
}

/// Whether the actor, or whose place the actor has, said no and leaves it at that.
fn said_no(world: &World, waiting: &Waiting, actor: &ActorId) -> bool {
    let refusals = world.promotion(&waiting.promotion).into_iter();
    let mut refusals = refusals.flat_map(|promotion| &promotion.refusals);
    let seat = waiting.instead_of.as_ref().unwrap_or(actor);
    refusals.any(|(_, answer)| answer.by == *actor || answer.seat() == seat)
}
