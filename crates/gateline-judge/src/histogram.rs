//! Latency by counts beyond a bound: which bound of a histogram is watched, and native histograms as bounds.
//!
//! Interpolated quantiles are never tested: a count beyond a bound is exact, and its noise is known.

use gateline_model::ruling::figure;

use crate::counts::Counts;
use crate::numeric::{exp, ln};

/// A share beyond the bound outside of these says little: the histogram, not the judge, is the limit.
const SHARE_MIN: f64 = 0.001;
const SHARE_MAX: f64 = 0.2;
/// Schemas of native histograms: 2^(2^-schema) is the growth from one bound to the next.
const SCHEMAS: std::ops::RangeInclusive<i8> = -4..=8;
/// Most bounds that one native histogram makes.
pub const NATIVE_BOUNDS_MAX: usize = 1_000;

/// A bound that is watched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chosen {
    /// In seconds.
    pub bound: f64,
    /// Share of requests beyond it.
    pub share: f64,
}

impl Chosen {
    /// What is to be said where the bound sits badly.
    pub fn note(self) -> Option<String> {
        let badly = !(SHARE_MIN..=SHARE_MAX).contains(&self.share);
        badly.then(|| {
            format!(
                "{}% of requests are slower than {} s, and the histogram has no bound nearer to a tail: give it finer ones",
                figure(self.share * 100.0),
                self.bound
            )
        })
    }
}

/// The bound whose share of requests beyond it is nearest to `share`, as a ratio: a tail ten times too thin tells less than one
/// twice too thick. None without requests or bounds.
pub fn bound_for(counts: &Counts, share: f64) -> Option<Chosen> {
    let beyond = |(bound, within): &(f64, u64)| Chosen {
        bound: *bound,
        share: counts.requests.saturating_sub(*within) as f64 / counts.requests as f64,
    };
    let apart = |chosen: &Chosen| (ln(chosen.share) - ln(share)).abs();
    let finite = counts.buckets.iter().filter(|(bound, _)| bound.is_finite());
    finite
        .map(beyond)
        .filter(|chosen| chosen.share.is_finite())
        .min_by(|one, other| apart(one).total_cmp(&apart(other)))
}

/// Cumulative buckets of a Prometheus native histogram: `zero` in its zero bucket, then `spans` of (index, count), ascending.
/// None for a schema that there is not, for indices that do not ascend, or for too many.
pub fn native(schema: i8, zero: u64, counts: &[(i32, u64)]) -> Option<Vec<(f64, u64)>> {
    let ascends = counts.windows(2).all(|pair| pair[0].0 < pair[1].0);
    if !SCHEMAS.contains(&schema) || !ascends || counts.len() > NATIVE_BOUNDS_MAX {
        return None;
    }
    let growth = libm::exp2(-f64::from(schema)) * std::f64::consts::LN_2;
    let mut so_far = zero;
    let bound = |(index, count): &(i32, u64)| {
        so_far = so_far.saturating_add(*count);
        (exp(f64::from(*index) * growth), so_far)
    };
    Some(counts.iter().map(bound).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(buckets: &[(f64, u64)]) -> Counts {
        Counts {
            requests: 1_000,
            errors: 0,
            buckets: buckets.to_vec(),
        }
    }

    #[test]
    fn the_bound_nearest_to_the_share_is_watched() {
        let seen = counts(&[
            (0.1, 800),
            (0.2, 940),
            (0.5, 985),
            (1.0, 1_000),
            (f64::INFINITY, 1_000),
        ]);
        assert_eq!(bound_for(&seen, 0.05).unwrap().bound, 0.2);
        assert_eq!(bound_for(&seen, 0.01).unwrap().bound, 0.5);
        assert_eq!(bound_for(&Counts::default(), 0.05), None);
    }

    #[test]
    fn a_tail_that_is_too_thin_is_not_taken_for_one_that_is_near() {
        let seen = counts(&[(0.005, 100), (0.01, 870), (0.025, 999)]);
        assert_eq!(bound_for(&seen, 0.05).unwrap().bound, 0.01);
        assert_eq!(bound_for(&seen, 0.001).unwrap().bound, 0.025);
        let none = counts(&[(0.005, 100), (0.01, 1_000)]);
        assert_eq!(bound_for(&none, 0.01).unwrap().bound, 0.005);
    }

    #[test]
    fn a_histogram_that_ends_too_early_is_told() {
        let chosen = bound_for(&counts(&[(0.01, 300)]), 0.05).unwrap();
        assert!(
            chosen
                .note()
                .unwrap()
                .contains("70% of requests are slower than 0.01 s")
        );
        assert_eq!(
            Chosen {
                bound: 1.0,
                share: 0.05
            }
            .note(),
            None
        );
    }

    #[test]
    fn native_histograms_become_bounds() {
        let buckets = native(0, 2, &[(-1, 3), (0, 5), (3, 10)]).unwrap();
        assert_eq!(
            buckets.iter().map(|(_, count)| *count).collect::<Vec<_>>(),
            [5, 10, 20]
        );
        assert!((buckets[0].0 - 0.5).abs() < 1e-12 && (buckets[2].0 - 8.0).abs() < 1e-12);
        assert_eq!(native(9, 0, &[]), None);
        assert_eq!(native(0, 0, &[(2, 1), (1, 1)]), None);
        assert_eq!(native(0, 0, &vec![(0, 0); NATIVE_BOUNDS_MAX + 1]), None);
    }
}
