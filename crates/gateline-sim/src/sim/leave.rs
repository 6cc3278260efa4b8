//! Leaving: a replica that is told to stop hands its work over, as the server does, and its process ends.
//!
//! What looks is ended at once, what acts on the outside when it is over or its time is. Then nothing is leased to it any more,
//! so that another one goes on at once.

use gateline_engine::{HandOver, Input, LEASE, Task};
use gateline_model::Span;
use gateline_store::Read;
use jiff::Timestamp;

use super::{Act, Delivery, Sim, Who};

/// How long what acts on the outside may go on.
const WITHIN: Span = Span::from_secs(10);
/// Time between two looks at whether everything has ended.
const LOOK_EVERY: Span = Span::from_millis(200);

/// How far a replica is with stopping.
#[derive(Debug, Clone, Copy)]
pub(super) enum Leave {
    /// It was told to.
    Told { back_after: Span },
    /// What acts on the outside may go on until then.
    Acts { until: Timestamp, back_after: Span },
    /// The store has taken everything that was asked of it; all was handed over at this moment, if all was.
    Gone {
        all: Option<Timestamp>,
        back_after: Span,
    },
}

impl Sim {
    /// A replica is told to stop; another process takes its place.
    pub(crate) fn stop(&mut self, replica: usize, back_after: Span) {
        self.note(format!("replica {replica} is told to stop for {back_after}"));
        let who = self.who(replica);
        self.later(Span::ZERO, Delivery::Leave(who, Leave::Told { back_after }));
    }

    pub(super) fn leave(&mut self, who: Who, leave: Leave) {
        if self.who(who.replica) != who {
            return;
        }
        let paused_until = self.replicas[who.replica].paused_until;
        if paused_until > self.now {
            return self.at(paused_until, Delivery::Leave(who, leave));
        }
        match leave {
            // Told twice is told once.
            Leave::Told { .. } if self.replicas[who.replica].ended.is_some() => {}
            Leave::Told { back_after } => {
                self.hand_over(who, HandOver::Looks);
                let until = WITHIN.after(self.now);
                self.later(
                    LOOK_EVERY,
                    Delivery::Leave(who, Leave::Acts { until, back_after }),
                );
            }
            Leave::Acts { until, .. } if self.now < until && !self.is_idle(who) => {
                self.later(LOOK_EVERY, Delivery::Leave(who, leave));
            }
            Leave::Acts { back_after, .. } => {
                self.hand_over(who, HandOver::All);
                // Work that was asked for and has not come is leased all the same, until its lease ends by itself.
                let all = self.is_idle(who).then_some(self.now);
                self.in_order(who, Delivery::Leave(who, Leave::Gone { all, back_after }));
            }
            Leave::Gone { all, back_after } => {
                if all.is_some_and(|all| self.store_down_until <= all) {
                    self.nothing_is_leased_to(who);
                }
                self.note(format!("replica {} has stopped", who.replica));
                self.end(who.replica, back_after);
            }
        }
    }

    /// Whether a process does nothing of this any more.
    pub(super) fn is_ended(&self, who: Who, task: &Task) -> bool {
        let ended = self.replicas[who.replica].ended;
        ended.is_some_and(|ended| ends(ended, task))
    }

    fn hand_over(&mut self, who: Who, what: HandOver) {
        let waiting = std::mem::take(&mut self.waiting);
        let rng = &mut self.rng;
        let mut stays = |delivery: &Delivery| match delivery {
            Delivery::Act(of, Act::Look(task)) => *of != who || !ends(what, task),
            // It may be on its way already.
            Delivery::Act(of, Act::Apply(task, _)) | Delivery::Input(of, Input::Observed(task, _)) => {
                *of != who || !ends(what, task) || rng.chance(500)
            }
            Delivery::Act(..)
            | Delivery::Input(..)
            | Delivery::Tail(_)
            | Delivery::Restart(_)
            | Delivery::Leave(..) => true,
        };
        self.waiting = waiting
            .into_iter()
            .filter(|(_, delivery)| stays(delivery))
            .collect();
        self.replicas[who.replica].ended = Some(what);
        self.step(who, Input::HandOver(what));
        self.wake_others(who.replica);
    }

    fn is_idle(&self, who: Who) -> bool {
        let engine = self.replicas[who.replica].engine.as_ref();
        engine.is_none_or(gateline_engine::Engine::is_idle)
    }

    /// Another replica can take everything over at once, but for what the store did not keep: its lease brings that back.
    fn nothing_is_leased_to(&mut self, who: Who) {
        let mut rows = self.store.work().expect("memory can be read");
        let kept_until = LEASE.after(self.replicas[who.replica].refused_at).max(self.now);
        rows.retain(|row| row.leased_until > Some(kept_until) && self.book.has_lease(who, row));
        for row in rows {
            let what = format!(
                "`{}` is leased to replica {} until {:?}, which handed everything over",
                row.work.id(),
                who.replica,
                row.leased_until
            );
            self.book.violated(self.now, what);
        }
    }
}

fn ends(what: HandOver, task: &Task) -> bool {
    match what {
        HandOver::Looks => task.only_looks(),
        HandOver::All => true,
    }
}
