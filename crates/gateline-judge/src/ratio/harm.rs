//! The case against a release: an e-process for "it is worse than the margin", by a mixture over ratios and beginnings.
//!
//! Its value is odds: how many times better some harmful ratio explains the counts than the margin does. Valid at every
//! moment at which somebody may look, for arms of independent events; `design_effect` and the cap stand in for what is not.

use serde::{Deserialize, Serialize};

use super::pair::Pair;
use crate::numeric::{ln, log_sum_exp, normalised, spaced};
use crate::recipe::{HARM_POINTS, HARM_RATIO_MAX, Recipe, Restart};

/// The e-process against a release, of one metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Harm {
    /// ln ratios above the margin.
    grid: Vec<f64>,
    /// ln weights of the grid.
    ln_weights: Vec<f64>,
    restarts: Vec<Restart>,
    cap: f64,
    /// ln e-value by restart and ratio.
    sums: Vec<Vec<f64>>,
}

impl Harm {
    /// Nothing seen yet.
    pub fn new(recipe: &Recipe) -> Self {
        let grid = spaced(ln(recipe.harm_ratio_min), ln(HARM_RATIO_MAX), HARM_POINTS);
        Self {
            ln_weights: ln_weights(&grid),
            sums: vec![vec![0.0; grid.len()]; recipe.restarts.len()],
            grid,
            restarts: recipe.restarts.clone(),
            cap: recipe.cap,
        }
    }

    /// Takes the counts of a tick. `margin` is the ln ratio at which harm begins; it and the design effect may change from
    /// tick to tick, but must not come from this tick.
    pub fn add(&mut self, tick: u32, pair: Pair, margin: f64, design_effect: f64) {
        if !pair.compares() || pair.bad() == 0 {
            return;
        }
        let offset = pair.offset();
        let at_margin = pair.ln_likelihood(margin, offset);
        let increments: Vec<f64> = self
            .grid
            .iter()
            .map(|above| {
                let gain = pair.ln_likelihood(margin + above, offset) - at_margin;
                (gain / design_effect).min(self.cap)
            })
            .collect();
        let begun = self.restarts.iter().zip(&mut self.sums);
        for (_, sums) in begun.filter(|(restart, _)| tick >= restart.at) {
            sums.iter_mut()
                .zip(&increments)
                .for_each(|(sum, more)| *sum += more);
        }
    }

    pub(super) fn scale(&mut self, share: f64) {
        self.sums.iter_mut().flatten().for_each(|sum| *sum *= share);
    }

    /// ln of the odds against "no worse than the margin".
    pub fn ln_e(&self) -> f64 {
        log_sum_exp(self.restarts.iter().zip(&self.sums).flat_map(|(restart, sums)| {
            let capital = ln(restart.capital);
            let both = self.ln_weights.iter().zip(sums);
            both.map(move |(weight, sum)| capital + weight + sum)
        }))
    }

    /// Since which tick the case is strongest, and the ln ratio above the margin that makes it so.
    pub fn strongest(&self) -> (u32, f64) {
        let begun = self.restarts.iter().zip(&self.sums);
        let each = begun.flat_map(|(restart, sums)| {
            let capital = ln(restart.capital);
            let cases = self.grid.iter().zip(&self.ln_weights).zip(sums);
            cases.map(move |((above, weight), sum)| (restart.at, *above, capital + weight + sum))
        });
        let best = each.max_by(|one, other| one.2.total_cmp(&other.2));
        best.map_or((0, 0.0), |(since, above, _)| (since, above))
    }

    /// The grid of ln ratios above the margin with their ln weights: the band's lower edge inverts them.
    pub(super) fn mixture(&self) -> impl Iterator<Item = (f64, f64)> + Clone + '_ {
        self.grid.iter().copied().zip(self.ln_weights.iter().copied())
    }
}

/// Weights fall with the ratio: small harm is likelier than ruin, and ruin shows anyway.
pub(crate) fn ln_weights(grid: &[f64]) -> Vec<f64> {
    normalised(grid.iter().map(|above| libm::exp(-above)))
}
