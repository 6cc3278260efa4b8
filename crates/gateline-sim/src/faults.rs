//! Faults: how long things take, and what goes wrong. All drawn from the run's one source of chance.

use gateline_core::StepOutcome;
use gateline_engine::{Observed, TaskOrder};
use gateline_model::Span;

use crate::rng::Rng;
use crate::sim::Sim;

/// The longest time that the store takes for one thing: little enough that a decision which waited for it is not acted on too late.
pub(crate) const STORE_TAKES_MAX: Span = Span::from_millis(1_400);

/// A kind of thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Crash,
    Stop,
    Pause,
    StoreDown,
    Skew,
    SlowStore,
    LostAnswer,
    UnkeptRecord,
    UnreadRecord,
    Late,
    Repeat,
    Garbled,
}

impl Fault {
    pub(crate) const ALL: [Self; 12] = [
        Self::Crash,
        Self::Stop,
        Self::Pause,
        Self::StoreDown,
        Self::Skew,
        Self::SlowStore,
        Self::LostAnswer,
        Self::UnkeptRecord,
        Self::UnreadRecord,
        Self::Late,
        Self::Repeat,
        Self::Garbled,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Crash => "crashes",
            Self::Stop => "servers that stop",
            Self::Pause => "processes that stand still",
            Self::StoreDown => "a store that is down",
            Self::Skew => "clocks that are off",
            Self::SlowStore => "a slow store",
            Self::LostAnswer => "lost answers",
            Self::UnkeptRecord => "records that are not kept",
            Self::UnreadRecord => "records that cannot be read",
            Self::Late => "late outcomes",
            Self::Repeat => "repeated outcomes and requests",
            Self::Garbled => "drivers without an answer",
        }
    }
}

/// What a rehearsal may do to its engines.
#[derive(Debug, Clone)]
pub(crate) struct Faults {
    /// Whether anything goes wrong, or takes a time of its own.
    pub on: bool,
    /// What does not go wrong all the same: drawn and not done.
    pub without: Vec<Fault>,
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
            without: Vec::new(),
            step: Span::from_secs(2),
            check: Span::from_secs(1),
        }
    }

    /// Everything else may go wrong.
    pub(crate) fn all_but(without: Vec<Fault>) -> Self {
        Self {
            on: true,
            without,
            ..Self::none()
        }
    }

    /// Whether something goes wrong now that does so many times in a thousand.
    pub(crate) fn strikes(&self, rng: &mut Rng, fault: Fault, per_mille: u64) -> bool {
        let drawn = self.on && rng.chance(per_mille);
        drawn && !self.without.contains(&fault)
    }

    fn drawn(&self, rng: &mut Rng, from: i64, to: i64) -> Span {
        if self.on {
            Span::from_millis(rng.between(from, to))
        } else {
            Span::ZERO
        }
    }

    pub(crate) fn store_takes(&self, rng: &mut Rng) -> Span {
        if self.strikes(rng, Fault::SlowStore, 10) {
            return self.drawn(rng, 200, STORE_TAKES_MAX.as_millis());
        }
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
        } else if self.strikes(rng, Fault::Late, 60) {
            self.drawn(rng, 15_000, 70_000)
        } else {
            self.drawn(rng, 0, 4_000)
        }
    }

    pub(crate) fn report_takes(&self, rng: &mut Rng) -> Span {
        if self.strikes(rng, Fault::Late, 40) {
            self.late(rng)
        } else {
            self.drawn(rng, 0, 200)
        }
    }

    pub(crate) fn late(&self, rng: &mut Rng) -> Span {
        self.drawn(rng, 0, 60_000)
    }

    pub(crate) fn repeats(&self, rng: &mut Rng) -> bool {
        self.strikes(rng, Fault::Repeat, 40)
    }

    pub(crate) fn loses_answer(&self, rng: &mut Rng) -> bool {
        self.strikes(rng, Fault::LostAnswer, 25)
    }

    /// Whether a process dies between two things that its engine asked for.
    pub(crate) fn dies(&self, rng: &mut Rng) -> bool {
        self.strikes(rng, Fault::Crash, 1)
    }

    /// Whether the store cannot keep one append of a batch in a form that is read again.
    pub(crate) fn cannot_keep(&self, rng: &mut Rng) -> bool {
        self.strikes(rng, Fault::UnkeptRecord, 4)
    }

    /// A driver that timed out, or whose source did not answer: nobody can tell what was seen or done.
    pub(crate) fn garble(&self, rng: &mut Rng, order: &TaskOrder, observed: Observed) -> Observed {
        if self.strikes(rng, Fault::Garbled, 25) {
            order.unanswered("the driver timed out")
        } else if self.strikes(rng, Fault::Garbled, 10) && observed != Observed::Stepped(StepOutcome::Applied)
        {
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
    let alive = |sim: &Sim| sim.replicas[replica].engine.is_some();
    if alive(sim) && sim.faults.strikes(&mut sim.rng, Fault::Crash, 6) {
        let back_after = Span::from_millis(sim.rng.between(0, 40_000));
        sim.crash(replica, back_after);
    }
    if alive(sim) && sim.faults.strikes(&mut sim.rng, Fault::Stop, 4) {
        let back_after = Span::from_millis(sim.rng.between(0, 40_000));
        sim.stop(replica, back_after);
    }
    if sim.faults.strikes(&mut sim.rng, Fault::Pause, 6) {
        let lasts = Span::from_millis(sim.rng.between(1_000, 60_000));
        sim.pause(replica, lasts);
    }
    if sim.faults.strikes(&mut sim.rng, Fault::StoreDown, 3) {
        let lasts = Span::from_millis(sim.rng.between(500, 30_000));
        sim.close_store(lasts);
    }
    if sim.faults.strikes(&mut sim.rng, Fault::UnreadRecord, 1) {
        let lasts = Span::from_millis(sim.rng.between(1_000, 60_000));
        sim.poison(replica, lasts);
    }
    if sim.faults.strikes(&mut sim.rng, Fault::Skew, 20) {
        let millis = sim.rng.between(-500, 500);
        sim.skew(replica, millis);
    }
}
