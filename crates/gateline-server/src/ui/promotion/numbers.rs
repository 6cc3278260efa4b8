//! The four numbers of a rollout: bad requests, errors, latency, weight.

use gateline_api::RolloutView;
use gateline_judge::count;
use gateline_model::Arm;
use maud::{Markup, html};

use super::Shown;
use super::banner::settings;
use crate::ui::words::{count as spelled, counted};

pub(super) fn four(shown: &Shown<'_>, rollout: &RolloutView) -> Markup {
    if shown.ticks.is_empty() && rollout.requests == 0 {
        return html! {};
    }
    let judge = settings(shown);
    let canary = count(shown.ticks, Arm::Canary, None);
    let stable = count(shown.ticks, Arm::Stable, None);
    let errors_limit = judge
        .and_then(|judge| judge.errors.as_ref())
        .map(|limit| limit.at_most.to_string());
    let latency = judge.and_then(|judge| judge.latency.as_ref());
    let share = latency.map_or(QUANTILE_DEFAULT, |limit| limit.quantile.share());
    let bound = |bound: Option<f64>| {
        bound.map_or("unknown".to_owned(), |seconds| {
            format!("{:.0} ms", seconds * 1_000.0)
        })
    };
    let percent =
        |percent: Option<f64>| percent.map_or("unknown".to_owned(), |percent| format!("{percent:.1}%"));
    html! {
        dl.four {
            div {
                dt { "failed requests" }
                dd { b.num { (spelled(rollout.errors)) } span { "of " (counted(rollout.requests, "request")) " that the release served" } }
            }
            div {
                dt { "errors" }
                dd {
                    b.num { (percent(canary.errors_percent())) }
                    span { "stable " (percent(stable.errors_percent())) @if let Some(limit) = &errors_limit { ", limit " (limit) } }
                }
            }
            div {
                dt { "latency, " (format!("{:.0}", share * 100.0)) "% within" }
                dd {
                    b.num { (bound(canary.quantile(share))) }
                    span { "stable " (bound(stable.quantile(share))) @if let Some(limit) = latency { ", limit " (limit.at_most) } }
                }
            }
            div {
                dt { "weight" }
                dd { b.num { (rollout.weight) } span { @if let Some(cohort) = rollout.cohort() { "and " (cohort) " people: that share " } "of the traffic " @if shown.is_open() { "goes" } @else { "went at last" } " to " (shown.view.version) } }
            }
        }
    }
}

/// The quantile that is shown where the stage names none.
pub(super) const QUANTILE_DEFAULT: f64 = 0.95;
