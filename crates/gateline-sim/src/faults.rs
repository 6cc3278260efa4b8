//! Faults: how long things take, and what goes wrong. All drawn from the run's one source of chance.

use gateline_core::StepOutcome;
use gateline_engine::{Observed, TaskOrder};
use gateline_model::Span;

use crate::rng::Rng;
use crate::sim::Sim;

/// What a rehearsal may do to its engines.
#[derive(Debug, Clone)]
pub(crate) struct Faults {
    /// Whether anything goes wrong, or takes a time of its own.
    pub on: bool,
    /// How long a step takes where nothing goes wrong.
    pub step: Span,
    /// How long a check takes where nothing goes wrong.
    pub check: Span,
}

impl Faults {
    /// Nothing goes wrong: for scenarios.
    pub(crate) fn none() -> Self {
        Self {
            on: false,
            step: Span::from_secs(2),
            check: Span::from_secs(1),
        }
    }

    /// Everything may go wrong.
    pub(crate) fn all() -> Self {
        Self {
            on: true,
            ..Self::none()
        }
    }

    fn drawn(&self, rng: &mut Rng, from: i64, to: i64) -> Span {
        if self.on {
            Span::from_millis(rng.between(from, to))
        } else {
            Span::ZERO
        }
    }

    pub(crate) fn store_takes(&self, rng: &mut Rng) -> Span {
        self.drawn(rng, 0, 40)
    }

    pub(crate) fn driver_takes(&self, rng: &mut Rng, order: &TaskOrder) -> Span {
        match order {
            _ if self.on => self.drawn(rng, 0, 3_000),
            TaskOrder::Check(_) => self.check,
            TaskOrder::Past(_)
            | TaskOrder::Step(_)
            | TaskOrder::Measure(..)
            | TaskOrder::Health(_)
            | TaskOrder::OnCall(_)
            | TaskOrder::Deliver(_) => Span::ZERO,
        }
    }

    /// Time between the observation of a target and its change. Sometimes longer than a lease.
    pub(crate) fn target_takes(&self, rng: &mut Rng) -> Span {
        if !self.on {
            self.step
        } else if rng.chance(60) {
            self.drawn(rng, 15_000, 70_000)
        } else {
            self.drawn(rng, 0, 4_000)
        }
    }

    pub(crate) fn report_takes(&self, rng: &mut Rng) -> Span {
        if self.on && rng.chance(40) {
            self.late(rng)
        } else {
            self.drawn(rng, 0, 200)
        }
    }

    pub(crate) fn late(&self, rng: &mut Rng) -> Span {
        self.drawn(rng, 0, 60_000)
    }

    pub(crate) fn repeats(&self, rng: &mut Rng) -> bool {
        self.on && rng.chance(40)
    }

    pub(crate) fn loses_answer(&self, rng: &mut Rng) -> bool {
        self.on && rng.chance(25)
    }

    /// A driver that timed out, or whose source did not answer: nobody can tell what was seen or done.
    pub(crate) fn garble(&self, rng: &mut Rng, order: &TaskOrder, observed: Observed) -> Observed {
        if self.on && rng.chance(25) {
            order.unanswered("the driver timed out")
        } else if self.on && rng.chance(10) && observed != Observed::Stepped(StepOutcome::Applied) {
            order.unanswered("the answer could not be read")
        } else {
            observed
        }
    }
}

/// Lets something go wrong, or not.
pub(crate) fn strike(sim: &mut Sim) {
    if !sim.faults.on {
        return;
    }
    let replica = sim.rng.below(sim.replicas.len() as u64) as usize;
    let alive = sim.replicas[replica].engine.is_some();
    if alive && sim.rng.chance(8) {
        let back_after = Span::from_millis(sim.rng.between(0, 40_000));
        sim.crash(replica, back_after);
    }
    if sim.rng.chance(6) {
        let lasts = Span::from_millis(sim.rng.between(1_000, 60_000));
        sim.pause(replica, lasts);
    }
    if sim.rng.chance(3) {
        let lasts = Span::from_millis(sim.rng.between(500, 30_000));
        sim.close_store(lasts);
    }
    if sim.rng.chance(20) {
        let millis = sim.rng.between(-500, 500);
        sim.skew(replica, millis);
    }
}
