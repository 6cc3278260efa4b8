//! Rollouts: what every strategy must be so that it ends with the release live, and what its judges can judge.

use std::collections::BTreeMap;
use std::ops::Range;

use gateline_model::limits::STEPS_MAX;
use gateline_model::{
    Audience, JudgeBy, JudgeSettings, Pace, Risk, RolloutStep, Span, Strategy, Target, TrafficSource, Weight,
};

use crate::diagnostic::{Diagnostics, Sink};
use crate::fields::Fields;
use crate::nearest::meant;
use crate::node::{Entry, Node};
use crate::stage;

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
        let steps = settings
            .get("steps")
            .map(|steps| (steps.at(), steps.value.items()));
        match strategy {
            Strategy::AllAtOnce(_) | Strategy::Recreate(_) => {}
            Strategy::Rolling(rolling) => {
                let instances = rolling.instances.or(self.target.instances());
                match instances {
                    None | Some(0) => self.refuse(
                        "rollout.instances",
                        at,
                        "`rolling` must know how many instances there are",
                        "this target does not say; write `instances: 4` under `rolling`",
                    ),
                    Some(all) if rolling.surge(all) == 0 && rolling.max_unavailable == 0 => self.refuse(
                        "rollout.still",
                        at,
                        "neither more nor fewer instances than there are may run: nothing could move",
                        "allow one with `max_surge: 1` or `max_unavailable: 1`",
                    ),
                    Some(_) => {}
                }
            }
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
            Strategy::Mirror(mirror) => self.mirror(mirror.share, settings, at),
        }
        if let Strategy::Canary(canary) = strategy
            && let (Some(mirror), Some(entry)) = (&canary.mirror, settings.get("mirror"))
        {
            self.mirror(mirror.share, &entry.value, entry.at());
            self.judge(mirror.judge.as_ref(), &entry.value);
        }
        let count = strategy.plan(self.target.instances()).len();
        if count > STEPS_MAX {
            let at = steps.map_or(at, |(at, _)| at);
            let message = format!(
                "the rollout has {count} steps; it may have {STEPS_MAX}, with those that start and finish it"
            );
            self.sink.error("rollout.limit", at, message);
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
                self.sink.error(
                    "rollout.step",
                    &node.span,
                    "a step of a canary must have a `weight`",
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
                self.sink.error("rollout.growth", at, message);
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
            self.sink.error("rollout.growth", place, message);
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

    fn mirror(&self, share: Weight, settings: &Node, at: &Range<usize>) {
        if share == Weight::NONE {
            let at = settings.get("share").map_or(at, |share| share.at());
            let help = Some("copy a share such as `10%`".to_owned());
            self.sink
                .error_with("rollout.zero", at, "a mirror of 0% shows nothing", help);
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
        }
    }

    fn refuse(&self, code: &'static str, at: &Range<usize>, message: &str, help: &str) {
        self.sink
            .error_with(code, at, message.to_owned(), Some(help.to_owned()));
    }
}

/// What a judge may be told, wherever it is written.
pub(crate) fn check_judge(judge: &JudgeSettings, node: &Node, at: &Range<usize>, sink: &Sink<'_>) {
    let field = |name: &str| node.get(name);
    // A judge that looks again at once would do nothing else.
    if let (Span::ZERO, Some(every)) = (judge.every, field("every")) {
        stage::refuse_zero(sink, "every", every.at());
    }
    let is_of = |fields: &[&str], by: &[JudgeBy]| {
        for name in fields.iter().filter(|_| !by.contains(&judge.by)) {
            if let Some(entry) = field(name) {
                let message = format!("the judge `{}` does not read `{name}`", judge.by.word());
                let words: Vec<&str> = by.iter().map(|by| by.word()).collect();
                let help = format!("remove it, or write `by: {}`", words.join("` or `by: "));
                sink.error_with("rollout.judge", &entry.key_span, message, Some(help));
            }
        }
    };
    is_of(
        &["errors", "latency", "at_least_requests"],
        &[JudgeBy::Thresholds],
    );
    is_of(&["tolerate"], &[JudgeBy::Evidence, JudgeBy::GroupSequential]);
    is_of(&["kayenta"], &[JudgeBy::Kayenta]);
    check_tolerance(judge, at, sink);
    if let (Some(source), Some(entry)) = (&judge.source, field("source")) {
        check_source(judge, source, entry, sink);
    }
}

/// What cannot be measured so: the judge would wait for it in vain.
fn check_source(judge: &JudgeSettings, source: &TrafficSource, entry: &Entry, sink: &Sink<'_>) {
    for gauge in judge.tolerate.gauges.keys() {
        if !source.gauges.contains_key(gauge) {
            let message = format!("`tolerate.gauges.{gauge}` is a gauge that `source.gauges` does not have");
            let help = format!("add its query, `gauges: {{{gauge}: ..}}`, or remove the tolerance");
            sink.error_with("rollout.judge", entry.at(), message, Some(help));
        }
    }
    let groups = |query: &str| query.contains(" by (") || query.contains(" by(");
    for (name, query) in [("requests", &source.requests), ("errors", &source.errors)] {
        if source.pod.is_none() && groups(query) {
            let at = entry.value.get(name).map_or_else(|| entry.at(), Entry::at);
            sink.warning(
                "rollout.judge",
                at,
                &format!("`{name}` may give several series, and without `pod` the judge takes one"),
                "name the label that tells instances apart, `pod: pod`, or sum over it",
            );
        }
    }
}

fn check_tolerance(judge: &JudgeSettings, at: &Range<usize>, sink: &Sink<'_>) {
    let tolerate = &judge.tolerate;
    let share = |share: f64| share > 0.0 && share < 1.0;
    let ratio = |ratio: f64| ratio > 1.0 && ratio < 64.0;
    let slow = tolerate.latency.iter().flatten();
    let most = gateline_model::WATCHED_MAX;
    let rules = [
        (
            tolerate
                .errors
                .is_none_or(|errors| ratio(errors.ratio) && share(errors.share)),
            "`tolerate.errors` has a `ratio` above 1 and below 64 and a `share` above 0 and below 1"
                .to_owned(),
        ),
        (
            slow.clone().all(|slow| ratio(slow.ratio) && share(slow.share)),
            "`tolerate.latency` has a `ratio` above 1 and below 64 and a `share` above 0 and below 1"
                .to_owned(),
        ),
        (
            slow.count() <= most && tolerate.gauges.len() <= most,
            format!("`tolerate` has at most {most} entries of `latency`, and of `gauges`"),
        ),
        (
            tolerate.slo.is_none_or(|slo| share(slo.share())),
            "`tolerate.slo` is a share above 0% and below 100%".to_owned(),
        ),
        (
            tolerate
                .gauges
                .values()
                .all(|gauge| gauge.above >= 0.0 && gauge.above.is_finite()),
            "`above` of a gauge is a share that is not below 0".to_owned(),
        ),
        (
            judge.kayenta.pass <= 100 && judge.kayenta.marginal < judge.kayenta.pass,
            "`kayenta` has `marginal` below `pass`, and both from 0 to 100".to_owned(),
        ),
    ];
    for (_, message) in rules.into_iter().filter(|(holds, _)| !holds) {
        sink.error("rollout.judge", at, message);
    }
}

/// Reads a judge alone, as a pipeline writes it: a word or a map.
///
/// # Errors
/// What is wrong with it, with its place in the text.
pub fn read_judge(text: &str) -> Result<JudgeSettings, Diagnostics> {
    let sink = Sink::new("judge", text);
    let root = crate::yaml::read(&sink).ok().flatten();
    let read = root.and_then(|root| {
        let judge: JudgeSettings = crate::de::read(&root, &root.span, &sink)?;
        check_judge(&judge, &root, &root.span, &sink);
        Some(judge)
    });
    match (read, sink.finish()) {
        (Some(judge), (_, false)) => Ok(judge),
        (_, (found, _)) => Err(Diagnostics(found)),
    }
}
