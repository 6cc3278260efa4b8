//! Planted bugs: mistakes that the simulation must catch, each behind one question: [`is`]. Without the feature `planted`, which
//! only tests of the simulation switch on, the answer is a constant no, and nothing of a mistake is compiled.

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
    /// A target that says that it applied a step is believed without a look.
    BelievedTarget,
    /// A record that the store cannot keep is dropped, and nobody hears of it.
    DroppedRecord,
    /// A record of the log that cannot be read is passed over.
    SkippedRecord,
    /// Whoever watches a replica hears once more what was told already.
    OldNews,
    /// A commit whose answer was lost is taken for one that was not made.
    LostAnswer,
    /// What a driver saw is recorded under whichever lease of the work is held now, not under the one that it looked under.
    NewestLease,
    /// A replica decides by its own clock, even where that is behind what it decides on.
    OwnClock,
    /// A replica that stops forgets its leases instead of giving them back.
    KeptLease,
}

#[cfg(feature = "planted")]
mod thread {
    use std::cell::Cell;

    use super::Planted;

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
}

#[cfg(not(feature = "planted"))]
mod thread {
    use super::Planted;

    /// Nothing can be planted.
    ///
    /// # Panics
    /// When something is to be.
    pub fn plant(bug: Option<Planted>) {
        assert!(bug.is_none(), "bugs are planted only with the feature `planted`");
    }

    /// No.
    #[inline]
    pub const fn is(_: Planted) -> bool {
        false
    }

    /// None.
    pub const fn planted() -> Option<Planted> {
        None
    }
}

pub use thread::{is, plant, planted};
