//! The ruling in full, read off the judge's state.

use gateline_model::ruling::{
    BadRequests, Cases, ExposureReading, FullRuling, Interval, MetricReading, Numbers, OfLate, RatioReading,
};

use super::Judge;
use super::metric::Metric;
use super::settings::Exposure;
use crate::forecast::{Traffic, minutes_to_advance};
use crate::ruling::{Words, meter};

impl Judge {
    /// A tick as seconds since the rollout began.
    pub(crate) fn seconds(&self, tick: u32) -> f64 {
        f64::from(tick) * self.settings.tick_secs
    }

    /// Everything that is to be shown of what the judge says now, but for what was before.
    pub fn ruling(&self) -> FullRuling {
        let paced = self.settings.exposure == Exposure::Paced;
        self.ruling_until(paced.then(|| self.seconds(self.patience_left()) / 60.0))
    }

    /// The same where somebody else keeps the time: so many minutes until it is inconclusive.
    pub fn ruling_until(&self, minutes_left: Option<f64>) -> FullRuling {
        let recipe = &self.settings.recipe;
        let metrics: Vec<MetricReading> = self.metrics.iter().map(|metric| self.reading(metric)).collect();
        let numbers = self.numbers(&metrics, minutes_left);
        let words = Words {
            says: self.said.says,
            because: &self.said.because,
            numbers: &numbers,
            metrics: &metrics,
            beta: recipe.beta,
            warm_up: self.seconds(recipe.warm_up) / 60.0,
        };
        let uncalibrated = self.metrics.iter().filter(|metric| !metric.noise.is_calibrated());
        let mut notes = self.notes.clone();
        notes.extend(uncalibrated.map(|metric| {
            format!(
                "{} is uncalibrated: evidence from it makes the rollout wait, and does not end it",
                metric.name()
            )
        }));
        FullRuling {
            ruling: self.said.says,
            at: self.seconds(self.said.since),
            headline: words.headline(),
            because: self.said.because.clone(),
            why_not: words.why_not(),
            numbers,
            metrics,
            band: Vec::new(),
            dropped: Vec::new(),
            notes,
        }
    }

    /// The interval of each metric now.
    pub(crate) fn intervals(&self) -> Vec<Interval> {
        self.metrics.iter().map(|metric| self.interval(metric)).collect()
    }

    /// The interval whose upper edge is the ratio that decides: the first one that is ruled out.
    fn interval(&self, metric: &Metric) -> Interval {
        let recipe = &self.settings.recipe;
        Interval {
            high: metric.ratio.upper(recipe.beta),
            ..metric.ratio.interval(recipe.alpha, recipe.beta)
        }
    }

    fn reading(&self, metric: &Metric) -> MetricReading {
        let recipe = &self.settings.recipe;
        let sums = metric.ratio.sums();
        let share = |bad: u64, all: u64| bad as f64 / (all as f64).max(1.0);
        MetricReading {
            name: metric.name(),
            canary: share(sums.canary_bad, sums.canary),
            stable: share(sums.stable_bad, sums.stable),
            ratio: RatioReading {
                interval: self.interval(metric),
                limit: metric.ratio.tolerance(),
            },
            against: meter(metric.ratio.ln_e_harm(), recipe.bar()),
            safe: meter(metric.ratio.ln_e_safe(), 1.0 / recipe.beta),
            of_late: metric.ratio.of_late().map(|(since, ratio)| OfLate {
                since: self.seconds(since),
                ratio,
            }),
            noise: metric.noise.into(),
            calibration: metric.noise.to_string(),
        }
    }

    fn numbers(&self, metrics: &[MetricReading], minutes_left: Option<f64>) -> Numbers {
        let recipe = &self.settings.recipe;
        let counted = metrics.get(self.loudest()).filter(|_| self.counted.1 > 0);
        let least = metrics
            .iter()
            .map(|metric| metric.safe.odds)
            .fold(f64::INFINITY, f64::min);
        Numbers {
            bad_requests: BadRequests {
                canary: self.errors.canary_bad,
                expected: self.errors.expected(),
                excess: self.errors.excess(),
                budget: self.settings.budget,
            },
            ratio: counted.map(|metric| metric.ratio),
            evidence: Cases {
                against: meter(self.ln_e(), recipe.bar()),
                safe: gateline_model::ruling::Meter {
                    odds: if least.is_finite() { least } else { 1.0 },
                    bar: 1.0 / recipe.beta,
                },
            },
            exposure: ExposureReading {
                weight: self.weight_now(),
                allowed: self.said.weight,
                requests: self.errors.canary,
                minutes: self.last.map_or(0.0, |last| self.seconds(last + 1) / 60.0),
                minutes_more: self.minutes_more(),
                minutes_left,
            },
        }
    }

    /// The share that it has, in per cent. Where people of a cohort alone see it, nobody knows their share.
    fn weight_now(&self) -> f64 {
        self.weight.unwrap_or(match self.settings.exposure {
            Exposure::Given => 0.0,
            Exposure::Paced => self.said.weight,
        })
    }

    /// Minutes that a release as good as the old one still needs at this weight.
    fn minutes_more(&self) -> Option<f64> {
        let weight = self.weight_now() / 100.0;
        let of = |metric: &Metric| {
            let traffic = Traffic {
                requests_per_sec: self.traffic / self.settings.tick_secs,
                rate: metric.ratio.rate().max(metric.before / 10.0),
                design_effect: metric.noise.whole,
                weight,
            };
            let so_far = metric.ratio.ln_e_safe();
            minutes_to_advance(&self.settings.recipe, metric.ratio.tolerance(), traffic, so_far)
        };
        let most = self.metrics.iter().map(of).fold(0.0, f64::max);
        let told = most.is_finite() && !self.metrics.is_empty();
        told.then_some(most)
    }
}
