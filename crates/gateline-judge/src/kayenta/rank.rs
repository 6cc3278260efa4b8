//! The rank test of two samples (Mann and Whitney), with the interval of their shift as R's `wilcox.test` finds it.
//!
//! Kayenta's judge and R agree to the solver's tolerance; so does this, on Kayenta's own golden values.

use crate::numeric::{normal_quantile, sqrt};

/// Absolute tolerance of the solver, as R and Kayenta have it.
const TOLERANCE: f64 = 1e-4;
/// Most steps of the solver.
const STEPS_MAX: usize = 1_001;

/// How far the first sample is shifted from the second one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Hodges and Lehmann's estimate.
    pub estimate: f64,
}

/// The shift at a two-sided confidence, 0 to 1. None for an empty sample, for one that is not finite, or where all values are tied.
pub fn shift(experiment: &[f64], control: &[f64], confidence: f64) -> Option<Shift> {
    let is_finite = |sample: &[f64]| !sample.is_empty() && sample.iter().all(|value| value.is_finite());
    if !is_finite(experiment) || !is_finite(control) {
        return None;
    }
    let lowest = |sample: &[f64]| sample.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = |sample: &[f64]| sample.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let ends = (
        lowest(experiment) - highest(control),
        highest(experiment) - lowest(control),
    );
    let z = normal_quantile(1.0 - (1.0 - confidence) / 2.0);
    let root = |quantile: f64| {
        let f = |shift: f64| score(experiment, control, shift).map(|score| score - quantile);
        let (first, last) = (f(ends.0)?, f(ends.1)?);
        if first <= 0.0 {
            Some(ends.0)
        } else if last >= 0.0 {
            Some(ends.1)
        } else {
            brent(ends, (first, last), &f)
        }
    };
    Some(Shift {
        low: root(z)?,
        high: root(-z)?,
        estimate: root(0.0)?,
    })
}

/// The standardised rank sum of the first sample, shifted back; none where all values are tied.
fn score(experiment: &[f64], control: &[f64], shift: f64) -> Option<f64> {
    let (nx, ny) = (experiment.len() as f64, control.len() as f64);
    let all = nx + ny;
    let shifted = experiment.iter().map(|value| (value - shift, true));
    let mut values: Vec<(f64, bool)> = shifted
        .chain(control.iter().map(|value| (*value, false)))
        .collect();
    values.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (mut ranks, mut ties, mut first) = (0.0, 0.0, 0);
    while first < values.len() {
        let same = values[first..]
            .iter()
            .take_while(|value| value.0 == values[first].0)
            .count();
        let of_experiment = values[first..first + same].iter().filter(|value| value.1).count();
        let count = same as f64;
        ranks += of_experiment as f64 * (first as f64 + (count + 1.0) / 2.0);
        ties += count * count * count - count;
        first += same;
    }
    let off = ranks - nx * (nx + 1.0) / 2.0 - nx * ny / 2.0;
    let correction = if off == 0.0 { 0.0 } else { 0.5 * off.signum() };
    let variance = nx * ny / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
    (variance > 0.0).then(|| (off - correction) / sqrt(variance))
}

/// A root between two ends of different signs: Brent's method in the form that R has, so that a step function, which this
/// is, gives the same point.
fn brent(ends: (f64, f64), at_ends: (f64, f64), f: &impl Fn(f64) -> Option<f64>) -> Option<f64> {
    let (mut a, mut b) = ends;
    let (mut fa, mut fb) = at_ends;
    let (mut c, mut fc) = (a, fa);
    for _ in 0..STEPS_MAX {
        let before = b - a;
        if fc.abs() < fb.abs() {
            (a, b, c) = (b, c, b);
            (fa, fb, fc) = (fb, fc, fb);
        }
        let tolerance = 2.0 * f64::EPSILON * b.abs() + TOLERANCE / 2.0;
        let mut step = (c - b) / 2.0;
        if step.abs() <= tolerance || fb == 0.0 {
            return Some(b);
        }
        if before.abs() >= tolerance && fa.abs() > fb.abs() {
            let (numerator, denominator) = interpolate((a, b, c), (fa, fb, fc));
            let is_inside = numerator < 0.75 * (c - b) * denominator - (tolerance * denominator).abs() / 2.0;
            if is_inside && numerator < (before * denominator / 2.0).abs() {
                step = numerator / denominator;
            }
        }
        if step.abs() < tolerance {
            step = if step > 0.0 { tolerance } else { -tolerance };
        }
        (a, fa) = (b, fb);
        b += step;
        fb = f(b)?;
        if (fb > 0.0) == (fc > 0.0) && fb != 0.0 && fc != 0.0 {
            (c, fc) = (a, fa);
        }
    }
    Some(b)
}

/// The step to the root as a fraction with a numerator that is not negative: linear with two points, inverse quadratic with three.
fn interpolate((a, b, c): (f64, f64, f64), (fa, fb, fc): (f64, f64, f64)) -> (f64, f64) {
    let width = c - b;
    let (numerator, denominator) = if a == c {
        let slope = fb / fa;
        (width * slope, 1.0 - slope)
    } else {
        let (q, r, s) = (fa / fc, fb / fc, fb / fa);
        (
            s * (width * q * (q - r) - (b - a) * (r - 1.0)),
            (q - 1.0) * (r - 1.0) * (s - 1.0),
        )
    };
    if numerator > 0.0 {
        (numerator, -denominator)
    } else {
        (-numerator, denominator)
    }
}
