//! Kayenta's judge, for those who come from Spinnaker: the same classes and the same score from the same points.
//!
//! One difference, unless it is switched off: no data is never a pass. Kayenta scores a group without data 100.
//! It looks at fixed horizons; asked again and again, it finds something (the benchmark shows how often).

mod rank;

use serde::{Deserialize, Serialize};

pub use rank::{Shift, shift};

/// Confidence of the rank test.
const CONFIDENCE: f64 = 0.98;
/// The interval must be beyond this share of the estimated shift. It is no margin: a tiny shift of a quiet metric is beyond it.
const TOLERANCE: f64 = 0.25;
/// Share of metrics without data from which nothing is scored.
const NO_DATA_MAX: f64 = 0.5;
/// Most points of one series.
pub const POINTS_MAX: usize = 10_000;

/// One metric, as points over time of both sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// Groups that it counts in.
    pub group: String,
    /// Points of the new version. What is not a number is a gap.
    pub experiment: Vec<f64>,
    /// Points of the old version.
    pub control: Vec<f64>,
    /// Which way is bad.
    pub direction: Direction,
    /// Failing it fails everything.
    #[serde(default)]
    pub critical: Critical,
    /// What gaps are.
    #[serde(default)]
    pub gaps: Gaps,
    /// Ratio of means from which a rise counts, and below which a fall does.
    #[serde(default)]
    pub effect: Option<(f64, f64)>,
}

/// Which way is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Higher.
    Increase,
    /// Lower.
    Decrease,
    /// Both.
    Either,
}

/// What failing one metric means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Critical {
    /// Its share of its group.
    #[default]
    No,
    /// Everything.
    Yes,
}

/// What a gap in a series is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gaps {
    /// Nothing.
    #[default]
    Remove,
    /// Zero.
    Zero,
}

/// What a metric without data is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoData {
    /// Failed: nobody can say that it is well.
    #[default]
    Fails,
    /// Left out, as Kayenta does: a group of nothing else scores 100.
    LeftOut,
}

/// What one metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// No difference that counts.
    Pass,
    /// Higher.
    High,
    /// Lower.
    Low,
    /// Nothing to compare.
    NoData,
}

/// The classes and the score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// 0 to 100.
    pub score: f64,
    /// Each metric's class, in their order.
    pub classes: Vec<Class>,
    /// One sentence for a person.
    pub headline: String,
}

/// Scores metrics. `weights` are those of the groups; groups without one share what is left of 100.
pub fn score(metrics: &[Metric], weights: &[(String, f64)], no_data: NoData) -> Score {
    let classes: Vec<Class> = metrics.iter().map(classify).collect();
    let fails = |class: Class| match class {
        Class::High | Class::Low => true,
        Class::NoData => no_data == NoData::Fails,
        Class::Pass => false,
    };
    let both = || metrics.iter().zip(&classes);
    let failing: Vec<&str> = both()
        .filter(|(_, class)| fails(**class))
        .map(|(metric, _)| metric.name.as_str())
        .collect();
    let silent = classes.iter().filter(|class| **class == Class::NoData).count();
    let critical = both().find(|(metric, class)| metric.critical == Critical::Yes && fails(**class));
    let nothing = metrics.is_empty() || silent as f64 >= NO_DATA_MAX * metrics.len() as f64;
    let score = if nothing || critical.is_some() {
        0.0
    } else {
        groups(metrics, &classes, weights, &fails)
    };
    let headline = match (&critical, failing.as_slice()) {
        (Some((metric, _)), _) => format!("score 0: `{}` is critical and failed", metric.name),
        (None, []) => format!("score {score:.0}"),
        (None, names) => format!("score {score:.0}: {} failed", names.join(", ")),
    };
    Score {
        score,
        classes,
        headline,
    }
}

fn groups(
    metrics: &[Metric],
    classes: &[Class],
    weights: &[(String, f64)],
    fails: &impl Fn(Class) -> bool,
) -> f64 {
    let mut names: Vec<&str> = metrics.iter().map(|metric| metric.group.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let given = |name: &str| {
        weights
            .iter()
            .find(|(group, _)| group == name)
            .map(|(_, weight)| *weight)
    };
    let left = 100.0 - names.iter().filter_map(|name| given(name)).sum::<f64>();
    let without = names.iter().filter(|name| given(name).is_none()).count();
    let of = |name: &&str| {
        let own = metrics
            .iter()
            .zip(classes)
            .filter(|(metric, _)| metric.group == **name);
        let counts = own.filter(|(_, class)| fails(**class) || **class != Class::NoData);
        let (all, passed) = counts.fold((0, 0), |(all, passed), (_, class)| {
            (all + 1, passed + u32::from(!fails(*class)))
        });
        let score = if all == 0 {
            100.0
        } else {
            100.0 * f64::from(passed) / f64::from(all)
        };
        score * given(name).unwrap_or(left.max(0.0) / without as f64) / 100.0
    };
    names.iter().map(of).sum()
}

/// The class of one metric.
pub fn classify(metric: &Metric) -> Class {
    let (experiment, control) = (metric.points(&metric.experiment), metric.points(&metric.control));
    if experiment.is_empty() || control.is_empty() {
        return match metric.gaps {
            Gaps::Remove => Class::NoData,
            Gaps::Zero => Class::Pass,
        };
    }
    if sorted(&experiment) == sorted(&control) {
        return Class::Pass;
    }
    // Without a spread there is no rank to speak of: the interval is the difference itself.
    let shift = shift(&experiment, &control, CONFIDENCE);
    let Some(Shift { low, high, estimate }) = shift else {
        return Class::Pass;
    };
    let bound = TOLERANCE * estimate.abs();
    let mean = |points: &[f64]| points.iter().sum::<f64>() / points.len() as f64;
    let (new, old) = (mean(&experiment), mean(&control));
    let ratio = (new != 0.0 && old != 0.0).then(|| new / old);
    let (rise, fall) = metric.effect.unwrap_or((1.0, 1.0));
    let rises = metric.direction != Direction::Decrease && low > bound;
    let falls = metric.direction != Direction::Increase && high < -bound;
    if rises && ratio.is_none_or(|ratio| ratio >= rise) {
        Class::High
    } else if falls && ratio.is_none_or(|ratio| ratio <= fall) {
        Class::Low
    } else {
        Class::Pass
    }
}

impl Metric {
    /// The points of one side without gaps; at most [`POINTS_MAX`], the latest.
    fn points(&self, series: &[f64]) -> Vec<f64> {
        let late = &series[series.len().saturating_sub(POINTS_MAX)..];
        let point = |value: &f64| match (value.is_finite(), self.gaps) {
            (true, _) => Some(*value),
            (false, Gaps::Zero) => Some(0.0),
            (false, Gaps::Remove) => None,
        };
        late.iter().filter_map(point).collect()
    }
}

fn sorted(points: &[f64]) -> Vec<f64> {
    let mut sorted = points.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}
