//! The judge: ticks in, a ruling with its numbers out. Plain thresholds for now; other judges take the same ticks.
//!
//! Pure, deterministic and replayable: the same ticks and settings give the same ruling.
//! Knows no rollout, no step order and no clock: time is the ticks' own.

mod counts;
mod threshold;

pub use counts::{Counts, count};
pub use threshold::judge;
