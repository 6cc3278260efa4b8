//! Planted bugs: mistakes that the simulation must catch. Only with the feature `planted`, only for its tests.

use std::cell::Cell;

/// A mistake that somebody could make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planted {
    /// Reports are appended without the fence of their lease.
    LostFence,
    /// A promotion is admitted on the stored decision, without judging again at the moment.
    StaleAdmission,
    /// Requests are acknowledged before their commit.
    EarlyAcknowledgement,
    /// A step is made true without asking whether it is: after a crash, a lost answer, or a target that was slow.
    BlindRepeat,
    /// What comes next is committed without the work that it takes.
    ForgottenWork,
    /// A step whose first attempt failed is never tried again.
    NeverAgain,
    /// A replica loses an event that comes before the one it waits for.
    LostEvent,
}

thread_local! {
    static PLANTED: Cell<Option<Planted>> = const { Cell::new(None) };
}

/// Plants a bug in everything that this thread runs, or none.
pub fn plant(bug: Option<Planted>) {
    PLANTED.set(bug);
}

/// Whether this bug is planted in this thread.
pub fn is(bug: Planted) -> bool {
    planted() == Some(bug)
}

/// The bug that is planted in this thread.
pub fn planted() -> Option<Planted> {
    PLANTED.get()
}
