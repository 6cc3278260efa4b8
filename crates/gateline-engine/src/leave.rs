//! Leaving: a replica that is about to stop takes no more work and gives back what it has, so that another one goes on at
//! once instead of when a lease has run out.
//!
//! What only looks is given back first: another replica looks again. What acts on the outside may end while there is time.
//! Knows no time limit: the rim says when it is over.

use gateline_core::planted::{Planted, is};
use gateline_model::{Work, WorkKind};
use jiff::Timestamp;

use crate::engine::Engine;
use crate::port::{HandOver, Output, Task};

impl Engine {
    /// Takes nothing more, and gives back what it holds, as far as it is told to.
    pub(crate) fn hand_over_work(&mut self, what: HandOver, out: &mut Vec<Output>) {
        self.leaving = true;
        let goes = |work: &Work| match what {
            HandOver::Looks => only_looks(work),
            HandOver::All => true,
        };
        // At the time at which it was due: how long nobody looked is counted from there.
        let gone = self.held.extract_if(.., |_, held| goes(&held.work));
        let given_back = gone.map(|(_, held)| Output::Release(held.fence, held.work.due));
        out.extend(given_back.filter(|_| !is(Planted::KeptLease)));
    }

    /// Whether everything that was asked of this replica is answered and nothing is held. Requests may still come.
    pub fn is_idle(&self) -> bool {
        let (waiting, held) = self.load();
        waiting == 0 && held == 0 && self.in_flight.is_empty() && !self.claiming
    }

    /// When work is due again that came after everything was to be handed over; none where it is still begun here.
    pub(crate) fn declined(&self, work: &Work) -> Option<Timestamp> {
        (self.leaving && only_looks(work)).then_some(work.due)
    }
}

impl Task {
    /// Whether it changes nothing outside: broken off, it is harmless.
    pub fn only_looks(&self) -> bool {
        only_looks(&self.leased.work)
    }
}

/// Whether the work changes nothing outside: done twice, or broken off, it is harmless. What Gateline decides by itself is
/// not among it: that takes no time, and is done.
fn only_looks(work: &Work) -> bool {
    match work.kind {
        WorkKind::CheckEntry { .. }
        | WorkKind::CheckStep { .. }
        | WorkKind::CheckVerify { .. }
        | WorkKind::Measure
        | WorkKind::ObserveHealth
        | WorkKind::Watch { .. }
        | WorkKind::MeasureNoise { .. }
        | WorkKind::AskOnCall { .. } => true,
        WorkKind::Step { .. }
        | WorkKind::Deliver { .. }
        | WorkKind::Judge
        | WorkKind::Continue { .. }
        | WorkKind::EndWatch => false,
    }
}
