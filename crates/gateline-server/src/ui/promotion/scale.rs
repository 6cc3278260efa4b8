//! The scale of a plot: from moments and values to places in the picture, and the lines that everything is read by.

use jiff::Timestamp;
use maud::{Markup, html};

use super::points::Point;

pub(super) const WIDTH: f64 = 620.0;
pub(super) const HEIGHT: f64 = 150.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 22.0;
/// Room for the name of a weight.
const LABEL: f64 = 48.0;

/// From moments and values to places in the picture.
pub(super) struct Scale {
    from: Timestamp,
    millis: f64,
    top: f64,
}

impl Scale {
    pub(super) fn of(points: &[Point], limit: Option<f64>, first: Timestamp, last: Timestamp) -> Self {
        let values = points
            .iter()
            .flat_map(|point| [point.canary, point.stable])
            .flatten();
        let highest = values.chain(limit).fold(0.0, f64::max);
        let millis = (last.as_millisecond() - first.as_millisecond()).max(1) as f64;
        Self {
            from: first,
            millis,
            top: round_up(highest * 1.15),
        }
    }

    fn x(&self, at: Timestamp) -> f64 {
        let share = (at.as_millisecond() - self.from.as_millisecond()) as f64 / self.millis;
        place(LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT))
    }

    fn y(&self, value: f64) -> f64 {
        place(TOP + (1.0 - value / self.top) * (HEIGHT - TOP - BOTTOM))
    }

    /// A gap in the values is bridged: the table names it.
    pub(super) fn line(&self, points: &[Point], value: impl Fn(&Point) -> Option<f64>) -> String {
        let places = points
            .iter()
            .filter_map(|point| Some(format!("{},{}", self.x(point.at), self.y(value(point)?))));
        places.collect::<Vec<_>>().join(" ")
    }

    pub(super) fn last(&self, points: &[Point]) -> Option<(f64, f64)> {
        let last = points.iter().rev().find(|point| point.canary.is_some())?;
        Some((self.x(last.at), self.y(last.canary?)))
    }

    pub(super) fn grid(&self, unit: &str) -> Markup {
        html! {
            @for value in [0.0, self.top / 2.0, self.top] {
                line.grid x1=(LEFT) x2=(WIDTH - RIGHT) y1=(self.y(value)) y2=(self.y(value)) {}
                text x=(LEFT - 6.0) y=(self.y(value) + 4.0) text-anchor="end" { (figure(value)) (unit) }
            }
        }
    }

    /// A line where each weight began; its name below, where there is room for it.
    pub(super) fn weights(&self, weights: &[(Timestamp, String)]) -> Markup {
        let mut free_from = 0.0;
        let mut named = Vec::new();
        for (at, weight) in weights {
            let x = self.x(*at);
            // What begins at the very end would stand outside: its name goes to the other side.
            let (place, anchor) = if x > WIDTH - LABEL {
                (x - 4.0, "end")
            } else {
                (x + 4.0, "start")
            };
            let left = if anchor == "end" { x - LABEL } else { x };
            let name = (left >= free_from).then_some((place, anchor, weight));
            if name.is_some() {
                free_from = left + LABEL;
            }
            named.push((x, name));
        }
        html! {
            @for (x, name) in named {
                line.weight x1=(x) x2=(x) y1=(TOP - 8.0) y2=(HEIGHT - BOTTOM) {}
                @if let Some((place, anchor, weight)) = name { text x=(place) y=(HEIGHT - 6.0) text-anchor=(anchor) { (weight) } }
            }
        }
    }

    pub(super) fn limit(&self, limit: f64, unit: &str) -> Markup {
        let y = self.y(limit);
        html! {
            line.limit x1=(LEFT) x2=(WIDTH - RIGHT) y1=(y) y2=(y) {}
            text.limit x=(WIDTH - RIGHT) y=(y - 5.0) text-anchor="end" { "limit " (figure(limit)) (unit) }
        }
    }
}

/// A tenth of a pixel is fine enough, and keeps the page small.
fn place(value: f64) -> f64 {
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
pub(super) fn figure(value: f64) -> String {
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
    fn weights_that_begin_together_are_named_once() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let scale = Scale::of(&[], None, at(0), at(600));
        let weights: Vec<_> = [(0, "5%"), (1, "25%"), (300, "50%"), (600, "back")]
            .map(|(second, weight)| (at(second), weight.to_owned()))
            .into();
        let drawn = scale.weights(&weights).into_string();
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
