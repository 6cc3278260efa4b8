//! Chance: one seeded generator, and draws from the distributions that worlds are made of.
//!
//! Knows nothing of rollouts. The same seed gives the same draws on every platform.

/// xoshiro256++, seeded by splitmix64.
#[derive(Debug, Clone)]
pub struct Draw {
    state: [u64; 4],
}

impl Draw {
    pub fn new(seed: u64) -> Self {
        let mut next = seed;
        let state = std::array::from_fn(|_| {
            next = next.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = next;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        });
        Self { state }
    }

    fn bits(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let drawn = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let mixed = [a ^ d ^ b, b ^ c ^ a, c ^ a ^ (b << 17), (d ^ b).rotate_left(45)];
        self.state = mixed;
        drawn
    }

    /// From 0, in, to 1, out.
    pub fn share(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Standard normal (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.share()));
        radius * libm::cos(std::f64::consts::TAU * self.share())
    }

    /// Gamma with scale 1 (Marsaglia and Tsang).
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let boost = libm::pow(self.share().max(1e-300), 1.0 / shape);
            return self.gamma(shape + 1.0) * boost;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / libm::sqrt(9.0 * d);
        loop {
            let x = self.normal();
            let v = 1.0 + c * x;
            if v <= 0.0 {
                continue;
            }
            let v = v * v * v;
            if libm::log(1.0 - self.share()) < 0.5 * x * x + d - d * v + d * libm::log(v) {
                return d * v;
            }
        }
    }

    /// Poisson: by inversion below ten, else by Hörmann's transformed rejection.
    pub fn poisson(&mut self, mean: f64) -> u64 {
        if mean <= 0.0 {
            return 0;
        }
        if mean < 10.0 {
            let (mut left, mut count, mut chance) = (self.share(), 0, libm::exp(-mean));
            while left > chance && count < 1_000 {
                left -= chance;
                count += 1;
                chance *= mean / count as f64;
            }
            return count;
        }
        let root = libm::sqrt(mean);
        let b = 0.931 + 2.53 * root;
        let a = -0.059 + 0.024_83 * b;
        let inverse = 1.123_9 + 1.132_8 / (b - 3.4);
        let top = 0.927_7 - 3.622_4 / (b - 2.0);
        loop {
            let u = self.share() - 0.5;
            let v = self.share();
            let us = 0.5 - u.abs();
            let k = libm::floor((2.0 * a / us + b) * u + mean + 0.43);
            if us >= 0.07 && v <= top {
                return k as u64;
            }
            if k < 0.0 || (us < 0.013 && v > us) {
                continue;
            }
            let accept = libm::log(v) + libm::log(inverse) - libm::log(a / (us * us) + b);
            if accept <= k * libm::log(mean) - mean - libm::lgamma(k + 1.0) {
                return k as u64;
            }
        }
    }

    /// Binomial: by inversion below ten expected, else by Hörmann's transformed rejection.
    pub fn binomial(&mut self, count: u64, share: f64) -> u64 {
        if count == 0 || share <= 0.0 {
            return 0;
        }
        if share >= 1.0 {
            return count;
        }
        if share > 0.5 {
            return count - self.binomial(count, 1.0 - share);
        }
        let n = count as f64;
        if n * share < 10.0 {
            let odds = share / (1.0 - share);
            let (mut left, mut found, mut chance) = (self.share(), 0, libm::exp(n * libm::log1p(-share)));
            while left > chance && found < count {
                left -= chance;
                found += 1;
                chance *= odds * (n - found as f64 + 1.0) / found as f64;
            }
            return found;
        }
        let deviation = libm::sqrt(n * share * (1.0 - share));
        let b = 1.15 + 2.53 * deviation;
        let a = -0.087_3 + 0.024_8 * b + 0.01 * share;
        let centre = n * share + 0.5;
        let top = 0.92 - 4.2 / b;
        let alpha = (2.83 + 5.1 / b) * deviation;
        let odds = libm::log(share / (1.0 - share));
        let mode = libm::floor((n + 1.0) * share);
        let at_mode = libm::lgamma(mode + 1.0) + libm::lgamma(n - mode + 1.0);
        loop {
            let u = self.share() - 0.5;
            let v = self.share();
            let us = 0.5 - u.abs();
            let k = libm::floor((2.0 * a / us + b) * u + centre);
            if !(0.0..=n).contains(&k) {
                continue;
            }
            if us >= 0.07 && v <= top {
                return k as u64;
            }
            let v = libm::log(v * alpha / (a / (us * us) + b));
            if v <= at_mode - libm::lgamma(k + 1.0) - libm::lgamma(n - k + 1.0) + (k - mode) * odds {
                return k as u64;
            }
        }
    }

    /// Bad requests that come in clumps: each of a Poisson number of causes makes 1, 2, 3, ... of them, `size` on average.
    pub fn clumps(&mut self, mean: f64, size: f64) -> u64 {
        let causes = self.poisson(mean / size);
        if causes == 0 || size <= 1.0 {
            return causes;
        }
        let more = self.gamma(causes as f64) * (size - 1.0);
        causes + self.poisson(more)
    }

    /// A series that forgets over `forget` ticks, standard normal at each.
    pub fn memory(&mut self, ticks: usize, forget: f64) -> Vec<f64> {
        let kept = libm::exp(-1.0 / forget);
        let fresh = libm::sqrt(1.0 - kept * kept);
        let mut now = self.normal();
        (0..ticks)
            .map(|tick| {
                if tick > 0 {
                    now = kept * now + fresh * self.normal();
                }
                now
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(mut draw: impl FnMut() -> f64) -> (f64, f64) {
        let values: Vec<f64> = (0..40_000).map(|_| draw()).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let squares = values.iter().map(|value| (value - mean) * (value - mean));
        (mean, squares.sum::<f64>() / values.len() as f64)
    }

    #[test]
    fn draws_have_the_mean_and_the_variance_that_they_should() {
        let mut draw = Draw::new(1);
        type Moments = (f64, f64);
        let cases: [(&str, Moments, Moments); 8] = [
            ("normal", moments(|| draw.normal()), (0.0, 1.0)),
            ("gamma 0.5", moments(|| draw.gamma(0.5)), (0.5, 0.5)),
            ("gamma 7", moments(|| draw.gamma(7.0)), (7.0, 7.0)),
            ("poisson 3", moments(|| draw.poisson(3.0) as f64), (3.0, 3.0)),
            (
                "poisson 300",
                moments(|| draw.poisson(300.0) as f64),
                (300.0, 300.0),
            ),
            (
                "binomial 750, 0.005",
                moments(|| draw.binomial(750, 0.005) as f64),
                (3.75, 3.73),
            ),
            (
                "binomial 750, 0.7",
                moments(|| draw.binomial(750, 0.7) as f64),
                (525.0, 157.5),
            ),
            (
                "clumps of 3",
                moments(|| draw.clumps(12.0, 3.0) as f64),
                (12.0, 60.0),
            ),
        ];
        for (name, (mean, variance), (wanted, spread)) in cases {
            assert!(
                (mean - wanted).abs() < 0.03 * libm::sqrt(spread),
                "{name}: mean {mean} for {wanted}"
            );
            assert!(
                (variance / spread - 1.0).abs() < 0.06,
                "{name}: variance {variance} for {spread}"
            );
        }
    }
}
