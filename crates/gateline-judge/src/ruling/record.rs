//! The record of a rollout: the judge with everything that is drawn of it, look by look.

use serde::{Deserialize, Serialize};

use gateline_model::Span;
use gateline_model::ruling::{BandPoint, Dropped, DroppedTicks, FullRuling};

use super::Said;
use crate::judge::{Baseline, Judge, Settings};
use crate::look::Look;

/// Most points of a band: with more, every second one is left out. An hour has 240.
pub const BAND_POINTS_MAX: usize = 2_000;
/// Most stretches of dropped ticks that are told apart; those beyond are added to the last.
pub const DROPPED_MAX: usize = 500;

/// A judge, and what it saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    judge: Judge,
    band: Vec<BandPoint>,
    dropped: Vec<DroppedTicks>,
}

impl Record {
    /// Nothing seen yet.
    pub fn new(settings: Settings, baseline: Option<&Baseline>) -> Self {
        Self {
            judge: Judge::new(settings, baseline),
            band: Vec::new(),
            dropped: Vec::new(),
        }
    }

    /// Takes a look.
    pub fn observe(&mut self, look: &Look) -> &Said {
        let at = self.judge.seconds(look.tick);
        let before = self.judge.said().tick;
        if let Some(why) = self.judge.observe(look).dropped {
            self.drop_tick(at, why);
        }
        if self.judge.said().tick != before || self.band.is_empty() {
            if self.band.len() == BAND_POINTS_MAX {
                let mut index = 0;
                self.band.retain(|_| {
                    index += 1;
                    index % 2 == 1
                });
            }
            self.band.push(BandPoint {
                at,
                weight: look.weight.unwrap_or(0.0),
                intervals: self.judge.intervals(),
            });
        }
        self.judge.said()
    }

    /// Everything that is shown.
    pub fn ruling(&self) -> FullRuling {
        self.with_band(self.judge.ruling())
    }

    /// The same where somebody else keeps the time: so long until it is inconclusive.
    pub fn ruling_until(&self, left: Span) -> FullRuling {
        let minutes = left.as_millis() as f64 / 60_000.0;
        self.with_band(self.judge.ruling_until(Some(minutes)))
    }

    fn with_band(&self, ruling: FullRuling) -> FullRuling {
        FullRuling {
            band: self.band.clone(),
            dropped: self.dropped.clone(),
            ..ruling
        }
    }

    /// The judge.
    pub fn judge(&self) -> &Judge {
        &self.judge
    }

    fn drop_tick(&mut self, at: f64, why: Dropped) {
        let full = self.dropped.len() == DROPPED_MAX;
        match self.dropped.last_mut() {
            Some(last) if last.why == why => (last.to, last.ticks) = (at, last.ticks + 1),
            Some(last) if full => last.ticks += 1,
            Some(_) | None => self.dropped.push(DroppedTicks {
                from: at,
                to: at,
                ticks: 1,
                why,
            }),
        }
    }
}
