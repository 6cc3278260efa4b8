//! Planted bugs: three mistakes that the simulation must catch. Only with the feature `planted`, only for its tests.

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
}

thread_local! {
    static PLANTED: Cell<Option<Planted>> = const { Cell::new(None) };
}

/// Plants a bug in everything that this thread runs, or none.
pub fn plant(bug: Option<Planted>) {
    PLANTED.set(bug);
}

/// The bug that is planted in this thread.
pub fn planted() -> Option<Planted> {
    PLANTED.get()
}
