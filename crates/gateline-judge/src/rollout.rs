//! The judge of a rollout by the word that its pipeline names: the rollout's ticks in, what is to be said of a step out.
//!
//! Ticks are running totals that may begin again; a look is what came between two of them. Knows no store and no clock.

use gateline_model::{Arm, JudgeBy, JudgeSettings, PodCounts, Ruling, RulingKind, Span, Tick, Weight};
use jiff::Timestamp;

use crate::counts::{Counts, count};
use crate::judge::{Baseline, Exposure, Settings};
use crate::kayenta;
use crate::look::{ArmLook, Bad, Look};
use crate::obf::{GroupSequential, Planned};
use crate::recipe::MISSING_TICKS;
use crate::ruling::Record;
use crate::threshold;

/// Points per side below which ranks are not compared: with fewer no difference could be found.
pub const KAYENTA_POINTS_MIN: usize = 5;
/// Quantile of latency that Kayenta's ranks are made of.
const KAYENTA_QUANTILE: f64 = 0.95;
/// Ticks of the stable arm's beginning that a fixed schedule is planned from, where nothing is known from before.
const PLANNED_FROM_TICKS: usize = 4;

/// A rollout, as far as its judge must know it.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// When the first step that is judged became true.
    pub began: Timestamp,
    /// Whether the judge sets the weights.
    pub exposure: Exposure,
    /// The weights of the steps in per cent, ascending, where they set them.
    pub steps: Vec<f64>,
    /// Weights 0 to 1 by tick, where the steps have fixed pauses: what a group-sequential test is planned for.
    pub schedule: Vec<f64>,
}

/// The step that is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// When it became true.
    pub since: Timestamp,
    /// When its pause is over.
    pub until: Option<Timestamp>,
    /// The weight that it gives.
    pub stands: Option<Weight>,
}

/// The judge of one rollout.
#[derive(Debug)]
pub struct RolloutJudge {
    settings: JudgeSettings,
    course: Course,
    /// How many of the rollout's ticks were taken.
    taken: usize,
    canary: Meter,
    stable: Meter,
    /// The last look that was taken.
    last: Option<(u32, Timestamp)>,
    /// The stable arm before the rollout, look by look.
    before: Vec<(Timestamp, ArmLook)>,
    by: By,
}

#[derive(Debug)]
enum By {
    Thresholds,
    /// Begins with the first look, when all is known of what was before.
    Evidence(Option<Box<Record>>),
    Kayenta(Vec<(Timestamp, Look)>),
    GroupSequential {
        metrics: Vec<Bad>,
        /// Looks until there is something to plan with.
        early: Vec<Look>,
        judge: Option<GroupSequential>,
        crossed: bool,
    },
}

/// The running totals of one arm.
#[derive(Debug, Default)]
struct Meter {
    base: Option<Tick>,
    /// The newest tick, which is in no look yet.
    newest: Option<Tick>,
}

impl RolloutJudge {
    /// A judge that has seen nothing.
    pub fn new(settings: &JudgeSettings, course: Course) -> Self {
        let by = match settings.by {
            JudgeBy::Thresholds => By::Thresholds,
            JudgeBy::Evidence => By::Evidence(None),
            JudgeBy::Kayenta => By::Kayenta(Vec::new()),
            JudgeBy::GroupSequential => By::GroupSequential {
                metrics: Vec::new(),
                early: Vec::new(),
                judge: None,
                crossed: false,
            },
        };
        Self {
            settings: settings.clone(),
            course,
            taken: 0,
            canary: Meter::default(),
            stable: Meter::default(),
            last: None,
            before: Vec::new(),
            by,
        }
    }

    /// What is to be said of a step, from all ticks of the rollout in the order of their time. Only those that came since
    /// the last call are taken in.
    pub fn rule(&mut self, ticks: &[Tick], step: Step, now: Timestamp) -> Ruling {
        self.take(ticks);
        match &self.by {
            By::Thresholds => threshold::judge(&self.settings, ticks, step.since, now),
            By::Evidence(record) => self.by_evidence(record.as_deref(), ticks, step, now),
            By::Kayenta(looks) => self.by_ranks(looks, ticks, step, now),
            By::GroupSequential { judge, crossed, .. } => {
                self.by_schedule(judge.as_ref(), *crossed, ticks, step, now)
            }
        }
    }

    fn take(&mut self, ticks: &[Tick]) {
        if matches!(self.by, By::Thresholds) {
            return;
        }
        let mut index = self.taken;
        while let Some(first) = ticks.get(index) {
            let same = ticks[index..]
                .iter()
                .take_while(|tick| tick.at == first.at)
                .count();
            self.take_moment(&ticks[index..index + same]);
            index += same;
        }
        self.taken = ticks.len();
    }

    /// The ticks of one moment: both arms, or one of them.
    fn take_moment(&mut self, ticks: &[Tick]) {
        let at = ticks[0].at;
        for tick in ticks {
            let meter = match tick.arm {
                Arm::Canary => &mut self.canary,
                Arm::Stable => &mut self.stable,
            };
            meter.newest = Some(tick.clone());
        }
        let every = self.settings.every.as_millis().max(1);
        let since = at.as_millisecond() - self.course.began.as_millisecond();
        if since < 0 {
            self.canary.look(Basis::Skip);
            self.before
                .extend(self.stable.look(Basis::Skip).map(|look| (at, look)));
            return;
        }
        let tick = u32::try_from(since / every).unwrap_or(u32::MAX);
        // What comes within the same tick waits for the next one: its counts are not lost, they are counted there.
        if self.last.is_some_and(|(last, _)| tick <= last) {
            return;
        }
        let weight = self.canary.newest.as_ref().map(|tick| f64::from(tick.weight));
        let signals = [&self.canary, &self.stable].map(|meter| meter.signals());
        let look = Look {
            tick,
            weight: weight.filter(|weight| *weight > 0.0),
            canary: self.canary.look(Basis::Zero),
            stable: self.stable.look(Basis::Skip),
            signals: signals.concat(),
        };
        self.last = Some((tick, at));
        self.see(at, look);
    }

    fn see(&mut self, at: Timestamp, look: Look) {
        match &mut self.by {
            By::Thresholds => {}
            By::Kayenta(looks) => looks.push((at, look)),
            By::Evidence(record) => {
                let (settings, course, before) = (&self.settings, &self.course, &mut self.before);
                let record = record.get_or_insert_with(|| {
                    let settings = evidence_settings(settings, course);
                    let baseline = before_rollout(&settings, &std::mem::take(before));
                    Box::new(Record::new(settings, baseline.as_ref()))
                });
                record.observe(&look);
            }
            By::GroupSequential {
                metrics,
                early,
                judge,
                crossed,
            } => {
                let observe = |judge: &mut GroupSequential, metrics: &[Bad], look: &Look| {
                    let pairs = metrics
                        .iter()
                        .map(|bad| crate::judge::pair(look, *bad).unwrap_or_default());
                    judge.observe(&pairs.collect::<Vec<_>>())
                };
                if let Some(judge) = judge {
                    *crossed |= observe(judge, metrics, &look);
                    return;
                }
                early.push(look);
                let stable = || early.iter().filter_map(|look| look.stable.clone());
                let known: Vec<ArmLook> = self
                    .before
                    .iter()
                    .map(|(_, look)| look.clone())
                    .chain(stable())
                    .collect();
                if self.before.is_empty() && early.len() < PLANNED_FROM_TICKS {
                    return;
                }
                let settings = evidence_settings(&self.settings, &self.course);
                let Some(baseline) = Baseline::measure(&settings, &known) else {
                    return;
                };
                let plan: Vec<Planned> = baseline
                    .metrics
                    .iter()
                    .map(|metric| Planned {
                        tolerance: metric.tolerance,
                        design_effect: metric.noise.whole,
                        bad_per_tick: metric.rate * baseline.requests_per_tick,
                    })
                    .collect();
                *metrics = baseline.metrics.iter().map(|metric| metric.bad).collect();
                let recipe = &settings.recipe;
                *judge =
                    GroupSequential::new(&self.course.schedule, &plan, recipe.alpha, recipe.margin_power);
                if let Some(judge) = judge {
                    *crossed = std::mem::take(early)
                        .iter()
                        .any(|look| observe(judge, metrics, look));
                }
            }
        }
    }

    fn by_evidence(&self, record: Option<&Record>, ticks: &[Tick], step: Step, now: Timestamp) -> Ruling {
        let Some(record) = record else {
            return self.nothing_yet(ticks, step, now);
        };
        let exposure = self.course.exposure;
        let full = match exposure {
            Exposure::Paced => record.ruling(),
            Exposure::Given => record.ruling_until(self.patience_left(step, now)),
        };
        let (mut says, mut headline) = (full.ruling, full.headline.clone());
        let silent = self.last.is_none_or(|(_, at)| {
            Span::between(at, now) > self.settings.every.times(i64::from(MISSING_TICKS))
        });
        if says == RulingKind::Advance && silent {
            (says, headline) = (
                RulingKind::Wait,
                "WAITING: nothing is heard of the traffic any more".to_owned(),
            );
        }
        // What was said before the step is about the weight before.
        let seen = self.last.is_some_and(|(_, at)| at >= step.since);
        if exposure == Exposure::Given && says == RulingKind::Advance && !seen {
            (says, headline) = (
                RulingKind::Wait,
                "WAITING: the weight has just changed".to_owned(),
            );
        }
        if exposure == Exposure::Given && says == RulingKind::Wait && self.is_over(step, now) {
            says = RulingKind::Inconclusive;
            headline = format!(
                "NOT ENOUGH TO TELL after {}: {headline}",
                Span::between(step.since, now)
            );
        }
        if exposure == Exposure::Paced
            && says == RulingKind::Inconclusive
            && !seen
            && !self.is_over(step, now)
        {
            (says, headline) = (
                RulingKind::Wait,
                "WAITING: the weight has just changed".to_owned(),
            );
        }
        let allowed = || Weight::percent(full.numbers.exposure.allowed.round().clamp(0.0, 100.0) as u8);
        let weight = match exposure {
            Exposure::Paced if !seen => step.stands.or_else(|| Some(allowed())),
            Exposure::Paced => Some(allowed()),
            Exposure::Given => None,
        };
        Ruling {
            says,
            headline,
            weight,
            full: Some(Box::new(full)),
            ..seen_since(ticks, step, now)
        }
    }

    fn by_ranks(&self, looks: &[(Timestamp, Look)], ticks: &[Tick], step: Step, now: Timestamp) -> Ruling {
        let looks: Vec<&Look> = looks
            .iter()
            .filter(|(at, _)| *at > step.since)
            .map(|(_, look)| look)
            .collect();
        let over = step.until.is_none_or(|until| until <= now);
        if !over || looks.len() < KAYENTA_POINTS_MIN {
            let headline = format!(
                "{} points of each side, scored when the pause is over",
                looks.len()
            );
            return self.wait(headline, ticks, step, now);
        }
        let side = |of: fn(&Look) -> Option<&ArmLook>, value: fn(&Counts) -> Option<f64>| {
            let points = looks
                .iter()
                .map(|look| of(look).and_then(|arm| value(&arm.all)).unwrap_or(f64::NAN));
            points.collect::<Vec<f64>>()
        };
        let metric = |name: &str, critical, value: fn(&Counts) -> Option<f64>| kayenta::Metric {
            name: name.to_owned(),
            group: "traffic".to_owned(),
            experiment: side(|look| look.canary.as_ref(), value),
            control: side(|look| look.stable.as_ref(), value),
            direction: kayenta::Direction::Increase,
            critical,
            gaps: kayenta::Gaps::Remove,
            effect: None,
        };
        let mut metrics = vec![metric("errors", kayenta::Critical::Yes, Counts::errors_percent)];
        let has_latency = looks.iter().any(|look| {
            look.canary
                .as_ref()
                .is_some_and(|arm| !arm.all.buckets.is_empty())
        });
        if has_latency {
            let quantile = |counts: &Counts| counts.quantile(KAYENTA_QUANTILE);
            metrics.push(metric("latency", kayenta::Critical::No, quantile));
        }
        let score = kayenta::score(&metrics, &[], kayenta::NoData::Fails);
        let limits = self.settings.kayenta;
        let says = match score.score {
            score if score <= f64::from(limits.marginal) => RulingKind::RollBack,
            score if score >= f64::from(limits.pass) => RulingKind::Advance,
            _ => RulingKind::Inconclusive,
        };
        Ruling {
            says,
            headline: format!(
                "{}; {} passes, {} fails",
                score.headline, limits.pass, limits.marginal
            ),
            ..seen_since(ticks, step, now)
        }
    }

    fn by_schedule(
        &self,
        judge: Option<&GroupSequential>,
        crossed: bool,
        ticks: &[Tick],
        step: Step,
        now: Timestamp,
    ) -> Ruling {
        let Some(judge) = judge else {
            return self.nothing_yet(ticks, step, now);
        };
        let way = judge.furthest() * 100.0;
        let over = step.until.is_none_or(|until| until <= now);
        let (says, headline) = match (crossed, over) {
            (true, _) => (
                RulingKind::RollBack,
                "the boundary of the schedule is crossed".to_owned(),
            ),
            (false, true) => (
                RulingKind::Advance,
                format!("the schedule goes on: {way:.0}% of the way to its boundary"),
            ),
            (false, false) => (
                RulingKind::Wait,
                format!("{way:.0}% of the way to the boundary of the schedule"),
            ),
        };
        Ruling {
            says,
            headline,
            ..seen_since(ticks, step, now)
        }
    }

    /// The settings and the course that this judge judges by.
    pub fn judges_by(&self) -> (&JudgeSettings, &Course) {
        (&self.settings, &self.course)
    }

    fn nothing_yet(&self, ticks: &[Tick], step: Step, now: Timestamp) -> Ruling {
        self.wait(
            "too little is known of the stable release to compare with".to_owned(),
            ticks,
            step,
            now,
        )
    }

    fn wait(&self, headline: String, ticks: &[Tick], step: Step, now: Timestamp) -> Ruling {
        let over = self.is_over(step, now);
        Ruling {
            says: if over {
                RulingKind::Inconclusive
            } else {
                RulingKind::Wait
            },
            headline,
            ..seen_since(ticks, step, now)
        }
    }

    fn is_over(&self, step: Step, now: Timestamp) -> bool {
        self.patience_left(step, now) <= Span::ZERO
    }

    /// Patience begins when the pause is over, or at once where there is none.
    fn patience_left(&self, step: Step, now: Timestamp) -> Span {
        let from = step.until.map_or(step.since, |until| until.max(step.since));
        Span::between(now, self.settings.patience.after(from))
    }
}

/// The baseline from looks that may lie further apart than the rollout's ticks.
fn before_rollout(settings: &Settings, looks: &[(Timestamp, ArmLook)]) -> Option<Baseline> {
    let arms: Vec<ArmLook> = looks.iter().map(|(_, look)| look.clone()).collect();
    let mut baseline = Baseline::measure(settings, &arms)?;
    if let [(first, _), .., (last, _)] = looks {
        let apart = Span::between(*first, *last).as_millis() as f64 / 1_000.0 / (looks.len() - 1) as f64;
        if apart > 0.0 {
            baseline.requests_per_tick *= settings.tick_secs / apart;
        }
    }
    Some(baseline)
}

/// The numbers of a step that every judge tells.
fn seen_since(ticks: &[Tick], step: Step, now: Timestamp) -> Ruling {
    let canary = count(ticks, Arm::Canary, Some(step.since));
    let stable = count(ticks, Arm::Stable, Some(step.since));
    Ruling {
        says: RulingKind::Wait,
        headline: String::new(),
        at: now,
        requests: canary.requests,
        errors: canary.errors,
        errors_percent: canary.errors_percent(),
        latency_ms: None,
        stable_errors_percent: stable.errors_percent(),
        weight: None,
        unmeasured: None,
        full: None,
    }
}

fn evidence_settings(settings: &JudgeSettings, course: &Course) -> Settings {
    let mut judge = Settings::from(&settings.tolerate);
    judge.exposure = course.exposure;
    judge.steps.clone_from(&course.steps);
    judge.tick_secs = settings.every.as_millis() as f64 / 1_000.0;
    let ticks = |span: Span| {
        let every = settings.every.as_millis().max(1);
        u32::try_from((span.as_millis() + every - 1) / every).unwrap_or(u32::MAX / 2)
    };
    if let Some(warm_up) = settings.warm_up {
        judge.recipe = judge.recipe.cold_for(ticks(warm_up));
    }
    let recipe = &mut judge.recipe;
    (recipe.horizon, recipe.spread) = match course.exposure {
        Exposure::Paced => (ticks(settings.patience), ticks(settings.patience)),
        // Each step has its own patience, which is not the recipe's.
        Exposure::Given => {
            let planned = u32::try_from(course.schedule.len()).unwrap_or(u32::MAX);
            (u32::MAX / 2, recipe.spread.max(planned))
        }
    };
    judge
}

/// What the first tick of an arm counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Basis {
    /// Everything: its counters began with the rollout.
    Zero,
    /// Nothing: it is only where counting begins.
    Skip,
}

impl Meter {
    fn signals(&self) -> Vec<String> {
        self.newest
            .as_ref()
            .map(|tick| tick.signals.clone())
            .unwrap_or_default()
    }

    /// What was served since the last look; none where nothing new was told.
    fn look(&mut self, first: Basis) -> Option<ArmLook> {
        let tick = self.newest.take()?;
        let base = self.base.replace(tick.clone());
        let gauges = tick.gauges.clone();
        if base.is_none() && first == Basis::Skip {
            return None;
        }
        let mut look = if tick.pods.is_empty() {
            let base = base.as_ref().map(counts);
            ArmLook::whole(counts(&tick).since(&base.unwrap_or_default()))
        } else {
            let before = |pod: &String| base.as_ref().and_then(|base| base.pods.get(pod)).map(pod_counts);
            let pods = tick.pods.iter();
            ArmLook::of_pods(
                pods.map(|(pod, now)| {
                    (
                        pod.clone(),
                        pod_counts(now).since(&before(pod).unwrap_or_default()),
                    )
                })
                .collect(),
            )
        };
        look.gauges = gauges;
        Some(look)
    }
}

fn counts(tick: &Tick) -> Counts {
    Counts {
        requests: tick.requests,
        errors: tick.errors,
        buckets: tick.buckets.clone(),
    }
}

fn pod_counts(pod: &PodCounts) -> Counts {
    Counts {
        requests: pod.requests,
        errors: pod.errors,
        buckets: pod.buckets.clone(),
    }
}
