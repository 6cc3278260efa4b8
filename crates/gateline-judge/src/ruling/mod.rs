//! The ruling in full: what is said, and the numbers that it is said from, as plain data. Page, terminal, log and
//! notification render the same.

mod headline;
mod record;

use gateline_model::RulingKind;
use gateline_model::ruling::{Because, Dropped, Meter, ODDS_MAX};
pub(crate) use headline::Words;
pub use record::{BAND_POINTS_MAX, DROPPED_MAX, Record};
use serde::{Deserialize, Serialize};

use crate::judge::Exposure;

/// A meter from the logarithm of the odds.
pub(crate) fn meter(ln_odds: f64, bar: f64) -> Meter {
    Meter {
        odds: libm::exp(ln_odds).min(ODDS_MAX),
        bar,
    }
}

/// What the judge says after a look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Said {
    /// The ruling.
    pub says: RulingKind,
    /// What it rests on.
    pub because: Because,
    /// Tick since which it stands.
    pub since: u32,
    /// Tick of the last look.
    pub tick: u32,
    /// The weight that the evidence allows, in per cent, where the judge sets it.
    pub weight: f64,
    /// Why the look did not count, where it did not.
    pub dropped: Option<Dropped>,
}

impl Said {
    pub(crate) fn nothing(weight: f64) -> Self {
        Self {
            says: RulingKind::Wait,
            because: Because::WarmUp,
            since: 0,
            tick: 0,
            weight,
            dropped: None,
        }
    }

    /// Nothing that is seen later changes it.
    pub(crate) fn is_final(&self, exposure: Exposure) -> bool {
        match self.says {
            RulingKind::RollBack => true,
            RulingKind::Advance | RulingKind::Inconclusive => exposure == Exposure::Paced,
            RulingKind::Wait => false,
        }
    }
}
