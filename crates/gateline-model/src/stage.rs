//! Stages: a position in a pipeline, with everything that a release meets there.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ApprovalRule, CommandCheck, Gate, GateName, IncidentRules, OverrideRules, Planned, Risk, RiskSource,
    Span, StageName, StepAction, Strategy, Target, TargetName, Watch, WindowName,
};

/// A position in a pipeline: entry gates, approval, window, rollout, verification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Its name.
    pub name: StageName,
    /// The stages that a release must be verified in before this one.
    #[serde(default)]
    pub after: Vec<StageName>,
    /// Whether users depend on it: freezes hold here by default.
    #[serde(default)]
    pub production: bool,
    /// Whether the pipeline requests promotions here by itself.
    #[serde(default)]
    pub promote: Promote,
    /// What a rollout changes here.
    pub target: Target,
    /// What a lane belongs to. `{version}` makes a target of its own for each release (previews).
    pub target_name: TargetTemplate,
    /// Conditions on entering.
    #[serde(default)]
    pub gates: Vec<Gate>,
    /// How the risk of a change is assessed; `low` where nothing is declared.
    #[serde(default)]
    pub risk: RiskSource,
    /// Who must approve; nobody where there is no rule.
    #[serde(default)]
    pub approval: Vec<ApprovalRule>,
    /// Windows in which the stage admits: open when any of them is; always where there is none.
    #[serde(default)]
    pub windows: Vec<WindowName>,
    /// What is asked of overrides here.
    #[serde(default, skip_serializing_if = "OverrideRules::is_default")]
    pub overrides: OverrideRules,
    /// What happens when the lane is taken.
    #[serde(default)]
    pub lane: LaneMode,
    /// How a release reaches the target.
    #[serde(default)]
    pub rollout: Strategy,
    /// How it does in place of `rollout` where the risk is at least of this level.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rollout_at_risk: BTreeMap<Risk, Strategy>,
    /// Checks of the new release once it runs, before it gets any traffic.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Gate>,
    /// Checks while it rolls out: at the steps that name them, or at every step where none does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub during: Vec<Gate>,
    /// Checks after the rollout that settle the promotion.
    #[serde(default)]
    pub verify: Vec<Gate>,
    /// How long the checks of a step, or those after the rollout, may take before they count as failed.
    #[serde(default = "Stage::verify_within_default")]
    pub verify_within: Span,
    /// How long a rollout may take in all, pauses included, before it is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout_within: Option<Span>,
    /// How long taking a rollout back may take before it counts as failed and a person is called.
    #[serde(
        default = "Stage::rollback_within_default",
        skip_serializing_if = "Stage::is_rollback_within_default"
    )]
    pub rollback_within: Span,
    /// What happens when a rollout fails.
    #[serde(default, skip_serializing_if = "OnFailure::is_default")]
    pub on_failure: OnFailure,
    /// What is looked at after the release is live and verified, and what happens when it fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<Watch>,
    /// What an incident means here.
    #[serde(default, skip_serializing_if = "IncidentRules::is_default")]
    pub incidents: IncidentRules,
    /// Time between two looks at the health of what is live.
    #[serde(default = "Stage::health_every_default")]
    pub health_every: Span,
    /// How long a promotion may be held before it expires.
    #[serde(default = "Stage::expires_default")]
    pub expires: Span,
}

impl Stage {
    /// How a release reaches the target at a level of risk: the plan of the highest level up to it.
    pub fn rollout_at(&self, risk: Risk) -> &Strategy {
        let over = self.rollout_at_risk.range(..=risk).next_back();
        over.map_or(&self.rollout, |(_, strategy)| strategy)
    }

    /// Ten minutes: a verification that found nothing out by then will not.
    pub fn verify_within_default() -> Span {
        Span::from_secs(600)
    }

    /// Ten minutes: long enough to drain a slow service, short enough to call somebody while it matters.
    pub fn rollback_within_default() -> Span {
        Span::from_secs(600)
    }

    fn is_rollback_within_default(span: &Span) -> bool {
        *span == Self::rollback_within_default()
    }

    /// The checks that must be satisfied at a planned step to go on: those before traffic, those that it names, and those
    /// that no step names.
    pub fn checks_at(&self, plan: &[Planned<'_>], index: usize) -> Vec<GateName> {
        let Some(step) = plan.get(index) else {
            return Vec::new();
        };
        match step.action {
            StepAction::Start => self.before.iter().map(|gate| gate.name.clone()).collect(),
            StepAction::Mirror { .. } | StepAction::Replace { .. } | StepAction::Expose { .. } => {
                let named = |name: &GateName| plan.iter().any(|step| step.gates.contains(name));
                let here = |name: &&GateName| step.gates.contains(name) || !named(name);
                let during = self.during.iter().map(|gate| &gate.name);
                during.filter(here).cloned().collect()
            }
            StepAction::Stop
            | StepAction::Finish
            | StepAction::Withdraw
            | StepAction::Discard
            | StepAction::Degrade => Vec::new(),
        }
    }

    /// Ten seconds: soon enough for soak, seldom enough for a thousand stages.
    pub fn health_every_default() -> Span {
        Span::from_secs(10)
    }

    /// Fourteen days: longer than a holiday, shorter than a forgotten branch.
    pub fn expires_default() -> Span {
        Span::from_secs(14 * 86_400)
    }
}

/// What happens when a rollout fails: a ruling, a step or a check said no.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum OnFailure {
    /// It is taken back.
    #[default]
    RollBack,
    /// It stands still and a person is called.
    Pause,
    /// This command runs, to switch something off say; then it stands still and a person is called. Where the command
    /// fails, the rollout is taken back.
    Command(CommandCheck),
}

impl OnFailure {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether the pipeline requests promotions into a stage by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Promote {
    /// As soon as a release is verified in every earlier stage.
    #[default]
    Automatic,
    /// Only when an actor asks.
    Manual,
}

/// What happens to a promotion when the lane is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LaneMode {
    /// It waits for its turn.
    #[default]
    Queue,
    /// A newer release ends older promotions that are still held or queued.
    Supersede,
    /// Releases with targets of their own roll out side by side.
    Parallel,
}

/// A target's name, with `{version}` where each release has a target of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct TargetTemplate(pub String);

impl TargetTemplate {
    /// The name for one release. `None` when the filled-in text is not a legal name.
    pub fn fill(&self, version: &crate::Version) -> Option<TargetName> {
        self.0.replace("{version}", version.as_str()).parse().ok()
    }

    /// Whether each release has a target of its own.
    pub fn is_per_release(&self) -> bool {
        self.0.contains("{version}")
    }
}

impl fmt::Display for TargetTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
