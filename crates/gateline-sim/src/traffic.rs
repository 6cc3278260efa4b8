//! Simulated traffic: requests, failures and latencies that add up exactly, in whole numbers.

use gateline_model::{Arm, Tick};
use jiff::Timestamp;

/// What the traffic of one release looks like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Failed requests in a million.
    pub errors_ppm: u64,
    pub latency_ms: u64,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            errors_ppm: 0,
            latency_ms: 20,
        }
    }
}

/// Upper bounds of the latency histogram, in milliseconds.
const BOUNDS_MS: [u64; 6] = [10, 50, 100, 300, 1_000, 5_000];
/// Requests are added up in parts: one request at 100 % of 1 per second for 1 ms is 100 of them.
const PARTS: u64 = 100_000;

/// What one release has served at one target.
#[derive(Debug, Clone, Default)]
pub(crate) struct Served {
    parts: u64,
    /// Failed parts, in millionths.
    failed: u128,
    buckets: [u64; BOUNDS_MS.len()],
}

impl Served {
    /// Adds requests per second x per cent x milliseconds.
    pub(crate) fn add(&mut self, load: &Load, parts: u64) {
        self.parts += parts;
        self.failed += u128::from(parts) * u128::from(load.errors_ppm);
        for (bound, sum) in BOUNDS_MS.iter().zip(&mut self.buckets) {
            if load.latency_ms <= *bound {
                *sum += parts;
            }
        }
    }

    pub(crate) fn tick(&self, at: Timestamp, arm: Arm, weight: u8) -> Tick {
        let buckets = BOUNDS_MS.iter().zip(&self.buckets);
        Tick {
            weight,
            requests: self.parts / PARTS,
            errors: (self.failed / 1_000_000) as u64 / PARTS,
            buckets: buckets
                .map(|(bound, parts)| (*bound as f64 / 1_000.0, parts / PARTS))
                .collect(),
            ..Tick::none(at, arm)
        }
    }
}
