//! Gauges: memory, queues, processor time. Averages of a minute, held against the stable arm's, with their memory in time.
//!
//! They make a rollout wait rather than end it, unless that is asked for: they drift for reasons of their own.

use serde::{Deserialize, Serialize};

use crate::look::GaugeLook;
use crate::numeric::{ln, ln_normal_cdf, sqrt};

/// Ticks of a block: a minute.
const BLOCK_TICKS: usize = 4;
/// Blocks that the known spread is worth.
const SPREAD_BLOCKS: f64 = 8.0;
/// Blocks before anything is said.
const BLOCKS_MIN: u32 = 6;
/// Blocks for which the bet is best.
const BLOCKS_BEST: f64 = 16.0;
/// The most that one block may say, in standard deviations.
const BLOCK_MAX: f64 = 4.0;
/// Above this the blocks remember each other too well to say anything.
const MEMORY_MAX: f64 = 0.95;

/// How a gauge behaves between pods of one version.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GaugeNoise {
    /// Variance of the blocks' ln ratio.
    pub variance: f64,
    /// Correlation of a block with the one before.
    pub memory: f64,
}

impl GaugeNoise {
    /// From the ticks of one arm alone: two arms that swing so, each for itself, differ by twice the variance. What both would
    /// share is counted as noise, so it is never too small.
    pub fn of_one_arm(ticks: &[f64]) -> Option<Self> {
        let means = ticks
            .chunks_exact(BLOCK_TICKS)
            .map(|block| block.iter().sum::<f64>() / BLOCK_TICKS as f64);
        let blocks: Vec<f64> = means.filter(|mean| *mean > 0.0).map(ln).collect();
        let noise = Self::measure(&blocks)?;
        Some(Self {
            variance: 2.0 * noise.variance,
            ..noise
        })
    }

    /// From blocks of ln ratios between pods of one version; none below eight or without any spread.
    pub fn measure(blocks: &[f64]) -> Option<Self> {
        let count = blocks.len() as f64;
        if blocks.len() < SPREAD_BLOCKS as usize {
            return None;
        }
        let mean = blocks.iter().sum::<f64>() / count;
        let variance = blocks
            .iter()
            .map(|block| (block - mean) * (block - mean))
            .sum::<f64>()
            / count;
        let both = blocks.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean));
        let memory = both.sum::<f64>() / (count - 1.0) / variance;
        (variance > 0.0).then(|| Self {
            variance,
            memory: memory.clamp(0.0, MEMORY_MAX),
        })
    }
}

/// The case that a gauge is higher at the canary than tolerated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gauge {
    noise: GaugeNoise,
    margin: f64,
    /// Of the bet, in blocks.
    shape: f64,
    block: Vec<GaugeLook>,
    sum: f64,
    blocks: u32,
    mean: f64,
    squares: f64,
}

impl Gauge {
    /// Nothing seen yet. `above` is the share above the stable arm's that nobody minds.
    pub fn new(noise: GaugeNoise, above: f64, alpha: f64) -> Self {
        let odds = ln(1.0 / (2.0 * alpha));
        Self {
            noise,
            margin: ln(1.0 + above),
            shape: BLOCKS_BEST / (2.0 * odds + ln(1.0 + 2.0 * odds)),
            block: Vec::new(),
            sum: 0.0,
            blocks: 0,
            mean: 0.0,
            squares: 0.0,
        }
    }

    /// Takes a tick. What is not above zero has no ratio and is left out.
    pub fn add(&mut self, look: GaugeLook) {
        if !(look.canary > 0.0 && look.stable > 0.0) {
            return;
        }
        self.block.push(look);
        if self.block.len() == BLOCK_TICKS {
            let all = std::mem::take(&mut self.block);
            let mean = |of: fn(&GaugeLook) -> f64| all.iter().map(of).sum::<f64>() / BLOCK_TICKS as f64;
            self.add_block(ln(mean(|look| look.canary)) - ln(mean(|look| look.stable)));
        }
    }

    /// Takes a block's ln ratio.
    pub fn add_block(&mut self, ln_ratio: f64) {
        let seen = (f64::from(self.blocks) - 1.0).max(0.0);
        let variance = (SPREAD_BLOCKS * self.noise.variance + self.squares) / (SPREAD_BLOCKS + seen);
        let inflation = (1.0 + self.noise.memory) / (1.0 - self.noise.memory);
        let z = (ln_ratio - self.margin) / sqrt(variance * inflation);
        self.sum += z.clamp(-BLOCK_MAX, BLOCK_MAX);
        self.blocks += 1;
        let off = ln_ratio - self.mean;
        self.mean += off / f64::from(self.blocks);
        self.squares += off * (ln_ratio - self.mean);
    }

    /// ln of the odds against "no higher than tolerated"; none before six blocks.
    pub fn ln_e(&self) -> Option<f64> {
        let blocks = f64::from(self.blocks);
        (self.blocks >= BLOCKS_MIN).then(|| {
            0.5 * ln(4.0 * self.shape / (blocks + self.shape))
                + self.sum * self.sum / (2.0 * (blocks + self.shape))
                + ln_normal_cdf(self.sum / sqrt(blocks + self.shape))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOISE: GaugeNoise = GaugeNoise {
        variance: 0.0025,
        memory: 0.5,
    };

    fn after(blocks: u32, ratio: f64) -> f64 {
        let mut gauge = Gauge::new(NOISE, 0.05, 0.05);
        let wobble = |block: u32| if block.is_multiple_of(2) { 0.03 } else { -0.03 };
        (0..blocks).for_each(|block| gauge.add_block(ln(ratio) + wobble(block)));
        gauge.ln_e().unwrap_or(f64::NEG_INFINITY)
    }

    #[test]
    fn the_same_use_says_nothing_and_a_quarter_more_is_found_within_the_half_hour() {
        assert!(after(60, 1.0) < 0.0);
        assert!(after(60, 1.04) < ln(20.0));
        assert!(after(5, 2.0) < 0.0, "six blocks at least");
        assert!((6..30).any(|blocks| after(blocks, 1.25) > ln(20.0)));
    }

    #[test]
    fn memory_makes_slow() {
        let noise = |memory| GaugeNoise { memory, ..NOISE };
        let e = |memory| {
            let mut gauge = Gauge::new(noise(memory), 0.05, 0.05);
            (0..12).for_each(|_| gauge.add_block(ln(1.25)));
            gauge.ln_e().unwrap()
        };
        assert!(e(0.9) < e(0.1));
    }

    #[test]
    fn noise_is_measured_from_blocks() {
        let blocks: Vec<f64> = (0..64)
            .map(|block| if block % 8 < 4 { 0.1 } else { -0.1 })
            .collect();
        let noise = GaugeNoise::measure(&blocks).unwrap();
        assert!(
            (noise.variance - 0.01).abs() < 1e-9 && (0.4..0.6).contains(&noise.memory),
            "{noise:?}"
        );
        assert_eq!(GaugeNoise::measure(&[0.0; 64]), None);
        assert_eq!(GaugeNoise::measure(&[1.0]), None);
    }

    #[test]
    fn gauges_at_zero_are_left_out() {
        let mut gauge = Gauge::new(NOISE, 0.05, 0.05);
        (0..100).for_each(|_| {
            gauge.add(GaugeLook {
                canary: 0.0,
                stable: 1.0,
            })
        });
        assert_eq!(gauge.ln_e(), None);
        (0..24).for_each(|_| {
            gauge.add(GaugeLook {
                canary: 2.0,
                stable: 1.0,
            })
        });
        assert!(gauge.ln_e().is_some());
    }
}
