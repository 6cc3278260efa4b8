//! Again: promotions whose gates must be judged again, so many at a time. One freeze or one calendar may concern ten thousand of
//! them: judged all at once, nobody else would hear of a decision for seconds.
//!
//! Each waits in turn and once, however often it is named. Knows no reason why it must be judged.

use std::collections::BTreeSet;
use std::ops::Bound;

use gateline_core::Command;
use gateline_model::PromotionId;

use crate::engine::Engine;
use crate::port::Output;
use crate::queue::Pending;

/// Most promotions that are judged again before others have their turn: half of what one commit takes, and about ten
/// milliseconds of judging. Fewer make no decision faster than its commit; more keep others waiting.
pub(crate) const JUDGED_AGAIN_MAX: usize = 128;

/// Promotions to judge again, in the order of their ids.
#[derive(Debug, Default)]
pub(crate) struct Again {
    waiting: BTreeSet<PromotionId>,
    /// The last one that had its turn: those behind it come before those that are named anew in front of it.
    last: Option<PromotionId>,
}

impl Again {
    pub(crate) fn extend(&mut self, promotions: impl IntoIterator<Item = PromotionId>) {
        self.waiting.extend(promotions);
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whose turn it is.
    fn next(&mut self) -> Option<PromotionId> {
        let after = self.last.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let behind = self.waiting.range((after, Bound::Unbounded)).next();
        let next = behind.or_else(|| self.waiting.first())?.clone();
        self.waiting.remove(&next);
        self.last = (!self.waiting.is_empty()).then(|| next.clone());
        Some(next)
    }
}

impl Engine {
    /// Lets so many have their turn that no more than [`JUDGED_AGAIN_MAX`] are on their way.
    pub(crate) fn judge_some(&mut self) {
        if self.again.len() == 0 {
            return;
        }
        for _ in self.judged_again()..JUDGED_AGAIN_MAX {
            let Some(promotion) = self.again.next() else {
                return;
            };
            self.queue.push(Pending::own(Command::Judge { promotion }, None));
        }
    }

    /// Asks for another turn where some wait and nothing is on its way that would bring one: a judgement that changes nothing is
    /// not committed.
    pub(crate) fn go_on(&mut self, out: &mut Vec<Output>) {
        if !self.going_on && self.again.len() > 0 && self.judged_again() < JUDGED_AGAIN_MAX {
            self.going_on = true;
            out.push(Output::GoOn);
        }
    }

    /// How many are on their way from being judged again to being committed.
    fn judged_again(&self) -> usize {
        let ready = self.ready.iter().map(|(pending, _)| pending);
        let in_flight = self.in_flight.iter().flat_map(|batch| batch.pending());
        let all = self.queue.iter().chain(ready).chain(in_flight);
        all.filter_map(judged).count()
    }
}

/// The promotion of a judgement that nobody asked for and no lease brings back.
pub(crate) fn judged(pending: &Pending) -> Option<&PromotionId> {
    match (&pending.command, &pending.fence) {
        (Command::Judge { promotion }, None) => Some(promotion),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> PromotionId {
        format!("shop/app/live/{number}")
            .parse()
            .expect("it is a legal id")
    }

    #[test]
    fn who_is_named_again_and_again_waits_behind_the_others() {
        let mut again = Again::default();
        again.extend([3, 1, 4, 2].map(id));
        let mut turns = Vec::new();
        while let Some(next) = again.next() {
            if turns.len() < 4 {
                again.extend([id(1)]);
            }
            turns.push(next.number);
        }
        assert_eq!(turns, [1, 2, 3, 4, 1]);
        again.extend([2, 1].map(id));
        assert_eq!(again.next(), Some(id(1)), "it begins at the front again");
    }
}
