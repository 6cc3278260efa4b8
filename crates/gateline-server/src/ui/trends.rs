//! Trends on the page of a pipeline's releases: coverage, findings and the duration of its tests, as small plots.

use gateline_model::PipelineRef;
use maud::{Markup, html};

use super::link;
use super::plot::{Plot, Point, Size, figure, valued};
use super::words::counted;
use crate::views::Reported;

/// Characters of a version under a plot.
const VERSION_CHARS_MAX: usize = 7;

/// Nothing where no release reported any of it.
pub(super) fn trends(of: &PipelineRef, releases: &[Reported]) -> Markup {
    let small = |id, title, unit, columns, values: &dyn Fn(&Reported) -> Vec<Option<f64>>| {
        plot(of, releases, id, title, unit, columns, values)
    };
    let coverage = small(
        "coverage",
        "Lines covered",
        "%",
        &["release", "covered"],
        &|one| vec![one.covered_percent],
    );
    let findings = small(
        "findings",
        "Findings",
        "",
        &["release", "all", "high and critical"],
        &|one| {
            let (all, grave) = one.findings.unzip();
            vec![all.map(drawn), grave.map(drawn)]
        },
    );
    let tests = small(
        "tests",
        "Duration of the tests",
        " s",
        &["release", "took"],
        &|one| vec![one.tests_secs],
    );
    let coverage = Plot {
        ceiling: Some(100.0),
        ..coverage
    };
    let plots = [coverage, findings, tests];
    html! {
        @if plots.iter().any(Plot::is_known) {
            h2 #trends { "Over the last " (counted(releases.len() as u64, "release")) }
            div.trends {
                @for plot in plots {
                    div {
                        h3 { (plot.title) }
                        @if plot.is_known() { p.age { (plot.in_words) } (plot.render()) (legend(plot.columns)) } @else { p.sub { "No release reported it." } }
                    }
                }
            }
        }
    }
}

/// Which line is which, where there is more than one.
fn legend(columns: &[&str]) -> Markup {
    html! {
        @if let [_, first, second] = columns {
            p.legend { span.key-first { "━ " (first) } " " span.key-second { "┅ " (second) } }
        }
    }
}

fn plot<'a>(
    of: &PipelineRef,
    releases: &[Reported],
    id: &'a str,
    title: &'a str,
    unit: &'a str,
    columns: &'a [&'a str],
    values: &dyn Fn(&Reported) -> Vec<Option<f64>>,
) -> Plot<'a> {
    let point = |(index, one): (u64, &Reported)| Point {
        at: drawn(index),
        name: html! { a href=(link::release(of, &one.version)) { (one.version) } },
        values: values(one),
    };
    let mark = |(index, one): (u64, &Reported)| {
        let version = one.version.as_str();
        let name = match version.char_indices().nth(VERSION_CHARS_MAX) {
            Some((end, _)) => format!("{}…", &version[..end]),
            None => version.to_owned(),
        };
        (drawn(index), name)
    };
    let known: Vec<(&Reported, f64)> = releases
        .iter()
        .filter_map(|one| Some((one, values(one).first().copied().flatten()?)))
        .collect();
    Plot {
        id,
        title,
        size: Size::Small,
        unit,
        limit: None,
        ceiling: None,
        points: (0..).zip(releases).map(point).collect(),
        marks: (0..).zip(releases).map(mark).collect(),
        columns,
        in_words: in_words(&known, unit),
    }
}

/// `92.1% in 1.4.0, the last that told; 90% in 1.3.0 before; between 88% and 93% in 12 releases.`
fn in_words(known: &[(&Reported, f64)], unit: &str) -> String {
    let [.., (last, value)] = known else {
        return String::new();
    };
    let mut text = format!("{} in {}", valued(Some(*value), unit), last.version);
    if let [.., (before, value), _] = known {
        text += &format!(", {} in {} before", valued(Some(*value), unit), before.version);
    }
    let values = || known.iter().map(|(_, value)| *value);
    let (least, most) = (
        values().fold(f64::INFINITY, f64::min),
        values().fold(0.0, f64::max),
    );
    if known.len() > 2 {
        text += &format!(
            "; {} to {}{unit} in {}",
            figure(least),
            figure(most),
            counted(known.len() as u64, "release")
        );
    }
    text + "."
}

#[expect(clippy::cast_precision_loss, reason = "it is drawn to the pixel")]
fn drawn(number: u64) -> f64 {
    number as f64
}
