//! Judging: by what a rollout's traffic is judged, and where its numbers come from.
//!
//! Knows no statistics: what a judge concludes is its own.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Percent, Span, TrafficSource};

/// Most bounds of latency that are watched, and most gauges.
pub const WATCHED_MAX: usize = 16;

/// By what a rollout is judged: one word where its defaults will do, or a map.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(transform = crate::name::or_a_word)]
pub struct JudgeSettings {
    /// The judge.
    #[serde(skip_serializing_if = "JudgeBy::is_default")]
    #[schemars(default)]
    pub by: JudgeBy,
    /// Time between two looks: 5 s for thresholds, 15 s for the others.
    #[schemars(default)]
    pub every: Span,
    /// `thresholds`: the highest share of requests that may fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<ErrorLimit>,
    /// `thresholds`: the slowest that requests may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencyLimit>,
    /// `thresholds`: requests that the canary must have served in a step before the judge says anything but `wait`.
    #[schemars(default)]
    pub at_least_requests: u64,
    /// `evidence`: how long the canary is cold, from the rollout's beginning; a minute where nothing is said. Until then only
    /// the fuses see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warm_up: Option<Span>,
    /// How long a step may stand without an answer before the judge says `inconclusive`.
    #[schemars(default)]
    pub patience: Span,
    /// What then happens.
    #[serde(skip_serializing_if = "WhenInconclusive::is_default")]
    #[schemars(default)]
    pub inconclusive: WhenInconclusive,
    /// `evidence` and `group_sequential`: how much worse than the stable arm is tolerated.
    #[serde(skip_serializing_if = "Tolerance::is_default")]
    #[schemars(default)]
    pub tolerate: Tolerance,
    /// `kayenta`: its scores.
    #[serde(skip_serializing_if = "KayentaSettings::is_default")]
    #[schemars(default)]
    pub kayenta: KayentaSettings,
    /// Where the counts come from; the target itself where this is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<TrafficSource>,
}

/// The judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JudgeBy {
    /// A share of errors and a quantile of latency, each against one limit.
    #[default]
    Thresholds,
    /// Odds against and for the release, beside the stable arm, at every tick.
    Evidence,
    /// Spinnaker's: ranks of points, one score at the end of each step.
    Kayenta,
    /// O'Brien and Fleming's boundary, for steps with fixed pauses.
    GroupSequential,
}

impl JudgeBy {
    /// All of them.
    pub const ALL: [JudgeBy; 4] = [
        JudgeBy::Thresholds,
        JudgeBy::Evidence,
        JudgeBy::Kayenta,
        JudgeBy::GroupSequential,
    ];

    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The word in a pipeline.
    pub fn word(self) -> &'static str {
        match self {
            JudgeBy::Thresholds => "thresholds",
            JudgeBy::Evidence => "evidence",
            JudgeBy::Kayenta => "kayenta",
            JudgeBy::GroupSequential => "group_sequential",
        }
    }

    /// Whether it compares with the stable arm, and says nothing without it.
    pub fn compares(self) -> bool {
        match self {
            JudgeBy::Thresholds => false,
            JudgeBy::Evidence | JudgeBy::Kayenta | JudgeBy::GroupSequential => true,
        }
    }

    /// Thresholds are looked at every 5 s; the constants of the others are made for ticks of 15 s.
    fn every(self) -> Span {
        match self {
            JudgeBy::Thresholds => Span::from_secs(5),
            JudgeBy::Evidence | JudgeBy::Kayenta | JudgeBy::GroupSequential => Span::from_secs(15),
        }
    }
}

/// What happens when the judge could not tell in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenInconclusive {
    /// The rollout stands still and a person is asked.
    #[default]
    Ask,
    /// It goes on, and the record says that nothing was shown.
    Advance,
    /// It is taken back.
    RollBack,
}

impl WhenInconclusive {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for JudgeSettings {
    fn default() -> Self {
        Self::by(JudgeBy::default())
    }
}

impl JudgeSettings {
    /// A judge with its defaults.
    pub fn by(by: JudgeBy) -> Self {
        Self {
            by,
            every: by.every(),
            errors: None,
            latency: None,
            at_least_requests: 50,
            warm_up: None,
            patience: Span::from_secs(3_600),
            inconclusive: WhenInconclusive::default(),
            tolerate: Tolerance::default(),
            kayenta: KayentaSettings::default(),
            source: None,
        }
    }

    /// What is asked of the traffic, a part each.
    pub fn limits(&self) -> Vec<String> {
        match self.by {
            JudgeBy::Thresholds => {}
            JudgeBy::Evidence => return vec!["evidence beside the stable release".to_owned()],
            JudgeBy::Kayenta => return vec![format!("a score of {} by ranks (kayenta)", self.kayenta.pass)],
            JudgeBy::GroupSequential => return vec!["a fixed schedule (group sequential)".to_owned()],
        }
        let errors = self
            .errors
            .as_ref()
            .map(|limit| format!("at most {} errors", limit.at_most));
        let latency = self
            .latency
            .as_ref()
            .map(|limit| format!("{} within {}", limit.quantile, limit.at_most));
        let mut limits: Vec<String> = errors.into_iter().chain(latency).collect();
        if limits.is_empty() {
            limits.push(format!("{} requests", self.at_least_requests));
        }
        limits
    }

    /// When it takes a rollout back by itself, as the end of a sentence; none where it never does.
    pub fn takes_back(&self) -> Option<String> {
        match self.by {
            JudgeBy::Thresholds => {}
            JudgeBy::Evidence => {
                let says = "the odds are against it, beside the stable release, or when a fuse blows";
                return Some(says.to_owned());
            }
            JudgeBy::Kayenta => return Some(format!("its score is {} or less", self.kayenta.marginal)),
            JudgeBy::GroupSequential => return Some("it crosses the boundary of the schedule".to_owned()),
        }
        let errors = self
            .errors
            .as_ref()
            .map(|limit| format!("more than {} of the requests fail", limit.at_most));
        let latency = self.latency.as_ref().map(|limit| {
            format!(
                "{} of the requests take longer than {}",
                limit.quantile, limit.at_most
            )
        });
        let limits: Vec<String> = errors.into_iter().chain(latency).collect();
        let seen = self.at_least_requests;
        (!limits.is_empty()).then(|| format!("{}, once {seen} requests are seen", limits.join(", or when ")))
    }

    /// When it looks and how long it waits, as a sentence.
    pub fn looks(&self) -> String {
        let (every, longer) = (self.every, self.may_take_longer());
        match (self.by, self.warm_up) {
            (JudgeBy::Evidence, Some(warm_up)) => {
                format!(
                    "It looks every {every}, in the first {warm_up} for its fuses alone. The rollout takes {longer}."
                )
            }
            _ => format!("It looks every {every}. The rollout takes {longer}."),
        }
    }

    /// What may make a step stand longer than its pause.
    pub fn may_take_longer(&self) -> String {
        let then = match self.inconclusive {
            WhenInconclusive::Ask => "a person decides",
            WhenInconclusive::Advance => "it goes on unproven",
            WhenInconclusive::RollBack => "it is taken back",
        };
        match self.by {
            JudgeBy::Thresholds => format!(
                "longer where a step sees fewer than {} requests, and {then} after {}",
                self.at_least_requests, self.patience
            ),
            JudgeBy::Evidence | JudgeBy::Kayenta | JudgeBy::GroupSequential => {
                format!("longer until enough is shown, and {then} after {}", self.patience)
            }
        }
    }
}

impl<'de> Deserialize<'de> for JudgeSettings {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Judge;
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Full {
            #[serde(default)]
            by: JudgeBy,
            every: Option<Span>,
            errors: Option<ErrorLimit>,
            latency: Option<LatencyLimit>,
            at_least_requests: Option<u64>,
            warm_up: Option<Span>,
            patience: Option<Span>,
            #[serde(default)]
            inconclusive: WhenInconclusive,
            #[serde(default)]
            tolerate: Tolerance,
            #[serde(default)]
            kayenta: KayentaSettings,
            source: Option<TrafficSource>,
        }
        impl<'de> serde::de::Visitor<'de> for Judge {
            type Value = JudgeSettings;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`thresholds`, `evidence`, `kayenta`, `group_sequential`, or a map with `by`")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<JudgeSettings, E> {
                let word = serde::de::value::StrDeserializer::new(text);
                Ok(JudgeSettings::by(JudgeBy::deserialize(word)?))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<JudgeSettings, A::Error> {
                let full = Full::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                let default = JudgeSettings::by(full.by);
                Ok(JudgeSettings {
                    by: full.by,
                    every: full.every.unwrap_or(default.every),
                    errors: full.errors,
                    latency: full.latency,
                    at_least_requests: full.at_least_requests.unwrap_or(default.at_least_requests),
                    warm_up: full.warm_up,
                    patience: full.patience.unwrap_or(default.patience),
                    inconclusive: full.inconclusive,
                    tolerate: full.tolerate,
                    kayenta: full.kayenta,
                    source: full.source,
                })
            }
        }
        deserializer.deserialize_any(Judge)
    }
}

/// The highest share of failed requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorLimit {
    /// The share, as in `2%` or `0.5%`.
    pub at_most: Percent,
}

/// The slowest that requests may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LatencyLimit {
    /// Which quantile, as in `95%`.
    pub quantile: Percent,
    /// Its highest value.
    pub at_most: Span,
}

/// How much worse than the stable arm is tolerated.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tolerance {
    /// The set of constants: `evidence` (the default), `tempered` or `clumped`.
    #[serde(default, skip_serializing_if = "RecipeName::is_default")]
    pub recipe: RecipeName,
    /// Errors: twice as many, or two requests in a thousand more, where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<ErrorTolerance>,
    /// Slow requests; half more of the slowest twentieth and twice the slowest hundredth, where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Vec<SlowTolerance>>,
    /// The service's objective, which guards beside the comparison: the highest share of requests that may fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slo: Option<Percent>,
    /// Excess bad requests that end a rollout once the odds are 5 to 1 against it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<u64>,
    /// What gauges may do, by their name in the source.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gauges: BTreeMap<String, GaugeTolerance>,
}

impl Tolerance {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The published sets of the judge's constants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecipeName {
    /// Gateline's own: few false alarms first.
    #[default]
    Evidence,
    /// Every likelihood tempered by the whole noise.
    Tempered,
    /// Sooner with small faults, later with large ones.
    Clumped,
}

impl RecipeName {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The word in a pipeline.
    pub fn word(self) -> &'static str {
        match self {
            RecipeName::Evidence => "evidence",
            RecipeName::Tempered => "tempered",
            RecipeName::Clumped => "clumped",
        }
    }
}

/// How much more errors than the stable arm's are tolerated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorTolerance {
    /// As a ratio of rates.
    pub ratio: f64,
    /// As a share of all requests, for a service that hardly ever fails: the larger one holds.
    pub share: f64,
}

/// How much more requests may be slow than at the stable arm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlowTolerance {
    /// Share of the stable arm's requests beyond the bound; the histogram's nearest bound is taken.
    pub share: f64,
    /// As a ratio of shares.
    pub ratio: f64,
}

/// What a gauge may do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GaugeTolerance {
    /// How much higher than at the stable arm, as a share.
    pub above: f64,
    /// A value that ends the rollout, whatever the stable arm has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    /// What evidence from it may do.
    #[serde(default)]
    pub rolls_back: GaugeMay,
}

/// What evidence from a gauge may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GaugeMay {
    /// Keep the rollout where it is.
    #[default]
    Wait,
    /// End it.
    RollBack,
}

/// Scores of the judge `kayenta`, 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KayentaSettings {
    /// A step goes on from this score.
    pub pass: u8,
    /// A step is taken back up to this score.
    pub marginal: u8,
}

impl Default for KayentaSettings {
    /// Spinnaker's own.
    fn default() -> Self {
        Self {
            pass: 95,
            marginal: 75,
        }
    }
}

impl KayentaSettings {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_judge_is_a_word_or_a_map() {
        let word: JudgeSettings = serde_json::from_str(r#""evidence""#).unwrap();
        assert_eq!((word.by, word.every), (JudgeBy::Evidence, Span::from_secs(15)));
        let map: JudgeSettings = serde_json::from_str(r#"{"errors": {"at_most": "2%"}}"#).unwrap();
        assert_eq!((map.by, map.every), (JudgeBy::Thresholds, Span::from_secs(5)));
        let back: JudgeSettings = serde_json::from_str(&serde_json::to_string(&word).unwrap()).unwrap();
        assert_eq!(back, word);
        assert!(
            serde_json::from_str::<JudgeSettings>(r#""guesses""#)
                .unwrap_err()
                .to_string()
                .contains("evidence")
        );
    }
}
