//! Inboxes: what waits on somebody is exactly what that person is asked and would be taken at the word for. The one is read
//! from a projection, a page at a time; the other by asking of every promotion.

use std::collections::BTreeSet;

use gateline_core::{Actor, Look, People, Promotion, inbox, may_answer, standing_for};
use gateline_model::{ActorId, PromotionId, Who};

use crate::sim::Sim;

/// Small, so that there is a second page.
const PAGE: usize = 2;

/// Notes where the inbox of somebody has too much, too little, or another order.
pub(crate) fn is_what_may_be_answered(sim: &mut Sim, who: &ActorId) {
    let (world, now) = (&sim.book.world, sim.now);
    let mut read: Vec<PromotionId> = Vec::new();
    let mut after = None;
    loop {
        let look = Look {
            project: None,
            after,
            size: PAGE,
        };
        let page = inbox(world, who, &look, now);
        read.extend(page.items.into_iter().map(|waiting| waiting.promotion));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    // Asked by what is recorded: whoever steps in when a time is over is asked as soon as that is judged.
    let asks = |promotion: &Promotion| {
        let people = People::of(world, &promotion.id.stage.project, now);
        let verdicts = promotion.decision.iter().flat_map(|decision| &decision.verdicts);
        let mut asked = verdicts
            .filter(|gate| gate.is_asking())
            .flat_map(|gate| &gate.changed_by);
        asked.any(|asked| {
            asked
                .parse()
                .is_ok_and(|asked: Who| people.seat(who, &[asked], &[]).is_some())
        })
    };
    let said_no = |promotion: &Promotion, seat: &ActorId| {
        let mut refusals = promotion.refusals.iter();
        refusals.any(|(_, answer)| answer.by == *who || answer.seat() == seat)
    };
    let due: BTreeSet<PromotionId> = world
        .promotions()
        .filter(|promotion| asks(promotion))
        .filter(|promotion| match may_answer(world, &promotion.id, who, now).yes {
            Ok(waiting) => !said_no(promotion, waiting.instead_of.as_ref().unwrap_or(who)),
            Err(_) => false,
        })
        .map(|promotion| promotion.id.clone())
        .collect();
    let once: BTreeSet<PromotionId> = read.iter().cloned().collect();
    if once != due || once.len() != read.len() {
        let what = format!("the inbox of {who} is {read:?}, and what they may answer is {due:?}");
        sim.book.violated(now, what);
    }
}

/// Notes where what stands still for a person is not exactly what is shown to those who may let it go on, each longest first.
pub(crate) fn shows_what_stands_still(sim: &mut Sim) {
    let (world, now) = (&sim.book.world, sim.now);
    let shown: Vec<PromotionId> = standing_for(world, &Actor::gateline(), None, now)
        .iter()
        .map(|promotion| promotion.id.clone())
        .collect();
    let since = |promotion: &Promotion| {
        let rollout = promotion.rollout().filter(|rollout| rollout.rollback.is_none())?;
        Some((rollout.paused?.1, promotion.id.clone()))
    };
    let still: BTreeSet<_> = world
        .promotions()
        .filter_map(|promotion| since(promotion))
        .collect();
    if !still.iter().map(|(_, id)| id).eq(&shown) {
        let what = format!("{shown:?} are shown as standing still, and {still:?} do");
        sim.book.violated(now, what);
    }
}
