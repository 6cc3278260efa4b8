//! Saturation: how far a resource of the release is used at each weight, and how far it would be with all traffic.
//!
//! Knows no arithmetic: the judge fills these in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ruling::short;

/// One gauge over a rollout, each value the mean over an arm's instances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Saturation {
    /// Its name in the source.
    pub gauge: String,
    /// What was seen at each weight, ascending.
    pub steps: Vec<SaturationStep>,
    /// What is to be expected with all traffic; none where nothing was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forecast: Option<f64>,
    /// How that is known.
    pub from: ForecastFrom,
    /// The value that ends the rollout, where the stage declares one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    /// The weight in per cent at which it passes that limit; none where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passes_at: Option<f64>,
}

/// A gauge at one weight.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SaturationStep {
    /// The weight of the release, in per cent.
    pub weight: u8,
    /// The mean at the release.
    pub canary: f64,
    /// The mean at the release that was live before, meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stable: Option<f64>,
    /// Ticks that it was seen in.
    pub ticks: u32,
}

/// How the use with all traffic is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ForecastFrom {
    /// It had all traffic.
    Seen,
    /// A straight line through the weights so far.
    Line,
    /// It is not: from one weight alone nobody knows how much is used at rest.
    OneWeight,
    /// Instances come with the share, and each carries as much as before.
    Even,
}

impl ForecastFrom {
    /// How, in words.
    pub fn words(self) -> &'static str {
        match self {
            ForecastFrom::Seen => "seen",
            ForecastFrom::Line => "a straight line",
            ForecastFrom::OneWeight => "one weight alone tells nothing",
            ForecastFrom::Even => "as now: instances come with the share",
        }
    }
}

impl Saturation {
    /// What was seen at each weight.
    pub fn seen(&self) -> String {
        let step = |step: &SaturationStep| {
            let stable = step
                .stable
                .map_or(String::new(), |stable| format!(" (stable {})", short(stable)));
            format!("{}%: {}{stable}", step.weight, short(step.canary))
        };
        self.steps.iter().map(step).collect::<Vec<_>>().join(", ")
    }

    /// What is to be expected with all traffic.
    pub fn ahead(&self) -> String {
        let Some(forecast) = self.forecast else {
            return "not known from one weight".to_owned();
        };
        let about = if self.from == ForecastFrom::Seen {
            ""
        } else {
            "about "
        };
        format!("{about}{} ({})", short(forecast), self.from.words())
    }

    /// Where it stands to its limit.
    pub fn to_limit(&self) -> String {
        match (self.limit, self.passes_at) {
            (None, _) => "no limit declared".to_owned(),
            (Some(limit), None) if self.forecast.is_none() => {
                format!("below its limit {} so far", short(limit))
            }
            (Some(limit), None) => format!("stays below its limit {}", short(limit)),
            (Some(limit), Some(weight)) => {
                format!("passes its limit {} at {}%", short(limit), short(weight))
            }
        }
    }
}
