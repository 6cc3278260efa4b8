//! The information bound: bad requests that any test must let through which sees the same counts in the same noise.
//!
//! Wald: a test that rolls back a good release with probability alpha, and finds the fault for certain, needs ln(1/alpha) of
//! information on average. The bound gives it everything that no judge has: it knows the fault's size, its metric and its
//! beginning, spends every request at the weight that tells most, and waits for nothing.

use crate::peers::STEPS;

/// Bad requests until errors of `times` the stable rate are found, by noise of `design_effect`, at `alpha`.
pub fn bad_requests(times: f64, design_effect: f64, alpha: f64) -> f64 {
    let best = STEPS
        .iter()
        .map(|weight| information(times, *weight))
        .fold(0.0, f64::max);
    (1.0 / alpha).ln() * design_effect / best
}

/// Information about "which arm had it" for each excess bad request: the divergence of the binomial at `times` from that at 1.
pub fn information(times: f64, weight: f64) -> f64 {
    let all = weight * times + 1.0 - weight;
    let share = weight * times / all;
    let divergence = share * (share / weight).ln() + (1.0 - share) * ((1.0 - share) / (1.0 - weight)).ln();
    all * divergence / (weight * (times - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_request_tells_most_at_small_weights_and_of_large_faults() {
        assert!(
            information(2.0, 0.05) > information(2.0, 0.25) && information(2.0, 0.25) > information(2.0, 0.5)
        );
        assert!(information(10.0, 0.05) > information(2.0, 0.05));
        // In the limit of a small weight: (x ln x - (x - 1)) / (x - 1).
        assert!((information(2.0, 1e-6) - (2.0 * 2.0_f64.ln() - 1.0)).abs() < 1e-4);
    }

    #[test]
    fn noise_and_certainty_cost_in_proportion() {
        let bound = bad_requests(3.0, 1.0, 0.05);
        assert!((bad_requests(3.0, 4.0, 0.05) / bound - 4.0).abs() < 1e-9);
        assert!(bad_requests(3.0, 1.0, 0.01) > bound);
    }
}
