//! Strategies: how a release reaches its target, as a pipeline says it. What that comes to, step by step, is in `plan`.
//!
//! Knows no target and no judge's arithmetic.

mod plan;
mod step;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use plan::Planned;
pub use step::{Audience, RolloutStep};

use crate::{JudgeSettings, Span, StepAction, Weight};

/// How a release reaches its target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Strategy {
    /// Everything at once, then the old release is stopped.
    AllAtOnce(AllAtOnce),
    /// The old release is stopped before the new one starts: nothing serves in between.
    Recreate(Recreate),
    /// A few instances at a time.
    Rolling(Box<Rolling>),
    /// A growing share of traffic, judged at each step.
    Canary(Box<Canary>),
    /// The new release beside the old one, a switch, and the old one kept warm.
    BlueGreen(Box<BlueGreen>),
    /// Internal people first, then trusted ones, then everyone.
    Tiers(Box<Tiers>),
    /// A copy of the traffic first, whose answers nobody sees.
    Mirror(Box<Mirror>),
}

impl Default for Strategy {
    fn default() -> Self {
        Strategy::AllAtOnce(AllAtOnce {})
    }
}

/// Settings of the strategy `all_at_once`: there are none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllAtOnce {}

/// Settings of the strategy `recreate`: there are none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recreate {}

/// Settings of the strategy `rolling`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rolling {
    /// How many instances there are, where the target does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instances: Option<u32>,
    /// How many may run above that number meanwhile; a quarter of them where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_surge: Option<u32>,
    /// How many may be missing meanwhile.
    #[serde(default)]
    pub max_unavailable: u32,
    /// How long each batch stands before the next.
    #[serde(default)]
    pub pause: Span,
    /// What the traffic must look like to go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge: Option<JudgeSettings>,
}

/// Settings of the strategy `canary`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    /// The shares of traffic, growing, the last one 100 %. None where the evidence sets the pace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<RolloutStep>,
    /// Who sets the weights: the steps, or the evidence so far.
    #[serde(default, skip_serializing_if = "Pace::is_steps")]
    pub pace: Pace,
    /// A copy of the traffic before the first step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirror: Option<Mirror>,
    /// How long each step stands before the next, where the step does not say.
    #[serde(default)]
    pub pause: Span,
    /// What the traffic must look like to go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge: Option<JudgeSettings>,
}

/// Who sets the weights of a canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// The steps that are written down.
    #[default]
    Steps,
    /// The judge by evidence, up and down.
    Evidence,
}

impl Pace {
    /// The weights of the judge's recipes, ascending, before everyone has the release.
    pub const WEIGHTS: [Weight; 4] = [
        Weight::literal(5),
        Weight::literal(10),
        Weight::literal(25),
        Weight::literal(50),
    ];
    /// The weight at which evidence begins.
    pub const FIRST: Weight = Self::WEIGHTS[0];

    /// The weight after this one; none where everyone is next.
    pub fn after(weight: Weight) -> Option<Weight> {
        Self::WEIGHTS.into_iter().find(|next| *next > weight)
    }

    fn is_steps(&self) -> bool {
        *self == Pace::Steps
    }
}

/// Settings of the strategy `blue_green`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlueGreen {
    /// How long the new release stands without traffic before the switch.
    #[serde(default)]
    pub preview: Span,
    /// Whether a person says when to switch.
    #[serde(default)]
    pub go_ahead: bool,
    /// How long the old release is kept warm after the switch: the way back is a switch as well.
    #[serde(default = "BlueGreen::keep_default")]
    pub keep: Span,
    /// What the traffic must look like after the switch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge: Option<JudgeSettings>,
}

impl BlueGreen {
    fn keep_default() -> Span {
        Span::from_secs(900)
    }
}

/// Settings of the strategy `tiers`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tiers {
    /// Who sees it, growing, the last one everyone.
    pub steps: Vec<RolloutStep>,
    /// How long each step stands before the next, where the step does not say.
    #[serde(default)]
    pub pause: Span,
    /// What the traffic must look like to go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge: Option<JudgeSettings>,
}

/// Settings of the strategy `mirror`, and of a canary's mirror.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mirror {
    /// Share of the requests that is copied.
    pub share: Weight,
    /// How long.
    #[serde(default)]
    pub pause: Span,
    /// What the copied traffic must look like to go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge: Option<JudgeSettings>,
}

impl Strategy {
    /// Its word in a pipeline.
    pub fn word(&self) -> &'static str {
        match self {
            Strategy::AllAtOnce(_) => "all_at_once",
            Strategy::Recreate(_) => "recreate",
            Strategy::Rolling(_) => "rolling",
            Strategy::Canary(_) => "canary",
            Strategy::BlueGreen(_) => "blue_green",
            Strategy::Tiers(_) => "tiers",
            Strategy::Mirror(_) => "mirror",
        }
    }

    /// What each planned step is called, what it waits for, and what the judge asks, as one line.
    pub fn says(&self, instances: Option<u32>) -> String {
        let name = match self {
            Strategy::AllAtOnce(_) => return "all at once".to_owned(),
            Strategy::Recreate(_) => return "the old one is stopped before the new one starts".to_owned(),
            Strategy::Canary(canary) if canary.pace == Pace::Evidence => {
                let judge = canary.judge.as_ref().map_or_else(Vec::new, JudgeSettings::limits);
                return format!(
                    "canary at the pace of the evidence; judged on {}",
                    judge.join(" and ")
                );
            }
            Strategy::Rolling(_) => "rolling",
            Strategy::Canary(_) => "canary",
            Strategy::BlueGreen(_) => "blue/green",
            Strategy::Tiers(_) => "tiers",
            Strategy::Mirror(_) => "mirror",
        };
        let plan = self.plan(instances);
        let told = plan.iter().filter(|step| match step.action {
            StepAction::Mirror { .. } | StepAction::Replace { .. } | StepAction::Expose { .. } => true,
            StepAction::Stop
            | StepAction::Start
            | StepAction::Finish
            | StepAction::Withdraw
            | StepAction::Discard
            | StepAction::Degrade => step.pause > Span::ZERO || step.go_ahead,
        });
        let steps: Vec<String> = told.map(Planned::to_string).collect();
        let mut judged: Vec<String> = Vec::new();
        for limit in plan
            .iter()
            .filter_map(|step| step.judge)
            .flat_map(JudgeSettings::limits)
        {
            if !judged.contains(&limit) {
                judged.push(limit);
            }
        }
        let steps = steps.join(", ");
        // A mirror's first step says that it is one.
        let told = match self {
            Strategy::Mirror(_) => steps,
            _ => format!("{name} {steps}"),
        };
        match judged.as_slice() {
            [] => told,
            limits => format!("{told}; judged on {}", limits.join(" and ")),
        }
    }

    /// How long it takes at least, and what may make it longer; nothing to say where everything happens at once.
    pub fn forecast(&self, instances: Option<u32>) -> Option<String> {
        let plan = self.plan(instances);
        let least = plan.iter().map(|step| step.pause).fold(Span::ZERO, Span::plus);
        let judge = plan.iter().find_map(|step| step.judge);
        if least == Span::ZERO
            && judge.is_none()
            && matches!(self, Strategy::AllAtOnce(_) | Strategy::Recreate(_))
        {
            return None;
        }
        let least = match least {
            Span::ZERO => "no pause is planned".to_owned(),
            span => format!("it takes at least {span}"),
        };
        Some(match judge {
            Some(judge) => format!("{least}; {}", judge.may_take_longer()),
            None => least,
        })
    }

    /// The judge of the whole rollout, where a step has none of its own.
    pub fn judge(&self) -> Option<&JudgeSettings> {
        match self {
            Strategy::AllAtOnce(_) | Strategy::Recreate(_) => None,
            Strategy::Rolling(rolling) => rolling.judge.as_ref(),
            Strategy::Canary(canary) => canary.judge.as_ref(),
            Strategy::BlueGreen(blue_green) => blue_green.judge.as_ref(),
            Strategy::Tiers(tiers) => tiers.judge.as_ref(),
            Strategy::Mirror(mirror) => mirror.judge.as_ref(),
        }
    }

    /// Everybody who is judged here, for what is checked of all judges.
    pub fn judges(&self) -> Vec<&JudgeSettings> {
        match self {
            Strategy::AllAtOnce(_) | Strategy::Recreate(_) => Vec::new(),
            Strategy::Rolling(rolling) => rolling.judge.iter().collect(),
            Strategy::Canary(canary) => {
                let steps = canary.steps.iter().filter_map(|step| step.judge.as_ref());
                let mirror = canary.mirror.iter().filter_map(|mirror| mirror.judge.as_ref());
                canary.judge.iter().chain(mirror).chain(steps).collect()
            }
            Strategy::BlueGreen(blue_green) => blue_green.judge.iter().collect(),
            Strategy::Tiers(tiers) => {
                let steps = tiers.steps.iter().filter_map(|step| step.judge.as_ref());
                tiers.judge.iter().chain(steps).collect()
            }
            Strategy::Mirror(mirror) => mirror.judge.iter().collect(),
        }
    }
}
