//! Rollouts: how a release reaches its target, step by step, and what the judge says of it.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{MetricSource, Span};

/// A share of traffic in whole per cent, 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Weight(u8);

/// Why a text is not a [`Weight`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a weight: write a whole per cent from `0%` to `100%`")]
pub struct WeightError(String);

impl Weight {
    /// All traffic.
    pub const ALL: Weight = Weight(100);
    /// No traffic.
    pub const NONE: Weight = Weight(0);

    /// A weight of so many per cent; more than 100 becomes 100.
    pub fn percent(percent: u8) -> Self {
        Self(percent.min(100))
    }

    /// Whole per cent.
    pub fn as_percent(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

impl FromStr for Weight {
    type Err = WeightError;

    fn from_str(text: &str) -> Result<Self, WeightError> {
        let number = text
            .strip_suffix('%')
            .and_then(|digits| digits.trim().parse::<u8>().ok());
        match number {
            Some(percent) if percent <= 100 => Ok(Self(percent)),
            Some(_) | None => Err(WeightError(text.chars().take(40).collect())),
        }
    }
}

impl Serialize for Weight {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Weight {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::name::from_text(deserializer)
    }
}

impl JsonSchema for Weight {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Weight".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^(100|[0-9]{1,2})%$", "description": "a share of traffic, as in 25%"})
    }
}

/// How a release reaches its target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Strategy {
    /// Everything at once, then the old release is stopped.
    AllAtOnce(AllAtOnce),
    /// A growing share of traffic, judged at each step.
    Canary(Box<Canary>),
}

impl Default for Strategy {
    fn default() -> Self {
        Strategy::AllAtOnce(AllAtOnce {})
    }
}

impl Strategy {
    /// The plan, as one line.
    pub fn says(&self) -> String {
        match self {
            Strategy::AllAtOnce(AllAtOnce {}) => "all at once".to_owned(),
            Strategy::Canary(canary) => canary.says(),
        }
    }
}

impl Canary {
    /// The steps with their pauses, and what the judge asks, as one line.
    fn says(&self) -> String {
        let pause = |step: &CanaryStep| step.pause.unwrap_or(self.pause);
        let steps: Vec<String> = self
            .steps
            .iter()
            .map(|step| match pause(step) {
                Span::ZERO => step.weight.to_string(),
                pause => format!("{} for {pause}", step.weight),
            })
            .collect();
        let judged = match &self.judge {
            Some(judge) => format!("; judged on {}", judge.limits().join(" and ")),
            None => String::new(),
        };
        format!("canary {}{judged}", steps.join(", "))
    }

    /// How long it takes at least, and what may make it longer.
    pub fn forecast(&self) -> String {
        let pauses = self.steps.iter().map(|step| step.pause.unwrap_or(self.pause));
        let least = pauses.fold(Span::ZERO, Span::plus);
        let least = match least {
            Span::ZERO => "no pause is planned".to_owned(),
            span => format!("it takes at least {span}"),
        };
        match &self.judge {
            Some(judge) => format!(
                "{least}; longer where a step sees fewer than {} requests, and a person decides after {}",
                judge.at_least_requests, judge.patience
            ),
            None => least,
        }
    }
}

/// Settings of the strategy `all_at_once`: there are none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllAtOnce {}

/// Settings of the strategy `canary`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    /// The shares of traffic, growing, the last one 100 %.
    pub steps: Vec<CanaryStep>,
    /// How long each step stands before the next, where the step does not say.
    #[serde(default)]
    pub pause: Span,
    /// What the traffic must look like to go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge: Option<JudgeSettings>,
}

/// One step of a canary: a weight alone (`25%`), or a weight with its own pause and limits.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CanaryStep {
    /// The share of traffic.
    pub weight: Weight,
    /// How long this step stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause: Option<Span>,
    /// This step's own limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judge: Option<JudgeSettings>,
}

impl<'de> Deserialize<'de> for CanaryStep {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Step;
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Full {
            weight: Weight,
            pause: Option<Span>,
            judge: Option<JudgeSettings>,
        }
        impl<'de> serde::de::Visitor<'de> for Step {
            type Value = CanaryStep;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a weight such as `25%`, or a map with `weight`, `pause` and `judge`")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<CanaryStep, E> {
                Ok(CanaryStep {
                    weight: text.parse().map_err(E::custom)?,
                    pause: None,
                    judge: None,
                })
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<CanaryStep, A::Error> {
                let Full { weight, pause, judge } =
                    Full::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(CanaryStep { weight, pause, judge })
            }
        }
        deserializer.deserialize_any(Step)
    }
}

/// What the judge asks of the canary's traffic.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JudgeSettings {
    /// Time between two looks.
    #[serde(default = "JudgeSettings::every_default")]
    pub every: Span,
    /// The highest share of requests that may fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<ErrorLimit>,
    /// The slowest that requests may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencyLimit>,
    /// Requests that the canary must have served in a step before the judge says anything but `wait`.
    #[serde(default = "JudgeSettings::requests_default")]
    pub at_least_requests: u64,
    /// How long the judge may wait for enough requests before it says `inconclusive` and a person is asked.
    #[serde(default = "JudgeSettings::patience_default")]
    pub patience: Span,
    /// Where the counts come from; the target itself where this is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<TrafficSource>,
}

impl JudgeSettings {
    /// What is asked of the traffic, a part each.
    pub fn limits(&self) -> Vec<String> {
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

    fn every_default() -> Span {
        Span::from_secs(5)
    }

    fn requests_default() -> u64 {
        50
    }

    fn patience_default() -> Span {
        Span::from_secs(3_600)
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

/// Counts from a metric source instead of the target. `{arm}` and `{version}` are filled into the queries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrafficSource {
    /// Where to ask.
    pub from: MetricSource,
    /// Query for all requests so far (a counter).
    pub requests: String,
    /// Query for failed requests so far (a counter).
    pub errors: String,
}

/// A share with a fraction, kept as a number from 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Percent(f64);

/// Why a text is not a [`Percent`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a share: write a per cent from `0%` to `100%`, as in `0.5%`")]
pub struct PercentError(String);

impl Percent {
    /// The number, 0 to 100.
    pub fn as_f64(self) -> f64 {
        self.0
    }

    /// The share, 0 to 1.
    pub fn share(self) -> f64 {
        self.0 / 100.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

impl FromStr for Percent {
    type Err = PercentError;

    fn from_str(text: &str) -> Result<Self, PercentError> {
        let number = text
            .strip_suffix('%')
            .and_then(|digits| digits.trim().parse::<f64>().ok());
        match number {
            Some(percent) if (0.0..=100.0).contains(&percent) => Ok(Self(percent)),
            Some(_) | None => Err(PercentError(text.chars().take(40).collect())),
        }
    }
}

impl Serialize for Percent {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::name::from_text(deserializer)
    }
}

impl JsonSchema for Percent {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Percent".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?%$", "description": "a share, as in 0.5%"})
    }
}

/// What one step makes true of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum StepAction {
    /// The old release has finished its requests and is stopped, before the new one starts.
    Stop,
    /// The new release runs and is healthy; it gets no traffic yet.
    Start,
    /// The new release gets a copy of this share of the requests; what it answers is thrown away.
    Mirror {
        /// The share that is copied.
        share: Weight,
    },
    /// So many instances of each release run, and each takes an equal share of the requests.
    Replace {
        /// Of the new release.
        new: u32,
        /// Of the old release.
        old: u32,
    },
    /// The new release gets this share of traffic.
    Expose {
        /// The share.
        weight: Weight,
        /// Whose requests go to the new release, whatever the share of the others is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cohort: Option<Cohort>,
    },
    /// The old release has finished its requests and is stopped.
    Finish,
    /// All traffic is back at the release that was live before.
    Withdraw,
    /// The new release has finished its requests and is stopped.
    Discard,
    /// The command that was declared for a failed rollout has run.
    Degrade,
}

impl StepAction {
    /// The new release gets this share of everybody's requests.
    pub fn expose(weight: Weight) -> Self {
        StepAction::Expose { weight, cohort: None }
    }

    /// Share of the requests that the new release answers once this is true, where the step says so.
    pub fn weight(self) -> Option<Weight> {
        match self {
            StepAction::Expose { weight, .. } => Some(weight),
            StepAction::Replace { new, old } => {
                let all = u64::from(new) + u64::from(old);
                (u64::from(new) * 100)
                    .checked_div(all)
                    .map(|percent| Weight::percent(percent as u8))
            }
            StepAction::Finish => Some(Weight::ALL),
            StepAction::Stop
            | StepAction::Start
            | StepAction::Mirror { .. }
            | StepAction::Withdraw
            | StepAction::Discard => Some(Weight::NONE),
            StepAction::Degrade => None,
        }
    }
}

impl fmt::Display for StepAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StepAction::Stop => f.write_str("stop"),
            StepAction::Start => f.write_str("start"),
            StepAction::Mirror { share } => write!(f, "mirror {share}"),
            StepAction::Replace { new, old } => write!(f, "{new} new, {old} old"),
            StepAction::Expose { weight, cohort: None } => write!(f, "{weight}"),
            StepAction::Expose {
                weight: Weight::NONE,
                cohort: Some(cohort),
            } => cohort.fmt(f),
            StepAction::Expose {
                weight,
                cohort: Some(cohort),
            } => write!(f, "{cohort} and {weight}"),
            StepAction::Finish => f.write_str("finish"),
            StepAction::Withdraw => f.write_str("withdraw"),
            StepAction::Discard => f.write_str("discard"),
            StepAction::Degrade => f.write_str("degrade"),
        }
    }
}

/// People who see a release before everyone does. Each is the ones before it and more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cohort {
    /// The people who build it.
    Internal,
    /// People outside who asked to see things first; the internal ones with them.
    Trusted,
}

impl Cohort {
    /// The word, as a request's header or cookie says it.
    pub fn word(self) -> &'static str {
        match self {
            Cohort::Internal => "internal",
            Cohort::Trusted => "trusted",
        }
    }
}

impl fmt::Display for Cohort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What the judge says of a running rollout, with the numbers it says it from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ruling {
    /// The ruling itself.
    pub says: RulingKind,
    /// One sentence for a person.
    pub headline: String,
    /// Requests that the canary served in this step.
    pub requests: u64,
    /// How many of them failed.
    pub errors: u64,
    /// The share that failed, in per cent; none without requests.
    pub errors_percent: Option<f64>,
    /// The asked quantile of latency in milliseconds, where it is known.
    pub latency_ms: Option<f64>,
    /// The same share at the stable arm, for comparison.
    pub stable_errors_percent: Option<f64>,
}

/// The four rulings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RulingKind {
    /// Enough was seen and it is within the limits.
    Advance,
    /// Not enough was seen yet.
    Wait,
    /// A limit is exceeded.
    RollBack,
    /// Patience ended without an answer: a person decides.
    Inconclusive,
}

impl RulingKind {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            RulingKind::Advance => "advance",
            RulingKind::Wait => "wait",
            RulingKind::RollBack => "roll_back",
            RulingKind::Inconclusive => "inconclusive",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canary_step_is_a_weight_or_a_map() {
        let steps: Vec<CanaryStep> =
            serde_json::from_str(r#"["5%", {"weight": "100%", "pause": "10m"}]"#).unwrap();
        assert_eq!(steps[0].weight, Weight(5));
        assert_eq!(steps[1].pause, Some(Span::from_secs(600)));
        assert!(serde_json::from_str::<CanaryStep>(r#"{"weight": "5%", "wait": "1m"}"#).is_err());
        assert!(serde_json::from_str::<CanaryStep>(r#""101%""#).is_err());
    }
}
