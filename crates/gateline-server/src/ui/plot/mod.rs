//! Plots: lines over one scale, in words for who does not see them, and the same as a table.
//!
//! SVG from the server, without a style of its own: classes only, so that the page's colours apply. Knows nothing of what
//! is drawn.

mod band;
mod scale;

use maud::{Markup, html};

pub(super) use band::Band;
use scale::Scale;
pub(super) use scale::figure;

/// Rows of the table that says the same in words.
const ROWS_MAX: usize = 20;

/// One place across, with a value of each line there.
pub(super) struct Point {
    pub(super) at: f64,
    /// What the table calls it.
    pub(super) name: Markup,
    pub(super) values: Vec<Option<f64>>,
}

impl Point {
    fn value(&self, line: usize) -> Option<f64> {
        self.values.get(line).copied().flatten()
    }
}

/// How much room a plot has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// A whole column.
    Wide,
    /// A third of the page.
    Small,
}

impl Size {
    fn width(self) -> f64 {
        match self {
            Size::Wide => 620.0,
            Size::Small => 380.0,
        }
    }

    fn height(self) -> f64 {
        match self {
            Size::Wide => 150.0,
            Size::Small => 130.0,
        }
    }

    fn class(self) -> &'static str {
        match self {
            Size::Wide => "plot",
            Size::Small => "plot small",
        }
    }
}

/// One plot. The first line is the one to look at.
pub(super) struct Plot<'a> {
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    pub(super) size: Size,
    pub(super) unit: &'a str,
    pub(super) limit: Option<f64>,
    /// What no value can exceed.
    pub(super) ceiling: Option<f64>,
    pub(super) points: Vec<Point>,
    pub(super) marks: Vec<(f64, String)>,
    /// What is across, and the name of each line.
    pub(super) columns: &'a [&'a str],
    pub(super) in_words: String,
}

impl Plot<'_> {
    /// Whether any value is known.
    pub(super) fn is_known(&self) -> bool {
        self.points
            .iter()
            .any(|point| point.values.iter().any(Option::is_some))
    }

    pub(super) fn render(&self) -> Markup {
        let Self {
            id,
            title,
            size,
            unit,
            limit,
            ceiling,
            points,
            marks,
            columns,
            in_words,
        } = self;
        let scale = Scale::of(*size, points, *limit, *ceiling);
        let classes = ["first", "second"];
        let lines = columns.len().saturating_sub(1).min(classes.len());
        html! {
            svg class=(size.class()) viewBox=(format!("0 0 {} {}", size.width(), size.height())) role="img" aria-labelledby={ (id) "-title " (id) "-desc" } {
                title id={ (id) "-title" } { (title) }
                desc id={ (id) "-desc" } { (in_words) }
                (scale.grid(unit))
                (scale.marks(marks))
                @for line in (0..lines).rev() { polyline class=(classes[line]) points=(scale.line(points, line)) {} }
                @if let Some(limit) = limit { (scale.limit(*limit, unit)) }
                @if let Some((x, y)) = scale.last(points) { circle.first cx=(x) cy=(y) r="4" {} }
            }
            (self.table())
        }
    }

    /// The same as a table, a row for each of some points.
    fn table(&self) -> Markup {
        let every = self.points.len().div_ceil(ROWS_MAX).max(1);
        html! {
            details #{ (self.id) "-table" } {
                summary { "The same as a table" }
                table.list {
                    thead { tr { @for name in self.columns { th scope="col" { (name) } } } }
                    tbody {
                        @for point in self.points.iter().rev().step_by(every) {
                            tr { td { (point.name) } @for value in &point.values { td.num { (self.value(*value)) } } }
                        }
                    }
                }
            }
        }
    }

    /// A value with its unit.
    pub(super) fn value(&self, value: Option<f64>) -> String {
        valued(value, self.unit)
    }
}

/// A value with its unit.
pub(super) fn valued(value: Option<f64>, unit: &str) -> String {
    value.map_or("nothing".to_owned(), |value| format!("{}{unit}", figure(value)))
}
