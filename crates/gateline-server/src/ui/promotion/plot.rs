//! The plots: errors and latency, the canary against the stable arm, over the time of the rollout.
//!
//! SVG from the server, without a style of its own: classes only, so that the page's colours apply.

use gateline_api::RolloutView;
use gateline_model::{Span, StepAction, Version};
use jiff::Timestamp;
use maud::{Markup, html};

use super::Shown;
use super::banner::settings;
use super::numbers::QUANTILE_DEFAULT;
use super::points::{Point, edges, points};
use super::scale::{HEIGHT, Scale, WIDTH, figure};
use crate::ui::time::{length, whole};

/// Rows of the table that says the same in words.
const ROWS_MAX: usize = 20;
/// One plot.
struct Plot<'a> {
    id: &'static str,
    title: String,
    unit: &'static str,
    limit: Option<f64>,
    points: Vec<Point>,
    weights: Vec<(Timestamp, String)>,
    version: &'a Version,
}

pub(super) fn plots(shown: &Shown<'_>, rollout: &RolloutView) -> Markup {
    if shown.ticks.is_empty() {
        let yet = if shown.is_open() { "yet" } else { "at all" };
        return html! { h2 { "Traffic" } p.sub { "No traffic was measured " (yet) "." } };
    }
    let judge = settings(shown);
    let latency = judge.and_then(|judge| judge.latency.as_ref());
    let share = latency.map_or(QUANTILE_DEFAULT, |limit| limit.quantile.share());
    let edges = edges(shown.ticks);
    let version = &shown.view.version;
    let plots = [
        Plot {
            id: "errors",
            title: "Errors, share of requests".to_owned(),
            unit: "%",
            limit: judge
                .and_then(|judge| judge.errors.as_ref())
                .map(|limit| limit.at_most.as_f64()),
            points: points(shown.ticks, &edges, |counts| counts.errors_percent()),
            weights: weights(rollout),
            version,
        },
        Plot {
            id: "latency",
            title: format!("Latency, {:.0}% of requests within", share * 100.0),
            unit: " ms",
            limit: latency.map(|limit| limit.at_most.as_millis() as f64),
            points: points(shown.ticks, &edges, |counts| {
                counts.quantile(share).map(|seconds| seconds * 1_000.0)
            }),
            weights: weights(rollout),
            version,
        },
    ];
    html! {
        @for plot in plots { (plot.render()) }
        p.legend { span.key-canary { "━ " (version) " (canary)" } " " span.key-stable { "┅ stable" } " " span.key-limit { "╌ limit" } }
    }
}

fn weights(rollout: &RolloutView) -> Vec<(Timestamp, String)> {
    let exposed = rollout
        .steps
        .iter()
        .filter_map(|step| match (step.action, step.since) {
            (StepAction::Expose { weight }, Some(since)) => Some((since, weight.to_string())),
            (StepAction::Withdraw, Some(since)) => Some((since, "back".to_owned())),
            (StepAction::Start | StepAction::Finish | StepAction::Discard | StepAction::Expose { .. }, _)
            | (StepAction::Withdraw, None) => None,
        });
    exposed.collect()
}

impl Plot<'_> {
    fn render(&self) -> Markup {
        let Self {
            id,
            title,
            unit,
            limit,
            points,
            weights,
            version,
        } = self;
        html! {
            h2 {
                (title)
                @if let (Some(first), Some(last)) = (points.first(), points.last()) { ", in " (length(Span::between(first.at, last.at))) }
            }
            @match (points.first(), points.last()) {
                (Some(first), Some(last)) if points.iter().any(|point| point.canary.or(point.stable).is_some()) => {
                    @let scale = Scale::of(points, *limit, first.at, last.at);
                    svg.plot viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-labelledby={ (id) "-title " (id) "-desc" } {
                        title id={ (id) "-title" } { (title) }
                        desc id={ (id) "-desc" } { (self.in_words(first.at, last)) }
                        (scale.grid(unit))
                        (scale.weights(weights))
                        polyline.stable points=(scale.line(points, |point| point.stable)) {}
                        polyline.canary points=(scale.line(points, |point| point.canary)) {}
                        @if let Some(limit) = limit { (scale.limit(*limit, unit)) }
                        @if let Some((x, y)) = scale.last(points) { circle.canary cx=(x) cy=(y) r="4" {} }
                    }
                    (self.table())
                }
                _ => { p.sub { "Not known for " (version) ": the source has not told it." } }
            }
        }
    }

    fn in_words(&self, first: Timestamp, last: &Point) -> String {
        let peak = self
            .points
            .iter()
            .filter_map(|point| point.canary)
            .fold(0.0, f64::max);
        let limit = self.limit.map_or("no limit".to_owned(), |limit| {
            format!("limit {}{}", figure(limit), self.unit)
        });
        format!(
            "In {}: canary {} last, {}{} at most; stable {} last; {limit}.",
            length(Span::between(first, last.at)),
            self.value(last.canary),
            figure(peak),
            self.unit,
            self.value(last.stable),
        )
    }

    fn value(&self, value: Option<f64>) -> String {
        value.map_or("nothing".to_owned(), |value| {
            format!("{}{}", figure(value), self.unit)
        })
    }

    /// The same as a table, a row for each of some moments.
    fn table(&self) -> Markup {
        let every = self.points.len().div_ceil(ROWS_MAX).max(1);
        html! {
            details #{ (self.id) "-table" } {
                summary { "The same as a table" }
                table.list {
                    thead { tr { th scope="col" { "at" } th scope="col" { "canary" } th scope="col" { "stable" } } }
                    tbody {
                        @for point in self.points.iter().rev().step_by(every) {
                            tr {
                                td { time datetime=(point.at) title=(whole(point.at)) { (point.at.strftime("%H:%M:%S")) } }
                                td.num { (self.value(point.canary)) } td.num { (self.value(point.stable)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
