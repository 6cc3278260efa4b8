//! What a service asks of the judge, beside the recipe's constants.

use std::collections::BTreeMap;

use gateline_model::{ErrorTolerance, GaugeTolerance, RecipeName, SlowTolerance, Tolerance, WATCHED_MAX};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::guard::Slo;
use crate::recipe::{Recipe, TICK_SECS};

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
    /// The weights of the rollout's own steps in per cent, ascending. Where they are not known, each may be the last.
    pub steps: Vec<f64>,
    /// Objectives of the service that guard, beside the comparison.
    pub slo: Option<Slo>,
    /// Excess bad requests that end a rollout once the evidence is 5 to 1; none for no such end.
    pub budget: Option<f64>,
    /// ln of the odds that earlier attempts with the same artifact ended with: they go on, they do not begin again.
    pub carried_ln_e: f64,
    /// What gauges may do, by name.
    pub gauges: BTreeMap<String, GaugeTolerance>,
    /// Seconds of a tick. The recipe's times are counted in ticks and made for 15 s; another length stretches them all.
    pub tick_secs: f64,
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
            (
                "tick_secs",
                (0.1..=3_600.0).contains(&self.tick_secs),
                "must be from 0.1 to 3600",
            ),
            ("carried_ln_e", self.carried_ln_e.is_finite(), "must be a number"),
        ];
        let rules = rules.into_iter().chain(recipe_rules(&self.recipe));
        match rules.into_iter().find(|(_, holds, _)| !holds) {
            Some((field, _, why)) => Err(SettingsError { field, why }),
            None => Ok(self),
        }
    }
}

/// What must hold of a recipe's constants: field, whether it does, and what must be.
fn recipe_rules(recipe: &Recipe) -> Vec<(&'static str, bool, &'static str)> {
    let is_share = |share: f64| share > 0.0 && share < 1.0;
    let is_ratio = |ratio: f64| ratio > 1.0 && ratio < 64.0;
    let pace = &recipe.pace;
    let capital: f64 = recipe.restarts.iter().map(|restart| restart.capital).sum();
    let ascends = pace.weights.windows(2).all(|pair| pair[0] < pair[1]);
    vec![
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
    ]
}

impl From<&Tolerance> for Settings {
    fn from(tolerance: &Tolerance) -> Self {
        let Tolerance {
            recipe,
            errors,
            latency,
            slo,
            budget,
            gauges,
        } = tolerance;
        let default = Self::default();
        Self {
            recipe: match recipe {
                RecipeName::Evidence => default.recipe,
                RecipeName::Tempered => Recipe::tempered(),
                RecipeName::Clumped => Recipe::clumped(),
            },
            errors: errors.unwrap_or(default.errors),
            latency: latency.clone().unwrap_or(default.latency),
            slo: slo.map(|errors| Slo {
                errors: errors.share(),
            }),
            budget: budget.map(|budget| budget as f64),
            gauges: gauges.clone(),
            ..default
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
            steps: Vec::new(),
            slo: None,
            budget: None,
            carried_ln_e: 0.0,
            gauges: BTreeMap::new(),
            tick_secs: TICK_SECS as f64,
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
