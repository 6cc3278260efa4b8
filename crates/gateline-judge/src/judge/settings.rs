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
