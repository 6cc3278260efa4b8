//! Numbers that agree bit for bit on every platform: logarithms and the like from `libm`, never the host's.
//!
//! Knows no statistics: only how to add what is kept as logarithms.

pub(crate) use libm::{exp, lgamma as ln_gamma, log as ln, log1p as ln_1p, sqrt};

/// ln(1 + e^a), without overflow.
pub(crate) fn ln_1p_exp(a: f64) -> f64 {
    if a > 0.0 {
        a + ln_1p(exp(-a))
    } else {
        ln_1p(exp(a))
    }
}

/// ln of the sum of e^value; minus infinity for nothing.
pub(crate) fn log_sum_exp(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let most = values.clone().fold(f64::NEG_INFINITY, f64::max);
    if most == f64::NEG_INFINITY {
        return most;
    }
    most + ln(values.map(|value| exp(value - most)).sum())
}

/// Logarithms of weights, divided by their sum.
pub(crate) fn normalised(weights: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
    let sum: f64 = weights.clone().sum();
    weights.map(|weight| ln(weight / sum)).collect()
}

/// `count` points from `first` to `last`, both in, at equal distances.
pub(crate) fn spaced(first: f64, last: f64, count: usize) -> Vec<f64> {
    let step = (last - first) / (count - 1) as f64;
    (0..count).map(|index| first + index as f64 * step).collect()
}

/// ln of the standard normal distribution function. Below -8 its first asymptotic terms: relative error under 1e-4.
pub(crate) fn ln_normal_cdf(z: f64) -> f64 {
    if z > -8.0 {
        return ln(0.5 * libm::erfc(-z / std::f64::consts::SQRT_2));
    }
    let half_ln_tau = 0.5 * ln(std::f64::consts::TAU);
    -0.5 * z * z - half_ln_tau - ln(-z) + ln_1p(-1.0 / (z * z) + 3.0 / (z * z * z * z))
}

/// The z with the standard normal distribution function at `share`, by bisection to 1e-12.
pub(crate) fn normal_quantile(share: f64) -> f64 {
    let (mut low, mut high) = (-40.0, 40.0);
    while high - low > 1e-12 {
        let middle = 0.5 * (low + high);
        if 0.5 * libm::erfc(-middle / std::f64::consts::SQRT_2) < share {
            low = middle;
        } else {
            high = middle;
        }
        // Neighbouring numbers have no middle of their own.
        if middle == low && middle == high {
            break;
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_logarithms_neither_overflow_nor_vanish() {
        assert_eq!(ln_1p_exp(1_000.0), 1_000.0);
        assert_eq!(ln_1p_exp(-1_000.0), 0.0);
        let sum = log_sum_exp([1_000.0, 1_000.0].into_iter());
        assert!((sum - 1_000.0 - ln(2.0)).abs() < 1e-12);
        assert_eq!(log_sum_exp(std::iter::empty()), f64::NEG_INFINITY);
    }

    #[test]
    fn normal_tables_are_met() {
        assert!((normal_quantile(0.99) - 2.326_347_874).abs() < 1e-8);
        assert!((exp(ln_normal_cdf(-1.959_963_985)) - 0.025).abs() < 1e-9);
        // Both forms meet where one takes over.
        assert!((ln_normal_cdf(-8.000_001) - ln_normal_cdf(-7.999_999)).abs() < 1e-3);
    }
}
