//! The judge's ruling in full: what it says, four numbers, two meters, the band, and what would have changed it.

use gateline_api::RolloutView;
use gateline_model::RulingKind;
use gateline_model::ruling::{DroppedTicks, FullRuling, Meter, MetricReading, figure, minutes, odds, short};
use maud::{Markup, html};

use super::Shown;
use crate::ui::plot::Band;
use crate::ui::words::{Sign, Tone, count, counted};

/// Odds from which evidence against a release is worth looking at: nothing advances above them.
const LOUD: f64 = gateline_judge::recipe::QUIET_E;
/// The length of a meter, and where its bar stands.
const METER: (f64, f64) = (240.0, 204.0);
const METER_HEIGHT: f64 = 14.0;

/// What the judge says with all its numbers, where it compares two arms.
pub(super) fn full(rollout: &RolloutView) -> Option<&FullRuling> {
    rollout.ruling.as_ref()?.full.as_deref()
}

pub(super) fn panel(shown: &Shown<'_>, full: &FullRuling) -> Markup {
    html! {
        h2 #ruling { "What the judge says" }
        // While it runs, the banner says it.
        @if !shown.is_open() {
            @match full.ruling {
                // What it waited for then does not come any more.
                RulingKind::Wait => { p { "It had not ruled when the rollout ended." } }
                RulingKind::Advance | RulingKind::RollBack | RulingKind::Inconclusive => { p { b { (full.headline) } } }
            }
        }
        (bands(shown, full))
        (four(full))
        (meters(full))
        (readings(full))
        (beside(full))
    }
}

/// The band of the metric that matters most; the others can be opened.
fn bands(shown: &Shown<'_>, full: &FullRuling) -> Markup {
    let Some((drawn, _)) = full.drawn() else {
        return html! { p.sub { "Nothing has been compared yet." } };
    };
    let band = |index: usize| {
        let metric = full.metrics.get(index)?;
        let band = Band::of(&metric.name, index, metric.ratio.limit, &full.band);
        band.is_known().then_some(band)
    };
    let others: Vec<Band<'_>> = (0..full.metrics.len())
        .filter(|index| *index != drawn)
        .filter_map(band)
        .collect();
    html! {
        @match band(drawn) {
            Some(band) => {
                h3 { (band.metric) ", canary ÷ stable" }
                (band.render())
                p.legend {
                    span.key-first { "━ most likely" } " " span.key-first { "▒ not ruled out" } " " span.key-limit { "╌ limit" } " "
                    span { "1× is as before" }
                }
            }
            None if shown.is_open() => { p.sub { "Nothing has counted yet: the canary is warming up." } }
            None => { p.sub { "The band is drawn from the ticks: " code { "gateline judge replay " (shown.view.id) } " makes it again." } }
        }
        @if !others.is_empty() {
            details #bands {
                summary { "The other metrics' bands" }
                @for band in others { h3 { (band.metric) ", canary ÷ stable" } (band.render()) }
            }
        }
    }
}

fn four(full: &FullRuling) -> Markup {
    let numbers = &full.numbers;
    let (bad, exposure) = (&numbers.bad_requests, &numbers.exposure);
    let against = numbers.evidence.against;
    html! {
        dl.four {
            div {
                dt { "bad requests" }
                dd {
                    b.num { (count(bad.canary)) }
                    span {
                        (short(bad.expected)) " expected, " (excess(bad.excess))
                        @if let Some(budget) = bad.budget { ", " (short(budget)) " more allowed" }
                    }
                }
            }
            div {
                dt { "ratio to stable" }
                dd {
                    @match &numbers.ratio {
                        Some(ratio) => {
                            b.num { (short(ratio.interval.likely)) "×" }
                            span { (short(ratio.interval.low)) " to " (short(ratio.interval.high)) ", limit " (short(ratio.limit)) "×" }
                        }
                        None => { b.num { "unknown" } span { "nothing counted yet" } }
                    }
                }
            }
            div {
                dt { "odds against it" }
                dd { b.num { (odds(against.odds)) " : 1" } span { "against “no worse”; " (against.bar_says()) " rolls back" } }
            }
            div {
                dt { "weight" }
                dd {
                    b.num { (short(exposure.weight)) "%" }
                    span {
                        (counted(exposure.requests, "request")) " in " (minutes(exposure.minutes))
                        @if exposure.allowed > exposure.weight { ", " (short(exposure.allowed)) "% allowed" }
                    }
                }
            }
        }
    }
}

fn excess(excess: f64) -> String {
    match excess {
        more if more >= 0.0 => format!("{} more", short(more)),
        fewer => format!("{} fewer", short(-fewer)),
    }
}

fn meters(full: &FullRuling) -> Markup {
    let cases = &full.numbers.evidence;
    let against = match cases.against {
        meter if meter.decides() => Sign(Tone::Bad, "✗"),
        meter if meter.odds >= LOUD => Sign(Tone::Wait, "△"),
        _ => Sign(Tone::Quiet, "○"),
    };
    let safe = match cases.safe {
        meter if meter.decides() => Sign(Tone::Good, "✓"),
        _ => Sign(Tone::Run, "▶"),
    };
    html! {
        div.meters {
            (meter("Against it", cases.against, against, "enough to roll back"))
            (meter("For it", cases.safe, safe, "enough to promote"))
        }
    }
}

/// Odds on a logarithmic scale, the bar at which they decide, and the same in words.
fn meter(name: &str, meter: Meter, sign: Sign, decided: &str) -> Markup {
    let (length, bar) = METER;
    let share = (meter.odds.max(1.0).ln() / meter.bar.max(1.1).ln()).min(length / bar);
    let filled = (share * bar * 10.0).round() / 10.0;
    html! {
        div {
            (sign.plain(&format!("{name}: {}{}", meter.says(), if meter.decides() { format!(", {decided}") } else { String::new() })))
            svg.meter.(sign.tone().class()) viewBox=(format!("0 0 {length} {METER_HEIGHT}")) preserveAspectRatio="none" aria-hidden="true" {
                rect.track width=(length) height=(METER_HEIGHT) {}
                rect.filled width=(filled) height=(METER_HEIGHT) {}
                // A fine line at each tenfold.
                @for power in 1..6 {
                    @let x = f64::from(power) * 10_f64.ln() / meter.bar.max(1.1).ln() * bar;
                    @if x < length { line.fine x1=(format!("{x:.1}")) x2=(format!("{x:.1}")) y1="0" y2=(METER_HEIGHT) {} }
                }
                line x1=(bar) x2=(bar) y1="0" y2=(METER_HEIGHT) {}
            }
        }
    }
}

/// A row for each metric.
fn readings(full: &FullRuling) -> Markup {
    html! {
        @if !full.metrics.is_empty() {
            div.wide tabindex="0" {
                table.readings.told {
                    thead { tr { @for name in ["metric", "canary", "stable", "ratio", "limit", "against", "for"] { th scope="col" { (name) } } } }
                    tbody { @for metric in &full.metrics { (reading(metric)) } }
                }
            }
            ul.saw { @for metric in &full.metrics { li.age { (metric.name) ": " (metric.calibration) } } }
        }
    }
}

fn reading(metric: &MetricReading) -> Markup {
    let MetricReading {
        name,
        canary,
        stable,
        ratio,
        against,
        safe,
        ..
    } = metric;
    let interval = &ratio.interval;
    html! {
        tr {
            th scope="row" { (name) }
            td.num data-of="canary" { (percent(*canary)) }
            td.num data-of="stable" { (percent(*stable)) }
            td.num data-of="ratio" { (short(interval.likely)) " [" (short(interval.low)) ", " (short(interval.high)) "]" }
            td.num data-of="limit" { (short(ratio.limit)) }
            td.num data-of="against" { (odds(against.odds)) " : 1" }
            td.num data-of="for" { (odds(safe.odds)) " : 1" }
        }
    }
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent.abs() {
        // Two digits would be none.
        small if small < 0.1 => format!("{}%", figure(percent)),
        _ => format!("{}%", short(percent)),
    }
}

/// What would have changed it, what did not count, and what is to be known.
fn beside(full: &FullRuling) -> Markup {
    let dropped = |dropped: &DroppedTicks| {
        let when = match dropped.ticks {
            1 => format!("1 tick after {}", minutes(dropped.from / 60.0)),
            ticks => format!(
                "{ticks} ticks from {} to {}",
                minutes(dropped.from / 60.0),
                minutes(dropped.to / 60.0)
            ),
        };
        format!("{when} did not count: {}", dropped.why.why())
    };
    html! {
        @if !full.why_not.is_empty() {
            h3 { "What would have changed it" }
            ul.saw { @for line in &full.why_not { li { (line) } } }
        }
        @if !full.dropped.is_empty() || !full.notes.is_empty() {
            h3 { "What to know of the data" }
            ul.saw {
                @for note in &full.notes { li { (note) } }
                @for one in &full.dropped { li { (dropped(one)) } }
            }
        }
    }
}
