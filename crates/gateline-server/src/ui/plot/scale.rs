//! The scale of a plot: from values to places in the picture, and the lines that everything is read by.

use maud::{Markup, html};

use super::{Point, Size};

const LEFT: f64 = 64.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 22.0;
/// Room for the name of a mark.
const LABEL: f64 = 48.0;

/// From values to places in the picture.
pub(super) struct Scale {
    size: Size,
    from: f64,
    length: f64,
    top: f64,
}

impl Scale {
    /// No value is above the ceiling: nor is the grid.
    pub(super) fn of(size: Size, points: &[Point], limit: Option<f64>, ceiling: Option<f64>) -> Self {
        let values = points.iter().flat_map(|point| &point.values).flatten();
        let highest = values.copied().chain(limit).fold(0.0, f64::max);
        let at = |point: Option<&Point>| point.map_or(0.0, |point| point.at);
        let (from, until) = (at(points.first()), at(points.last()));
        Self {
            size,
            from,
            length: if until > from { until - from } else { 1.0 },
            top: round_up(highest * 1.15).min(ceiling.unwrap_or(f64::INFINITY)),
        }
    }

    fn x(&self, at: f64) -> f64 {
        let share = (at - self.from) / self.length;
        place(LEFT + share.clamp(0.0, 1.0) * (self.size.width() - LEFT - RIGHT))
    }

    fn y(&self, value: f64) -> f64 {
        place(TOP + (1.0 - value / self.top) * (self.size.height() - TOP - BOTTOM))
    }

    /// A gap in the values is bridged: the table names it.
    pub(super) fn line(&self, points: &[Point], line: usize) -> String {
        let places = points
            .iter()
            .filter_map(|point| Some(format!("{},{}", self.x(point.at), self.y(point.value(line)?))));
        places.collect::<Vec<_>>().join(" ")
    }

    /// Where the first line ends.
    pub(super) fn last(&self, points: &[Point]) -> Option<(f64, f64)> {
        let last = points.iter().rev().find(|point| point.value(0).is_some())?;
        Some((self.x(last.at), self.y(last.value(0)?)))
    }

    pub(super) fn grid(&self, unit: &str) -> Markup {
        html! {
            @for value in [0.0, self.top / 2.0, self.top] {
                line.grid x1=(LEFT) x2=(self.size.width() - RIGHT) y1=(self.y(value)) y2=(self.y(value)) {}
                text x=(LEFT - 6.0) y=(self.y(value) + 4.0) text-anchor="end" { (figure(value)) (unit) }
            }
        }
    }

    /// A line at each mark; its name below, where there is room for it.
    pub(super) fn marks(&self, marks: &[(f64, String)]) -> Markup {
        let mut free_from = 0.0;
        let mut named = Vec::new();
        for (at, mark) in marks {
            let x = self.x(*at);
            // What begins at the very end would stand outside: its name goes to the other side.
            let (place, anchor) = if x > self.size.width() - LABEL {
                (x - 4.0, "end")
            } else {
                (x + 4.0, "start")
            };
            let left = if anchor == "end" { x - LABEL } else { x };
            let name = (left >= free_from).then_some((place, anchor, mark));
            if name.is_some() {
                free_from = left + LABEL;
            }
            named.push((x, name));
        }
        html! {
            @for (x, name) in named {
                line.mark x1=(x) x2=(x) y1=(TOP - 8.0) y2=(self.size.height() - BOTTOM) {}
                @if let Some((place, anchor, mark)) = name { text x=(place) y=(self.size.height() - 6.0) text-anchor=(anchor) { (mark) } }
            }
        }
    }

    pub(super) fn limit(&self, limit: f64, unit: &str) -> Markup {
        let y = self.y(limit);
        html! {
            line.limit x1=(LEFT) x2=(self.size.width() - RIGHT) y1=(y) y2=(y) {}
            text.limit x=(self.size.width() - RIGHT) y=(y - 5.0) text-anchor="end" { "limit " (figure(limit)) (unit) }
        }
    }
}

/// A tenth of a pixel is fine enough, and keeps the page small.
pub(super) fn place(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// The next number of the form 1, 2 or 5 times a power of ten, so that the grid's numbers are easy to read.
fn round_up(value: f64) -> f64 {
    if !(value > 0.0 && value.is_finite()) {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 4.0, 6.0, 8.0, 10.0];
    steps
        .iter()
        .map(|step| step * power)
        .find(|step| *step >= value)
        .unwrap_or(10.0 * power)
}

/// A number as short as it may be read.
pub(in crate::ui) fn figure(value: f64) -> String {
    if value.fract() == 0.0 || value >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.1}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_that_stand_together_are_named_once() {
        let point = |at| Point {
            at,
            name: html! {},
            values: Vec::new(),
        };
        let scale = Scale::of(Size::Wide, &[point(0.0), point(600.0)], None, None);
        let marks = [(0.0, "5%"), (1.0, "25%"), (300.0, "50%"), (600.0, "back")]
            .map(|(at, mark)| (at, mark.to_owned()));
        let drawn = scale.marks(&marks).into_string();
        assert_eq!(
            (drawn.matches("<line").count(), drawn.matches("<text").count()),
            (4, 3)
        );
        assert!(!drawn.contains("25%") && drawn.contains("back"));
    }

    #[test]
    fn the_grid_ends_at_a_round_number_above_everything() {
        for (value, top) in [
            (0.0, 1.0),
            (0.7, 0.8),
            (1.15, 2.0),
            (345.0, 400.0),
            (9.9, 10.0),
            (f64::NAN, 1.0),
        ] {
            assert!((round_up(value) - top).abs() < 1e-9, "{value}");
        }
    }
}
