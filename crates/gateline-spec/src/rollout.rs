//! Rollouts: what every strategy must be so that it ends with the release live, and what its judges can judge.

use std::collections::BTreeMap;
use std::ops::Range;

use gateline_model::limits::{INSTANCES_MAX, STEPS_MAX};
use gateline_model::{
    Audience, JudgeBy, JudgeSettings, Mirror, Pace, Risk, Rolling, RolloutStep, Span, Strategy, Target,
    Weight,
};

use crate::diagnostic::Sink;
use crate::fields::Fields;
use crate::judge::check_judge;
use crate::nearest::meant;
use crate::node::Node;

pub(crate) fn read(stage: &Fields<'_, '_, '_>) -> Option<Strategy> {
    stage.value_or("rollout", Strategy::default)
}

/// The plans that stand for `rollout` from a level of risk on.
pub(crate) fn read_at_risk(stage: &Fields<'_, '_, '_>) -> Option<BTreeMap<Risk, Strategy>> {
    stage.value_or("rollout_at_risk", BTreeMap::new)
}

/// What the strategies of a stage say beside the rest of the stage.
pub(crate) fn check(
    stage: &Fields<'_, '_, '_>,
    target: &Target,
    (rollout, at_risk): (&Strategy, &BTreeMap<Risk, Strategy>),
    windows: &[&str],
) {
    let during: Vec<String> = crate::gate::names_under(stage, crate::gate::Place::During);
    let beside = Beside {
        target,
        windows,
        during: &during,
        sink: stage.sink,
    };
    let rolls = |strategy: &Strategy| matches!(strategy, Strategy::Rolling(_));
    if let Some(entry) = stage
        .get("before")
        .filter(|entry| !entry.value.items().is_empty())
        && std::iter::once(rollout).chain(at_risk.values()).any(rolls)
    {
        beside.refuse(
            "rollout.before",
            entry.at(),
            "`rolling` has no moment before traffic: each new instance takes its share as soon as it is healthy",
            "name these gates under `during`, or choose `blue_green`, `canary` or `mirror`",
        );
    }
    if let Some(entry) = stage.get("rollout") {
        beside.strategy(rollout, &entry.value, entry.at());
    }
    for (level, strategy) in at_risk {
        let plans = stage.get("rollout_at_risk");
        if let Some(entry) = plans.and_then(|plans| plans.value.get(level.word())) {
            beside.strategy(strategy, &entry.value, entry.at());
        }
    }
}

/// A rollout whose pauses alone are longer than it may take is taken back every time.
pub(crate) fn refuse_too_short(
    stage: &Fields<'_, '_, '_>,
    within: Span,
    target: &Target,
    (rollout, at_risk): (&Strategy, &BTreeMap<Risk, Strategy>),
) {
    let Some(entry) = stage.get("rollout_within") else {
        return;
    };
    let least = |strategy: &Strategy| {
        let plan = strategy.plan(target.instances());
        plan.iter().map(|step| step.pause).fold(Span::ZERO, Span::plus)
    };
    let longest = std::iter::once(rollout).chain(at_risk.values()).map(least).max();
    if let Some(longest) = longest.filter(|longest| *longest >= within && within > Span::ZERO) {
        let message =
            format!("the pauses alone take {longest}: the rollout would be taken back before its end");
        let help = format!("write more than `{longest}`, or shorten the pauses");
        stage
            .sink
            .error_with("rollout.within", entry.at(), message, Some(help));
    }
}

/// What a strategy stands beside.
struct Beside<'c, 's, 'a> {
    target: &'c Target,
    windows: &'c [&'c str],
    during: &'c [String],
    sink: &'s Sink<'a>,
}

impl Beside<'_, '_, '_> {
    fn strategy(&self, strategy: &Strategy, node: &Node, at: &Range<usize>) {
        // The one key of the map is the strategy's word.
        let settings = node.get(strategy.word()).map_or(node, |entry| &entry.value);
        let steps = settings.get("steps");
        let steps = steps.map(|steps| (steps.at(), steps.value.items()));
        match strategy {
            Strategy::AllAtOnce(_) | Strategy::Recreate(_) => {}
            Strategy::Rolling(rolling) => self.rolling(rolling, settings, at),
            Strategy::Canary(canary) => match canary.pace {
                Pace::Steps => {
                    let (at, nodes) = steps.unwrap_or((at, &[]));
                    self.canary(&canary.steps, at, nodes);
                }
                Pace::Evidence => self.paced(canary, settings, at),
            },
            Strategy::BlueGreen(blue_green) => {
                let compares = blue_green.judge.as_ref().is_some_and(|judge| judge.by.compares());
                if let (true, Some(judge)) = (compares, settings.get("judge")) {
                    self.refuse(
                        "rollout.judge",
                        judge.at(),
                        "after the switch nothing is left of the old release to compare with",
                        "judge by `thresholds` with limits of its own",
                    );
                }
            }
            Strategy::Tiers(tiers) => {
                let (at, nodes) = steps.unwrap_or((at, &[]));
                self.tiers(&tiers.steps, at, nodes);
            }
            Strategy::Mirror(mirror) => self.mirror(mirror, settings, at),
        }
        if let Strategy::Canary(canary) = strategy
            && let (Some(mirror), Some(entry)) = (&canary.mirror, settings.get("mirror"))
        {
            self.mirror(mirror, &entry.value, entry.at());
            self.judge(mirror.judge.as_ref(), &entry.value);
        }
        let count = strategy.plan(self.target.instances()).len();
        if count > STEPS_MAX {
            let at = steps.map_or(at, |(at, _)| at);
            let message = format!(
                "the rollout has more than {STEPS_MAX} steps, with those that start and finish it; it may have so many"
            );
            let help = match strategy {
                Strategy::Rolling(_) => {
                    "let more instances change at once: raise `max_surge` or `max_unavailable`"
                }
                Strategy::AllAtOnce(_)
                | Strategy::Recreate(_)
                | Strategy::Canary(_)
                | Strategy::BlueGreen(_)
                | Strategy::Tiers(_)
                | Strategy::Mirror(_) => "leave steps out, and let those that stay stand longer with `pause`",
            };
            self.refuse("rollout.limit", at, &message, help);
        }
        let own: &[RolloutStep] = match strategy {
            Strategy::Canary(canary) => &canary.steps,
            Strategy::Tiers(tiers) => &tiers.steps,
            Strategy::AllAtOnce(_)
            | Strategy::Recreate(_)
            | Strategy::Rolling(_)
            | Strategy::BlueGreen(_)
            | Strategy::Mirror(_) => &[],
        };
        for (step, node) in own.iter().zip(steps.map_or(&[][..], |(_, nodes)| nodes)) {
            self.step(step, node);
        }
        self.judge(strategy.judge(), settings);
        self.fixed(strategy, settings, at);
        if let Some((steps_at, nodes)) = steps {
            self.unseen(strategy, own, (steps_at, nodes));
        }
    }

    /// A step that waits for nothing is over at once: nobody and nothing sees the release there.
    fn unseen(&self, strategy: &Strategy, own: &[RolloutStep], (at, nodes): (&Range<usize>, &[Node])) {
        let pause = match strategy {
            Strategy::Canary(canary) => canary.pause,
            Strategy::Tiers(tiers) => tiers.pause,
            Strategy::AllAtOnce(_)
            | Strategy::Recreate(_)
            | Strategy::Rolling(_)
            | Strategy::BlueGreen(_)
            | Strategy::Mirror(_) => return,
        };
        // A gate of `during` that no step names holds at each of them.
        let named = |gate: &String| {
            own.iter()
                .any(|step| step.gates.iter().any(|name| name.as_str() == gate))
        };
        if self.during.iter().any(|gate| !named(gate)) || strategy.judge().is_some() {
            return;
        }
        let waits = |step: &RolloutStep| {
            step.pause.unwrap_or(pause) > Span::ZERO
                || step.judge.is_some()
                || !step.gates.is_empty()
                || step.go_ahead
                || step.window.is_some()
        };
        let before_the_last = own.len().saturating_sub(1);
        if let Some(index) = own.iter().take(before_the_last).position(|step| !waits(step)) {
            let at = nodes.get(index).map_or(at, |node| &node.span);
            let message = "this step waits for nothing: it is over before anybody can see it";
            let help = "give it a `pause`, a `judge`, `gates` or `go_ahead: true`, or leave it out";
            self.sink.warning("rollout.unseen", at, message, help);
        }
    }

    /// A judge of a fixed schedule has to be told how long it is.
    fn fixed(&self, strategy: &Strategy, settings: &Node, at: &Range<usize>) {
        let plan = strategy.plan(self.target.instances());
        let endless = plan.iter().find(|step| {
            let fixed = step.judge.is_some_and(|judge| match judge.by {
                JudgeBy::Kayenta | JudgeBy::GroupSequential => true,
                JudgeBy::Thresholds | JudgeBy::Evidence => false,
            });
            fixed && step.pause == Span::ZERO
        });
        if let Some(step) = endless {
            let message = format!(
                "step `{}` is judged at the end of its pause and has none",
                step.action
            );
            let at = settings.get("judge").map_or(at, |judge| judge.at());
            self.refuse("rollout.judge", at, &message, "give it a `pause` such as `15m`");
        }
    }

    fn rolling(&self, rolling: &Rolling, settings: &Node, at: &Range<usize>) {
        let at = |key| settings.get(key).map_or(at, |entry| entry.at());
        let all = match (rolling.instances, self.target.instances()) {
            (Some(said), Some(there)) if said != there => {
                let message = format!("the target has {there} instances, and this counts {said}");
                let help = "leave `instances` out: the target says it";
                return self.refuse("rollout.instances", at("instances"), &message, help);
            }
            (said, there) => said.or(there).unwrap_or(0),
        };
        match all {
            0 => self.refuse(
                "rollout.instances",
                at("instances"),
                "`rolling` must know how many instances there are",
                "this target does not say; write `instances: 4` under `rolling`",
            ),
            _ if all > INSTANCES_MAX => self.refuse(
                "rollout.instances",
                at("instances"),
                &format!("{all} instances are more than a rollout counts; there may be {INSTANCES_MAX}"),
                "name batches instead: `instances: 100` is a hundred of them",
            ),
            _ if rolling.surge(all) == 0 && rolling.max_unavailable == 0 => self.refuse(
                "rollout.still",
                at("max_surge"),
                "neither more nor fewer instances than there are may run: nothing could move",
                "allow one with `max_surge: 1` or `max_unavailable: 1`",
            ),
            _ if rolling.leaves_nobody(all) => self.refuse(
                "rollout.nobody",
                at("max_unavailable"),
                &format!("all {all} instances may be missing at once: nobody would answer meanwhile"),
                "allow fewer, add with `max_surge: 1`, or write `rollout: {recreate: {}}` if that is meant",
            ),
            _ if rolling.surge(all) > all => self.sink.warning(
                "rollout.surge",
                at("max_surge"),
                &format!("there are {all} instances: no more than so many are ever added"),
                &format!("write `max_surge: {all}`"),
            ),
            _ => {}
        }
    }

    fn canary(&self, steps: &[RolloutStep], at: &Range<usize>, nodes: &[Node]) {
        let mut reached = Weight::NONE;
        for (step, node) in steps.iter().zip(nodes) {
            if step.to.is_some() {
                let at = node.get("to").map_or(&node.span, |to| to.at());
                let help = "name people with the strategy `tiers`, or give this step a `weight`";
                self.refuse(
                    "rollout.step",
                    at,
                    "a step of a canary is a share of the traffic",
                    help,
                );
                return;
            }
            let Some(weight) = step.weight else {
                let help = "give it one, as in `weight: 25%`";
                self.refuse(
                    "rollout.step",
                    &node.span,
                    "a step of a canary must have a `weight`",
                    help,
                );
                return;
            };
            self.grows(weight, &mut reached, node);
        }
        self.ends(reached, at, nodes);
    }

    fn tiers(&self, steps: &[RolloutStep], at: &Range<usize>, nodes: &[Node]) {
        let mut reached = Weight::NONE;
        let mut seen = 0;
        for (step, node) in steps.iter().zip(nodes) {
            let rank = match (step.to, step.weight) {
                (Some(Audience::Internal), None) => 1,
                (Some(Audience::Trusted), None) => 2,
                (Some(Audience::Everyone) | None, weight) => {
                    self.grows(weight.unwrap_or(Weight::ALL), &mut reached, node);
                    3
                }
                (Some(Audience::Internal | Audience::Trusted), Some(_)) => {
                    let at = node.get("weight").map_or(&node.span, |weight| weight.at());
                    let help = "a weight is a share of everyone: leave it out, or write `to: everyone`";
                    self.refuse("rollout.step", at, "these people all see the release", help);
                    return;
                }
            };
            if rank < seen || (rank == seen && rank < 3) {
                let at = node.get("to").map_or(&node.span, |to| to.at());
                let message = "tiers grow: internal people, then trusted ones, then everyone";
                self.refuse(
                    "rollout.growth",
                    at,
                    message,
                    "write them in the order `internal`, `trusted`, `everyone`",
                );
            }
            seen = rank;
        }
        self.ends(reached, at, nodes);
    }

    fn grows(&self, weight: Weight, reached: &mut Weight, node: &Node) {
        let place = node.get("weight").map_or(&node.span, |weight| weight.at());
        if weight == Weight::NONE {
            let help = Some("a rollout starts without traffic anyway; remove this step".to_owned());
            let message = "a step of 0% shows nothing to the judge";
            self.sink.error_with("rollout.zero", place, message, help);
        } else if weight <= *reached {
            let message = format!("a canary grows with each step; {weight} comes after {reached}");
            let help = "let the weights grow, as in `[5%, 25%, 100%]`";
            self.refuse("rollout.growth", place, &message, help);
        }
        *reached = (*reached).max(weight);
    }

    fn ends(&self, reached: Weight, at: &Range<usize>, nodes: &[Node]) {
        if reached == Weight::ALL {
            return;
        }
        let place = nodes.last().map_or(at, |last| {
            last.get("weight").map_or(&last.span, |weight| weight.at())
        });
        let message = format!("the rollout ends at {reached}: the release would never be fully live");
        let help = Some("end with a step of `100%`".to_owned());
        self.sink.error_with("rollout.end", place, message, help);
    }

    fn paced(&self, canary: &gateline_model::Canary, settings: &Node, at: &Range<usize>) {
        if let Some(steps) = settings.get("steps") {
            let help = "remove them, or remove `pace: evidence`";
            self.refuse(
                "rollout.pace",
                steps.at(),
                "the evidence sets the weights, and so do these steps",
                help,
            );
        }
        if !canary
            .judge
            .as_ref()
            .is_some_and(|judge| judge.by == JudgeBy::Evidence)
        {
            let at = settings.get("judge").map_or(at, |judge| judge.at());
            let help = "write `judge: evidence` beside it";
            self.refuse(
                "rollout.pace",
                at,
                "the pace of the evidence needs the judge `evidence`",
                help,
            );
        }
    }

    fn mirror(&self, mirror: &Mirror, settings: &Node, at: &Range<usize>) {
        if mirror.share == Weight::NONE {
            let at = settings.get("share").map_or(at, |share| share.at());
            let help = Some("copy a share such as `10%`".to_owned());
            self.sink
                .error_with("rollout.zero", at, "a mirror of 0% shows nothing", help);
        }
        if mirror.judge.is_none() && self.during.is_empty() {
            let help = "give the mirror a `judge`, or the stage gates under `during`";
            self.sink.warning(
                "rollout.unseen",
                at,
                "nothing looks at what is answered to the copies",
                help,
            );
        }
    }

    fn step(&self, step: &RolloutStep, node: &Node) {
        self.judge(step.judge.as_ref(), node);
        let names = node.get("gates").map_or(&[][..], |gates| gates.value.items());
        for (gate, at) in step.gates.iter().zip(names) {
            if !self.during.iter().any(|name| name == gate.as_str()) {
                let message = format!("the stage has no gate `{gate}` under `during`");
                let known = self.during.iter().map(String::as_str);
                let help =
                    meant(gate.as_str(), known).or(Some("declare it under the stage's `during`".to_owned()));
                self.sink.error_with("rollout.gate", &at.span, message, help);
            }
        }
        if let (Some(window), Some(entry)) = (&step.window, node.get("window"))
            && !self.windows.contains(&window.as_str())
        {
            let message = format!("there is no window `{window}`");
            let help = meant(window.as_str(), self.windows.iter().copied());
            self.sink.error_with("windows.unknown", entry.at(), message, help);
        }
    }

    /// One judge, where it is written.
    fn judge(&self, judge: Option<&JudgeSettings>, node: &Node) {
        if let (Some(judge), Some(entry)) = (judge, node.get("judge")) {
            check_judge(judge, &entry.value, entry.at(), self.sink);
            if judge.source.is_none() && matches!(self.target, Target::Command(_)) {
                // A rehearsal counts for it: no error.
                self.sink.warning(
                    "rollout.uncounted",
                    entry.at(),
                    "this target runs commands and counts no traffic: the judge would see nothing",
                    "give the judge a `source`, such as Prometheus",
                );
            }
        }
    }

    fn refuse(&self, code: &'static str, at: &Range<usize>, message: &str, help: &str) {
        self.sink
            .error_with(code, at, message.to_owned(), Some(help.to_owned()));
    }
}
