//! One step of a rollout as a pipeline writes it: a weight, an audience, or a map of what else holds there.
//! Knows no step before or after it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Cohort, GateName, JudgeSettings, Span, StepAction, Weight, WindowName};

/// Who sees a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// The people who build it.
    Internal,
    /// People outside who asked to see things first; the internal ones with them.
    Trusted,
    /// Everyone, or a share of everyone.
    Everyone,
}

/// One step: a weight alone (`25%`), an audience alone (`internal`), or a map.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
#[schemars(transform = crate::name::or_a_word)]
pub struct RolloutStep {
    /// The share of traffic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<Weight>,
    /// Who sees it, in tiers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Audience>,
    /// How long this step stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause: Option<Span>,
    /// Only time within this window counts for the pause, and the next step comes within it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowName>,
    /// This step's own limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judge: Option<JudgeSettings>,
    /// Gates of the stage's `during` that must be satisfied here to go on; without a name here, one holds at every step.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub gates: Vec<GateName>,
    /// Whether a person says when to go on.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub go_ahead: bool,
}

impl<'de> Deserialize<'de> for RolloutStep {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Step;
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Full {
            weight: Option<Weight>,
            to: Option<Audience>,
            pause: Option<Span>,
            window: Option<WindowName>,
            judge: Option<JudgeSettings>,
            #[serde(default)]
            gates: Vec<GateName>,
            #[serde(default)]
            go_ahead: bool,
        }
        impl<'de> serde::de::Visitor<'de> for Step {
            type Value = RolloutStep;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a weight such as `25%`, an audience such as `internal`, or a map with `weight` or `to`",
                )
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<RolloutStep, E> {
                if text.ends_with('%') || text.starts_with(|first: char| first.is_ascii_digit()) {
                    let weight = Some(text.parse().map_err(E::custom)?);
                    return Ok(RolloutStep {
                        weight,
                        ..RolloutStep::default()
                    });
                }
                let to = Some(Audience::deserialize(serde::de::value::StrDeserializer::new(
                    text,
                ))?);
                Ok(RolloutStep {
                    to,
                    ..RolloutStep::default()
                })
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<RolloutStep, A::Error> {
                let full = Full::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(RolloutStep {
                    weight: full.weight,
                    to: full.to,
                    pause: full.pause,
                    window: full.window,
                    judge: full.judge,
                    gates: full.gates,
                    go_ahead: full.go_ahead,
                })
            }
        }
        deserializer.deserialize_any(Step)
    }
}

impl RolloutStep {
    /// What it makes true, where this cohort sees the release already.
    pub(super) fn action(&self, seen: Option<Cohort>) -> StepAction {
        match self.to {
            Some(Audience::Internal) => StepAction::Expose {
                weight: Weight::NONE,
                cohort: Some(Cohort::Internal),
            },
            Some(Audience::Trusted) => StepAction::Expose {
                weight: Weight::NONE,
                cohort: Some(Cohort::Trusted),
            },
            Some(Audience::Everyone) | None => match self.weight {
                None | Some(Weight::ALL) => StepAction::expose(Weight::ALL),
                Some(weight) => StepAction::Expose { weight, cohort: seen },
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_a_weight_an_audience_or_a_map() {
        let steps: Vec<RolloutStep> =
            serde_json::from_str(r#"["5%", "internal", {"weight": "100%", "pause": "10m"}]"#).unwrap();
        assert_eq!(steps[0].weight, Some(Weight::percent(5)));
        assert_eq!(steps[1].to, Some(Audience::Internal));
        assert_eq!(steps[2].pause, Some(Span::from_secs(600)));
        for wrong in [
            r#"{"weight": "5%", "wait": "1m"}"#,
            r#""101%""#,
            r#""friends""#,
            "5",
        ] {
            assert!(serde_json::from_str::<RolloutStep>(wrong).is_err(), "{wrong}");
        }
    }
}
