//! What a service asks of the judge, beside the recipe's constants.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::guard::Slo;
use crate::recipe::Recipe;

/// What a service asks of the judge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The constants, by the name of a published set or in full.
    #[serde(deserialize_with = "named_or_own")]
    pub recipe: Recipe,
    /// What is tolerated of errors.
    pub errors: ErrorTolerance,
    /// What is tolerated of latency, one for each share of slow requests that is watched.
    pub latency: Vec<SlowTolerance>,
    /// Who sets the weight.
    pub exposure: Exposure,
    /// Objectives of the service that guard, beside the comparison.
    pub slo: Option<Slo>,
    /// Excess bad requests that end a rollout once the evidence is 5 to 1; none for no such end.
    pub budget: Option<f64>,
    /// ln of the odds that earlier attempts with the same artifact ended with: they go on, they do not begin again.
    pub carried_ln_e: f64,
    /// What gauges may do.
    pub gauges: Vec<GaugeTolerance>,
}

/// How much more errors than the stable arm's are tolerated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorTolerance {
    /// As a ratio of rates.
    pub ratio: f64,
    /// As a share of all requests, for a service that hardly ever fails: the larger one holds.
    pub share: f64,
}

/// How much more requests may be slow than at the stable arm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlowTolerance {
    /// Share of the stable arm's requests beyond the bound; the histogram's nearest bound is taken.
    pub share: f64,
    /// As a ratio of shares.
    pub ratio: f64,
}

/// How much higher a gauge may be than at the stable arm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GaugeTolerance {
    /// Its name.
    pub name: String,
    /// As a share above the stable arm's.
    pub above: f64,
    /// A value that ends the rollout, whatever the stable arm has.
    pub limit: Option<f64>,
    /// Whether evidence from it may end the rollout.
    pub rolls_back: GaugeMay,
}

/// What evidence from a gauge may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GaugeMay {
    /// Keep the rollout where it is.
    Wait,
    /// End it.
    RollBack,
}

/// Who sets the weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exposure {
    /// The rollout's own steps; the judge says whether the one that stands has shown enough.
    Given,
    /// The judge, by its recipe's pace.
    Paced,
}

/// Most bounds of latency that are watched, and most gauges.
pub const WATCHED_MAX: usize = 16;

/// Why settings cannot be judged by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {why}")]
pub struct SettingsError {
    field: &'static str,
    why: &'static str,
}

impl Settings {
    /// The settings, where they can be judged by.
    ///
    /// # Errors
    /// [`SettingsError`] with the first field that is not what it must be.
    pub fn checked(self) -> Result<Self, SettingsError> {
        let is_share = |share: f64| share > 0.0 && share < 1.0;
        let is_ratio = |ratio: f64| ratio > 1.0 && ratio < 64.0;
        let (recipe, pace) = (&self.recipe, &self.recipe.pace);
        let capital: f64 = recipe.restarts.iter().map(|restart| restart.capital).sum();
        let ascends = pace.weights.windows(2).all(|pair| pair[0] < pair[1]);
        let rules = [
            (
                "errors.ratio",
                is_ratio(self.errors.ratio),
                "must be above 1 and below 64",
            ),
            (
                "errors.share",
                is_share(self.errors.share),
                "must be above 0 and below 1",
            ),
            (
                "latency",
                self.latency.len() <= WATCHED_MAX,
                "has more than 16 entries",
            ),
            (
                "latency.ratio",
                self.latency.iter().all(|slow| is_ratio(slow.ratio)),
                "must be above 1 and below 64",
            ),
            (
                "latency.share",
                self.latency.iter().all(|slow| is_share(slow.share)),
                "must be above 0 and below 1",
            ),
            (
                "gauges",
                self.gauges.len() <= WATCHED_MAX,
                "has more than 16 entries",
            ),
            (
                "slo.errors",
                self.slo.is_none_or(|slo| is_share(slo.errors)),
                "must be above 0 and below 1",
            ),
            (
                "budget",
                self.budget.is_none_or(|budget| budget >= 0.0),
                "must not be below 0",
            ),
            ("carried_ln_e", self.carried_ln_e.is_finite(), "must be a number"),
            (
                "recipe.alpha",
                is_share(recipe.alpha),
                "must be above 0 and below 1",
            ),
            (
                "recipe.beta",
                is_share(recipe.beta),
                "must be above 0 and below 1",
            ),
            (
                "recipe.error_capital",
                is_share(recipe.error_capital),
                "must be above 0 and below 1",
            ),
            ("recipe.cap", recipe.cap > 0.0, "must be above 0"),
            (
                "recipe.restarts",
                (capital - 1.0).abs() < 1e-6,
                "must have capital that sums to 1",
            ),
            (
                "recipe.harm_ratio_min",
                is_ratio(recipe.harm_ratio_min),
                "must be above 1 and below 64",
            ),
            (
                "recipe.margin_power",
                (0.0..=1.0).contains(&recipe.margin_power),
                "must be from 0 to 1",
            ),
            (
                "recipe.margin_floor",
                (0.0..=4.0).contains(&recipe.margin_floor),
                "must be from 0 to 4",
            ),
            (
                "recipe.pace.weights",
                ascends && pace.weights.len() >= 2,
                "must ascend, two at least",
            ),
            ("recipe.pace.every", pace.every > 0, "must be above 0"),
        ];
        match rules.into_iter().find(|(_, holds, _)| !holds) {
            Some((field, _, why)) => Err(SettingsError { field, why }),
            None => Ok(self),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        let (errors, latency) = (
            ErrorTolerance {
                ratio: 2.0,
                share: 0.002,
            },
            slow_tolerances(),
        );
        Self {
            recipe: Recipe::default(),
            errors,
            latency,
            exposure: Exposure::Given,
            slo: None,
            budget: None,
            carried_ln_e: 0.0,
            gauges: Vec::new(),
        }
    }
}

fn named_or_own<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Recipe, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Named(String),
        Own(Box<Recipe>),
    }
    match Given::deserialize(deserializer)? {
        Given::Own(recipe) => Ok(*recipe),
        Given::Named(name) => Recipe::named(&name).ok_or_else(|| {
            D::Error::custom(format!(
                "there is no recipe `{name}`; there are evidence, tempered and clumped"
            ))
        }),
    }
}

/// One request in twenty and one in a hundred: a shift of everything by 12 % moves the first by half, by 17 % doubles the second.
fn slow_tolerances() -> Vec<SlowTolerance> {
    vec![
        SlowTolerance {
            share: 0.05,
            ratio: 1.5,
        },
        SlowTolerance {
            share: 0.01,
            ratio: 2.0,
        },
    ]
}
