//! Pods of one version that stay different: a bad node, a cold cache shard. Chance does not average that out with time.

use crate::numeric::{ln, sqrt};

/// What one pod counted over a long time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PodRates {
    /// Requests.
    pub requests: u64,
    /// Those that were bad.
    pub bad: u64,
}

/// One-sided 95 %: a canary of one pod may be that far out by its pod alone.
const PODS_SIGMA: f64 = 1.64;
/// Fewer pods than this say nothing of their spread.
const PODS_MIN: usize = 3;

/// Standard deviation of ln rate between pods of one version, beyond what counting and clumps explain. 0 where it is not known.
pub fn spread(pods: &[PodRates], design_effect: f64) -> f64 {
    let served: Vec<&PodRates> = pods.iter().filter(|pod| pod.requests > 0).collect();
    if served.len() < PODS_MIN {
        return 0.0;
    }
    let count = served.len() as f64;
    let rates: Vec<f64> = served
        .iter()
        .map(|pod| ln((pod.bad as f64 + 0.5) / pod.requests as f64))
        .collect();
    let mean = rates.iter().sum::<f64>() / count;
    let found = rates
        .iter()
        .map(|rate| (rate - mean) * (rate - mean))
        .sum::<f64>()
        / (count - 1.0);
    let counting = served
        .iter()
        .map(|pod| design_effect / (pod.bad as f64 + 0.5))
        .sum::<f64>()
        / count;
    sqrt((found - counting).max(0.0))
}

/// ln ratio that a canary of so many pods may show by its pods alone.
pub(crate) fn margin(spread: f64, canary_pods: usize) -> f64 {
    PODS_SIGMA * spread / sqrt(canary_pods.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(bad: u64) -> PodRates {
        PodRates {
            requests: 100_000,
            bad,
        }
    }

    #[test]
    fn pods_within_chance_have_no_spread() {
        assert_eq!(spread(&[pod(500), pod(510), pod(490), pod(505)], 1.0), 0.0);
    }

    #[test]
    fn pods_that_stay_apart_have_one() {
        let found = spread(&[pod(300), pod(500), pod(800), pod(500)], 1.0);
        assert!((0.3..0.5).contains(&found), "{found}");
        // Clumps explain a part of it.
        assert!(spread(&[pod(300), pod(500), pod(800), pod(500)], 40.0) < found);
        assert!(margin(found, 1) > margin(found, 4));
    }

    #[test]
    fn two_pods_say_nothing() {
        assert_eq!(spread(&[pod(1), pod(1_000)], 1.0), 0.0);
    }
}
