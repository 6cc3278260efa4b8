//! The plan of a strategy: what to make true in which order, and what to wait for. Knows no target: a plan is for so many
//! instances, and the way back is in a hurry.

use std::fmt;

use super::{AllAtOnce, BlueGreen, Canary, Mirror, Pace, Recreate, Rolling, RolloutStep, Strategy, Tiers};
use crate::limits::STEPS_MAX;
use crate::{GateName, JudgeSettings, Span, StepAction, Weight, WindowName};

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
            gates: &step.gates,
            go_ahead: step.go_ahead,
            ..Self::judged(action, Span::ZERO, step.judge.as_ref().or(judge))
        }
    }

    fn judged(action: StepAction, pause: Span, judge: Option<&'a JudgeSettings>) -> Self {
        Self {
            pause,
            // Where everyone has the release, there is no stable release left to compare with.
            judge: judge.filter(|judge| !judge.by.compares() || action.weight() != Some(Weight::ALL)),
            ..Self::of(action)
        }
    }

    /// Whether it is over as soon as it is true: nobody looks at it.
    pub fn passes(&self) -> bool {
        self.pause == Span::ZERO && self.judge.is_none() && self.gates.is_empty() && !self.go_ahead
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

    /// Whether there is a batch in which none runs, of so many instances.
    pub fn leaves_nobody(&self, instances: u32) -> bool {
        let nobody = StepAction::Replace { new: 0, old: 0 };
        self.plan(Some(instances))
            .iter()
            .any(|step| step.action == nobody)
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
                *last = Planned::judged(last.action, self.pause, self.judge.as_ref());
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
    fn a_judge_that_compares_does_not_look_where_nothing_old_is_left() {
        let looks = |judge: &str| {
            let text = format!(r#"{{"rolling": {{"max_surge": 2, "pause": "1m", "judge": {judge}}}}}"#);
            let strategy: Strategy = serde_json::from_str(&text).unwrap();
            let plan = strategy.plan(Some(4));
            let stands = plan.iter().filter(|step| step.pause > Span::ZERO);
            stands.map(|step| step.judge.is_some()).collect::<Vec<_>>()
        };
        assert_eq!(looks(r#""evidence""#), [true, false]);
        assert_eq!(looks(r#"{"errors": {"at_most": "1%"}}"#), [true, true]);
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
}
