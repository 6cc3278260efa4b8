//! The traffic of a rollout: errors and latency, the canary against the stable arm.

use gateline_api::RolloutView;
use gateline_model::{Span, StepAction};
use jiff::Timestamp;
use maud::{Markup, html};

use super::Shown;
use super::banner::settings;
use super::numbers::QUANTILE_DEFAULT;
use super::points::{self, edges, points};
use crate::ui::plot::{Plot, Point, Size, figure, valued};
use crate::ui::time::{length, whole};

/// What stands over the table's columns.
const COLUMNS: [&str; 3] = ["at", "canary", "stable"];

/// The same where the ruling in full stands above it: for whoever wants each arm by itself.
pub(super) fn beside(shown: &Shown<'_>, rollout: &RolloutView) -> Markup {
    html! {
        details #arms { summary { "Each arm by itself: errors and latency" } (plots(shown, rollout)) }
    }
}

pub(super) fn plots(shown: &Shown<'_>, rollout: &RolloutView) -> Markup {
    if shown.ticks.is_empty() {
        return html! { h2 { "Traffic" } p.sub { (nothing_counted(shown)) } };
    }
    let judge = settings(shown);
    let latency = judge.and_then(|judge| judge.latency.as_ref());
    let errors = judge.and_then(|judge| judge.errors.as_ref());
    let share = latency.map_or(QUANTILE_DEFAULT, |limit| limit.quantile.share());
    let edges = edges(shown.ticks);
    let version = &shown.view.version;
    let served = points(shown.ticks, &edges, |counts| counts.errors_percent());
    let limit = errors.map(|limit| limit.at_most.as_f64());
    let errors = plot("errors", "Errors, share of requests", "%", limit, served, rollout);
    let served = points(shown.ticks, &edges, |counts| {
        counts.quantile(share).map(|seconds| seconds * 1_000.0)
    });
    let title = format!("Latency, {:.0}% of requests within", share * 100.0);
    let limit = latency.map(|limit| limit.at_most.as_millis() as f64);
    let latency = plot("latency", &title, " ms", limit, served, rollout);
    let over = edges.get(1).zip(edges.last());
    html! {
        @for plot in [errors, latency] {
            h2 { (plot.title) @if let Some((first, last)) = over { ", in " (length(Span::between(*first, *last))) } }
            @if plot.is_known() { (plot.render()) }
            @else { p.sub { "Not known for " (version) ": the source has not told it." } }
        }
        p.legend { span.key-first { "━ " (version) " (canary)" } " " span.key-second { "┅ stable" } " " span.key-limit { "╌ limit" } }
    }
}

/// Why there is no traffic to draw.
fn nothing_counted(shown: &Shown<'_>) -> &'static str {
    let steps = shown.view.rollout.iter().flat_map(|rollout| &rollout.steps);
    let tiers = steps
        .into_iter()
        .any(|step| matches!(step.action, StepAction::Expose { cohort: Some(_), .. }));
    match (settings(shown), tiers) {
        (None, true) => "No judge looks at this rollout, so that nobody counts what its cohorts are served.",
        (None, false) => "No judge looks at this rollout, so that nobody counts its traffic.",
        (Some(_), _) if shown.is_open() => "No traffic was measured yet.",
        (Some(_), _) => "No traffic was measured at all.",
    }
}

fn plot<'a>(
    id: &'a str,
    title: &'a str,
    unit: &'a str,
    limit: Option<f64>,
    served: Vec<points::Point>,
    rollout: &RolloutView,
) -> Plot<'a> {
    let in_words = in_words(&served, unit, limit);
    let point = |point: points::Point| Point {
        at: across(point.at),
        name: html! { time datetime=(point.at) title=(whole(point.at)) { (point.at.strftime("%H:%M:%S")) } },
        values: vec![point.canary, point.stable],
    };
    Plot {
        id,
        title,
        size: Size::Wide,
        unit,
        limit,
        ceiling: None,
        points: served.into_iter().map(point).collect(),
        marks: weights(rollout),
        columns: &COLUMNS,
        in_words,
    }
}

fn across(at: Timestamp) -> f64 {
    at.as_millisecond() as f64
}

/// Where each weight began.
fn weights(rollout: &RolloutView) -> Vec<(f64, String)> {
    let exposed = rollout
        .steps
        .iter()
        .filter_map(|step| match (step.action, step.since) {
            (
                StepAction::Mirror { .. } | StepAction::Replace { .. } | StepAction::Expose { .. },
                Some(since),
            ) => Some((across(since), step.action.to_string())),
            (StepAction::Withdraw, Some(since)) => Some((across(since), "back".to_owned())),
            (
                StepAction::Stop
                | StepAction::Start
                | StepAction::Finish
                | StepAction::Discard
                | StepAction::Degrade,
                _,
            )
            | (
                StepAction::Mirror { .. }
                | StepAction::Replace { .. }
                | StepAction::Expose { .. }
                | StepAction::Withdraw,
                None,
            ) => None,
        });
    exposed.collect()
}

fn in_words(served: &[points::Point], unit: &str, limit: Option<f64>) -> String {
    let (Some(first), Some(last)) = (served.first(), served.last()) else {
        return String::new();
    };
    let canary = served.iter().filter_map(|point| point.canary);
    let limit = limit.map_or("no limit".to_owned(), |limit| {
        format!("limit {}{unit}", figure(limit))
    });
    format!(
        "In {}: canary {} last, {}{unit} at most; stable {} last; {limit}.",
        length(Span::between(first.at, last.at)),
        valued(last.canary, unit),
        figure(canary.fold(0.0, f64::max)),
        valued(last.stable, unit),
    )
}
