//! Strategies: how a release reaches its target, step by step.
//!
//! Knows no target and no judge's arithmetic: [`Strategy::plan`] says what to make true in which order, and what to wait for.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits::STEPS_MAX;
use crate::{Cohort, GateName, JudgeSettings, Span, StepAction, Weight, WindowName};

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
    fn action(&self, seen: Option<Cohort>) -> StepAction {
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

/// One step of a plan: what it makes true, and what must be so before the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Planned<'a> {
    /// What it makes true.
    pub action: StepAction,
    /// How long it stands.
    pub pause: Span,
    /// Only time within this window counts.
    pub window: Option<&'a WindowName>,
    /// What the traffic must look like.
    pub judge: Option<&'a JudgeSettings>,
    /// Gates that are named here.
    pub gates: &'a [GateName],
    /// Whether a person says when to go on.
    pub go_ahead: bool,
    /// Whether the judge sets the weights from here on.
    pub paced: bool,
}

impl<'a> Planned<'a> {
    fn of(action: StepAction) -> Self {
        Self {
            action,
            pause: Span::ZERO,
            window: None,
            judge: None,
            gates: &[],
            go_ahead: false,
            paced: false,
        }
    }

    fn step(
        action: StepAction,
        step: &'a RolloutStep,
        pause: Span,
        judge: Option<&'a JudgeSettings>,
    ) -> Self {
        Self {
            action,
            pause: step.pause.unwrap_or(pause),
            window: step.window.as_ref(),
            // Where everyone has the release, there is no stable release left to compare with.
            judge: step
                .judge
                .as_ref()
                .or(judge)
                .filter(|judge| !judge.by.compares() || action.weight() != Some(Weight::ALL)),
            gates: &step.gates,
            go_ahead: step.go_ahead,
            paced: false,
        }
    }

    fn judged(action: StepAction, pause: Span, judge: Option<&'a JudgeSettings>) -> Self {
        Self {
            pause,
            judge,
            ..Self::of(action)
        }
    }
}

/// A rollout that nothing is compared with: a first release, or a way back, which is in a hurry.
fn at_once<'a>() -> Vec<Planned<'a>> {
    [
        StepAction::Start,
        StepAction::expose(Weight::ALL),
        StepAction::Finish,
    ]
    .map(Planned::of)
    .to_vec()
}

impl Strategy {
    /// The steps of a release that follows another one, on a target of so many instances.
    pub fn plan(&self, instances: Option<u32>) -> Vec<Planned<'_>> {
        match self {
            Strategy::AllAtOnce(AllAtOnce {}) => at_once(),
            Strategy::Recreate(Recreate {}) => {
                let mut steps = at_once();
                steps.insert(0, Planned::of(StepAction::Stop));
                steps
            }
            Strategy::Rolling(rolling) => rolling.plan(instances),
            Strategy::Canary(canary) => canary.plan(),
            Strategy::BlueGreen(blue_green) => blue_green.plan(),
            Strategy::Tiers(tiers) => tiers.plan(),
            Strategy::Mirror(mirror) => {
                let mut steps = at_once();
                steps.insert(1, mirror.step());
                steps
            }
        }
    }

    /// The steps of a release that is gone back to, or that follows none: nothing is compared.
    pub fn plan_at_once(&self, follows: bool) -> Vec<Planned<'_>> {
        match self {
            Strategy::Recreate(Recreate {}) if follows => self.plan(None),
            Strategy::Recreate(_)
            | Strategy::AllAtOnce(_)
            | Strategy::Rolling(_)
            | Strategy::Canary(_)
            | Strategy::BlueGreen(_)
            | Strategy::Tiers(_)
            | Strategy::Mirror(_) => at_once(),
        }
    }

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
        let mut judged: Vec<String> = plan
            .iter()
            .filter_map(|step| step.judge)
            .flat_map(JudgeSettings::limits)
            .collect();
        judged.dedup();
        match judged.as_slice() {
            [] => format!("{name} {}", steps.join(", ")),
            limits => format!("{name} {}; judged on {}", steps.join(", "), limits.join(" and ")),
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

impl fmt::Display for Planned<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.action)?;
        if self.pause > Span::ZERO {
            write!(f, " for {}", self.pause)?;
        }
        if let Some(window) = self.window {
            write!(f, " of {window}")?;
        }
        if self.go_ahead {
            f.write_str(" until a person goes on")?;
        }
        Ok(())
    }
}

impl Rolling {
    /// How many may run above the number that there are.
    pub fn surge(&self, instances: u32) -> u32 {
        match (self.max_surge, self.max_unavailable) {
            (Some(surge), _) => surge,
            (None, 0) => instances.div_ceil(4),
            (None, _) => 0,
        }
    }

    /// Adds as many new ones as the surge has room for, then ends as many old ones as may be missing, and again. A batch
    /// stands once its old ones are gone.
    ///
    /// A plan of more than [`STEPS_MAX`] steps is not built to its end: the reading of a pipeline refuses it by its number.
    fn plan(&self, instances: Option<u32>) -> Vec<Planned<'_>> {
        let all = self.instances.or(instances).unwrap_or(1);
        let most = all.saturating_add(self.surge(all));
        let least = all.saturating_sub(self.max_unavailable);
        let mut steps = vec![];
        let (mut new, mut old) = (0, all);
        while (new, old) != (all, 0) && steps.len() <= STEPS_MAX {
            let before = (new, old);
            let more = (most - new - old).min(all - new);
            if more > 0 {
                new += more;
                if old > 0 {
                    steps.push(Planned::of(StepAction::Replace { new, old }));
                }
            }
            old -= (new + old).saturating_sub(least).min(old);
            if (new, old) == before {
                // Neither above nor below is allowed: nothing could ever move. The reading of a pipeline refuses that.
                break;
            }
            if let Some(last) = steps.last_mut()
                && last.action == (StepAction::Replace { new, old })
            {
                (last.pause, last.judge) = (self.pause, self.judge.as_ref());
            } else {
                steps.push(Planned::judged(
                    StepAction::Replace { new, old },
                    self.pause,
                    self.judge.as_ref(),
                ));
            }
        }
        steps.push(Planned::of(StepAction::Finish));
        steps
    }
}

impl Canary {
    fn plan(&self) -> Vec<Planned<'_>> {
        let mut steps = vec![Planned::of(StepAction::Start)];
        steps.extend(self.mirror.iter().map(Mirror::step));
        match self.pace {
            Pace::Steps => steps.extend(
                self.steps
                    .iter()
                    .map(|step| Planned::step(step.action(None), step, self.pause, self.judge.as_ref())),
            ),
            // The first weight of the judge's recipes; it asks for the others as it goes.
            Pace::Evidence => steps.extend([
                Planned {
                    paced: true,
                    ..Planned::judged(StepAction::expose(Pace::FIRST), Span::ZERO, self.judge.as_ref())
                },
                Planned::of(StepAction::expose(Weight::ALL)),
            ]),
        }
        steps.push(Planned::of(StepAction::Finish));
        steps
    }
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
}

impl BlueGreen {
    fn plan(&self) -> Vec<Planned<'_>> {
        vec![
            Planned {
                pause: self.preview,
                go_ahead: self.go_ahead,
                ..Planned::of(StepAction::Start)
            },
            Planned::judged(StepAction::expose(Weight::ALL), self.keep, self.judge.as_ref()),
            Planned::of(StepAction::Finish),
        ]
    }
}

impl Tiers {
    fn plan(&self) -> Vec<Planned<'_>> {
        let mut steps = vec![Planned::of(StepAction::Start)];
        let mut seen = None;
        for step in &self.steps {
            let action = step.action(seen);
            if let StepAction::Expose {
                cohort: Some(cohort), ..
            } = action
            {
                seen = Some(cohort);
            }
            steps.push(Planned::step(action, step, self.pause, self.judge.as_ref()));
        }
        steps.push(Planned::of(StepAction::Finish));
        steps
    }
}

impl Mirror {
    fn step(&self) -> Planned<'_> {
        Planned::judged(
            StepAction::Mirror { share: self.share },
            self.pause,
            self.judge.as_ref(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(strategy: &str, instances: u32) -> Vec<String> {
        let strategy: Strategy = serde_json::from_str(strategy).unwrap();
        let plan = strategy.plan(Some(instances));
        plan.iter().map(Planned::to_string).collect()
    }

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

    #[test]
    fn a_rolling_plan_never_has_more_or_fewer_than_it_may() {
        for all in 1..=12_u32 {
            for (surge, unavailable) in [(0, 1), (1, 0), (2, 1), (12, 0), (3, 3), (0, 12)] {
                let text =
                    format!(r#"{{"rolling": {{"max_surge": {surge}, "max_unavailable": {unavailable}}}}}"#);
                let strategy: Strategy = serde_json::from_str(&text).unwrap();
                let plan = strategy.plan(Some(all));
                let counts: Vec<(u32, u32)> = plan
                    .iter()
                    .filter_map(|step| match step.action {
                        StepAction::Replace { new, old } => Some((new, old)),
                        _ => None,
                    })
                    .collect();
                for (new, old) in &counts {
                    let run = new + old;
                    assert!(
                        run <= all + surge && run + unavailable >= all,
                        "{text}: {new} and {old} of {all}"
                    );
                }
                assert!(
                    counts
                        .windows(2)
                        .all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 >= pair[1].1),
                    "{counts:?}"
                );
                assert!(counts.windows(2).all(|pair| pair[0] != pair[1]), "{counts:?}");
                assert_eq!(*counts.last().unwrap(), (all, 0), "{text}");
            }
        }
    }

    #[test]
    fn a_plan_beyond_the_limit_is_not_built_to_its_end() {
        let text = r#"{"rolling": {"max_surge": 1, "max_unavailable": 0, "instances": 4000000000}}"#;
        let plan = steps(text, 1);
        assert!(
            plan.len() > STEPS_MAX && plan.len() < STEPS_MAX + 4,
            "{}",
            plan.len()
        );
    }

    #[test]
    fn a_quarter_more_runs_meanwhile_where_nothing_is_said() {
        assert_eq!(
            steps(r#"{"rolling": {"pause": "10s"}}"#, 4),
            [
                "1 new and 4 old",
                "1 new and 3 old for 10s",
                "2 new and 3 old",
                "2 new and 2 old for 10s",
                "3 new and 2 old",
                "3 new and 1 old for 10s",
                "4 new and 1 old",
                "4 new and 0 old for 10s",
                "finish"
            ]
        );
    }

    #[test]
    fn each_strategy_has_its_steps() {
        let at = |text| steps(text, 2);
        assert_eq!(at(r#"{"all_at_once": {}}"#), ["start", "100%", "finish"]);
        assert_eq!(at(r#"{"recreate": {}}"#), ["stop", "start", "100%", "finish"]);
        assert_eq!(
            at(r#"{"blue_green": {"preview": "5m", "go_ahead": true}}"#),
            ["start for 5m until a person goes on", "100% for 15m", "finish"]
        );
        assert_eq!(
            at(
                r#"{"tiers": {"steps": ["internal", {"to": "trusted", "pause": "1h", "window": "business-hours"}, "25%", "everyone"]}}"#
            ),
            [
                "start",
                "internal",
                "trusted for 1h of business-hours",
                "trusted and 25%",
                "100%",
                "finish"
            ]
        );
        assert_eq!(
            at(r#"{"mirror": {"share": "10%", "pause": "1m"}}"#),
            ["start", "mirror 10% for 1m", "100%", "finish"]
        );
        assert_eq!(
            at(r#"{"canary": {"mirror": {"share": "10%"}, "steps": ["5%", "100%"], "pause": "1m"}}"#),
            ["start", "mirror 10%", "5% for 1m", "100% for 1m", "finish"]
        );
        assert_eq!(
            at(r#"{"canary": {"pace": "evidence", "judge": "evidence"}}"#),
            ["start", "5%", "100%", "finish"]
        );
    }

    #[test]
    fn a_judge_is_a_word_or_a_map() {
        let word: JudgeSettings = serde_json::from_str(r#""evidence""#).unwrap();
        assert_eq!(
            (word.by, word.every),
            (crate::JudgeBy::Evidence, Span::from_secs(15))
        );
        let map: JudgeSettings = serde_json::from_str(r#"{"errors": {"at_most": "2%"}}"#).unwrap();
        assert_eq!(
            (map.by, map.every),
            (crate::JudgeBy::Thresholds, Span::from_secs(5))
        );
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
