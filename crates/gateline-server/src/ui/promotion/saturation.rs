//! Saturation: what each resource was used at each weight, and what it would be with all traffic.

use gateline_api::RolloutView;
use gateline_model::Saturation;
use maud::{Markup, html};

use super::Shown;
use crate::ui::words::{Sign, Tone};

pub(super) fn table(shown: &Shown<'_>, rollout: &RolloutView) -> Markup {
    if rollout.saturation.is_empty() {
        return html! {};
    }
    html! {
        h2 { "Capacity: each gauge, and what it comes to with all traffic" }
        div.wide tabindex="0" {
            table.readings.told {
                thead { tr { th scope="col" { "gauge" } th scope="col" { "at each weight" } th scope="col" { "with all traffic" } th scope="col" { "limit" } } }
                tbody { @for gauge in &rollout.saturation { (row(gauge, shown.is_open())) } }
            }
        }
    }
}

fn row(gauge: &Saturation, open: bool) -> Markup {
    let sign = match (gauge.limit, gauge.passes_at) {
        // It is over: nothing is about to pass anything.
        _ if !open => Sign(Tone::Quiet, "○"),
        (_, Some(_)) => Sign(Tone::Bad, "▲"),
        (Some(_), None) => Sign(Tone::Good, "✓"),
        (None, None) => Sign(Tone::Quiet, "○"),
    };
    html! {
        tr {
            th scope="row" { (gauge.gauge) }
            td data-of="at each weight" { (gauge.seen()) }
            td data-of="with all traffic" { (gauge.ahead()) }
            td data-of="limit" { (sign.plain(&gauge.to_limit())) }
        }
    }
}
