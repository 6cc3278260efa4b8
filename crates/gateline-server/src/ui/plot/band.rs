//! A band: a ratio with its interval over time, on a logarithmic scale, and the weight below it.

use gateline_model::ruling::{BandPoint, Interval, short};
use maud::{Markup, html};

use super::scale::place;
use super::{Plot, Point, Size};

const WIDTH: f64 = 620.0;
const HEIGHT: f64 = 262.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 10.0;
/// Where the ratio's part ends.
const FOOT: f64 = 196.0;
/// The strip of the weight.
const WEIGHT: (f64, f64) = (208.0, 240.0);
/// Points that are drawn at most: a few pixels each.
const POINTS_MAX: usize = 160;
/// Lowest and highest ratios that the scale may reach, as powers of two.
const POWERS: (i32, i32) = (-3, 6);
/// Lines across at most; with more, every second one is left out.
const LINES_MAX: i32 = 6;
/// Room for the name of a weight.
const LABEL: f64 = 40.0;
/// What stands over the table's columns.
const COLUMNS: [&str; 5] = ["after", "likely", "at least", "at most", "weight"];

/// The band of one metric.
pub(in crate::ui) struct Band<'a> {
    pub(in crate::ui) id: String,
    pub(in crate::ui) metric: &'a str,
    pub(in crate::ui) limit: f64,
    points: Vec<&'a BandPoint>,
    index: usize,
}

impl<'a> Band<'a> {
    pub(in crate::ui) fn of(metric: &'a str, index: usize, limit: f64, band: &'a [BandPoint]) -> Self {
        let every = band.len().div_ceil(POINTS_MAX).max(1);
        let mut points: Vec<&BandPoint> = band.iter().step_by(every).collect();
        // What is drawn ends where the record ends.
        if let (Some(last), Some(drawn)) = (band.last(), points.last())
            && drawn.at < last.at
        {
            points.push(last);
        }
        Self {
            id: format!("band-{index}"),
            metric,
            limit,
            points,
            index,
        }
    }

    /// What counted, with its time.
    fn known(&self) -> impl DoubleEndedIterator<Item = (f64, &Interval)> {
        let of = |point: &&'a BandPoint| Some((point.at, point.intervals.get(self.index)?));
        self.points.iter().filter_map(of)
    }

    /// Whether there is anything to draw.
    pub(in crate::ui) fn is_known(&self) -> bool {
        self.known().next().is_some()
    }

    /// The same as the picture says.
    pub(in crate::ui) fn in_words(&self) -> String {
        let (Some((from, first)), Some((until, last))) = (self.known().next(), self.known().next_back())
        else {
            return "Nothing has counted yet.".to_owned();
        };
        let interval = |one: &Interval| format!("{} to {} times", short(one.low), short(one.high));
        let stands = match (last.low > self.limit, last.high < self.limit) {
            (true, _) => "all of it above the limit",
            (_, true) => "all of it below the limit",
            (false, false) => "the limit is within it",
        };
        let weights: Vec<String> = self
            .weights()
            .iter()
            .map(|(at, weight)| format!("{}% from {}", short(*weight), after(*at)))
            .collect();
        format!(
            "Ratio of {} to the stable release: after {} it was {}, after {} it is {}, most likely {}; limit {}, {stands}. Weight: {}.",
            self.metric,
            after(from),
            interval(first),
            after(until),
            interval(last),
            short(last.likely),
            short(self.limit),
            weights.join(", "),
        )
    }

    /// Each weight with the moment of its beginning.
    fn weights(&self) -> Vec<(f64, f64)> {
        let mut weights: Vec<(f64, f64)> = Vec::new();
        for point in &self.points {
            if weights.last().is_none_or(|(_, weight)| *weight != point.weight) {
                weights.push((point.at, point.weight));
            }
        }
        weights
    }

    pub(in crate::ui) fn render(&self) -> Markup {
        let scale = Scale::of(self);
        let Self { id, metric, .. } = self;
        html! {
            svg.plot viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-labelledby={ (id) "-title " (id) "-desc" } {
                title id={ (id) "-title" } { (metric) ", canary ÷ stable" }
                desc id={ (id) "-desc" } { (self.in_words()) }
                (self.warm_up(&scale))
                (scale.grid())
                (self.steps(&scale))
                polygon.band points=(self.area(&scale)) {}
                polyline.first points=(self.line(&scale, |interval| interval.likely)) {}
                @let y = scale.y(self.limit);
                line.limit x1=(LEFT) x2=(WIDTH - RIGHT) y1=(y) y2=(y) {}
                // On the side of the line where the curve does not end.
                @let over = self.known().next_back().is_some_and(|(_, last)| last.likely >= self.limit);
                text.limit x=(WIDTH - RIGHT) y=(if over { y + 14.0 } else { y - 5.0 }) text-anchor="end" { "limit " (short(self.limit)) "×" }
                // On this scale 0 is nowhere: what is below the picture stands at its foot, and is named so.
                @if self.leaves(&scale) { text x=(LEFT + 6.0) y=(FOOT - 4.0) { "at the foot: " (named(2_f64.powi(scale.powers.0))) "× or less" } }
                @if let Some((at, last)) = self.known().next_back() { circle.first cx=(scale.x(at)) cy=(scale.y(last.likely)) r="4" {} }
            }
            (self.table().table())
        }
    }

    /// Whether the likeliest ratio is below what the scale reaches.
    fn leaves(&self, scale: &Scale) -> bool {
        let lowest = 2_f64.powi(scale.powers.0);
        self.known().any(|(_, one)| one.likely < lowest)
    }

    /// The stretch in which nothing counts yet.
    fn warm_up(&self, scale: &Scale) -> Markup {
        let began = self.known().next().map_or(scale.until, |(at, _)| at);
        let wide = place(scale.x(began) - LEFT);
        html! {
            @if wide > 0.0 {
                rect.warm x=(LEFT) y=(TOP) width=(wide) height=(FOOT - TOP) {}
                @if wide > LABEL * 2.0 { text x=(LEFT + 6.0) y=(TOP + 14.0) { "warming up" } }
            }
        }
    }

    /// There along the top of the interval, back along its foot.
    fn area(&self, scale: &Scale) -> String {
        let above = self.known().map(|(at, one)| (at, one.high));
        let below = self.known().rev().map(|(at, one)| (at, one.low));
        let places = above
            .chain(below)
            .map(|(at, value)| format!("{},{}", scale.x(at), scale.y(value)));
        places.collect::<Vec<_>>().join(" ")
    }

    fn line(&self, scale: &Scale, value: fn(&Interval) -> f64) -> String {
        let places = self
            .known()
            .map(|(at, one)| format!("{},{}", scale.x(at), scale.y(value(one))));
        places.collect::<Vec<_>>().join(" ")
    }

    /// The weight over time below, with a line through the picture at each change.
    fn steps(&self, scale: &Scale) -> Markup {
        let (top, foot) = WEIGHT;
        let y = |weight: f64| place(foot - weight.clamp(0.0, 100.0) / 100.0 * (foot - top));
        let weights = self.weights();
        let mut line = Vec::new();
        for (index, (at, weight)) in weights.iter().enumerate() {
            let until = weights.get(index + 1).map_or(scale.until, |(next, _)| *next);
            line.push(format!(
                "{},{} {},{}",
                scale.x(*at),
                y(*weight),
                scale.x(until),
                y(*weight)
            ));
        }
        let mut free_from = 0.0;
        let mut named = Vec::new();
        for (at, weight) in &weights {
            let x = scale.x(*at).min(WIDTH - LABEL);
            let name = (x >= free_from).then(|| format!("{}%", short(*weight)));
            if name.is_some() {
                free_from = x + LABEL;
            }
            named.push((scale.x(*at), x, name));
        }
        html! {
            line.grid x1=(LEFT) x2=(WIDTH - RIGHT) y1=(foot) y2=(foot) {}
            text x=(LEFT - 6.0) y=(foot) text-anchor="end" { "weight" }
            polyline.weight points=(line.join(" ")) {}
            @for (x, place, name) in named {
                @if x > LEFT { line.mark x1=(x) x2=(x) y1=(TOP) y2=(foot) {} }
                @if let Some(name) = name { text x=(place + 3.0) y=(HEIGHT - 6.0) { (name) } }
            }
        }
    }

    /// The same as a table.
    fn table(&self) -> Plot<'_> {
        let row = |point: &&BandPoint| {
            let one = point.intervals.get(self.index);
            Point {
                at: point.at,
                name: html! { (after(point.at)) },
                values: vec![
                    one.map(|one| one.likely),
                    one.map(|one| one.low),
                    one.map(|one| one.high),
                    Some(point.weight),
                ],
            }
        };
        Plot {
            id: &self.id,
            title: self.metric,
            size: Size::Wide,
            unit: "",
            limit: Some(self.limit),
            ceiling: None,
            points: self.points.iter().map(row).collect(),
            marks: Vec::new(),
            columns: &COLUMNS,
            in_words: String::new(),
        }
    }
}

/// A moment of the rollout, from its beginning.
fn after(seconds: f64) -> String {
    gateline_model::ruling::minutes(seconds / 60.0)
}

/// From ratios and seconds to places in the picture.
struct Scale {
    from: f64,
    until: f64,
    /// Powers of two at the foot and at the top.
    powers: (i32, i32),
}

impl Scale {
    /// The limit and the likely ratios are always within; the interval is cut where it leaves the picture.
    fn of(band: &Band<'_>) -> Self {
        let likely = || band.known().map(|(_, one)| one.likely);
        let lowest = likely().fold(0.5, f64::min);
        let highest = likely().fold(2.0 * band.limit, f64::max);
        let power = |ratio: f64| ratio.max(f64::MIN_POSITIVE).log2();
        let at = |point: Option<&&BandPoint>| point.map_or(0.0, |point| point.at);
        let (from, until) = (at(band.points.first()), at(band.points.last()));
        Self {
            from: from.min(0.0),
            until: until.max(from + 1.0),
            powers: (
                ((power(lowest) - 0.5).floor() as i32).clamp(POWERS.0, -1),
                ((power(highest) + 0.25).ceil() as i32).clamp(1, POWERS.1),
            ),
        }
    }

    fn x(&self, at: f64) -> f64 {
        let share = (at - self.from) / (self.until - self.from);
        place(LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT))
    }

    fn y(&self, ratio: f64) -> f64 {
        let (low, high) = (f64::from(self.powers.0), f64::from(self.powers.1));
        let share = (ratio.max(f64::MIN_POSITIVE).log2() - low) / (high - low);
        place(FOOT - share.clamp(0.0, 1.0) * (FOOT - TOP))
    }

    fn grid(&self) -> Markup {
        let (low, high) = self.powers;
        let every = if high - low > LINES_MAX { 2 } else { 1 };
        html! {
            @for power in (low..=high).filter(|power| power % every == 0) {
                @let (y, ratio) = (self.y(2_f64.powi(power)), 2_f64.powi(power));
                line class=(if power == 0 { "even" } else { "grid" }) x1=(LEFT) x2=(WIDTH - RIGHT) y1=(y) y2=(y) {}
                text x=(LEFT - 6.0) y=(y + 4.0) text-anchor="end" { (named(ratio)) "×" }
            }
            text x=(WIDTH - RIGHT) y=(HEIGHT - 6.0) text-anchor="end" { (after(self.until)) }
        }
    }
}

fn named(ratio: f64) -> String {
    match ratio {
        0.5 => "½".to_owned(),
        0.25 => "¼".to_owned(),
        0.125 => "⅛".to_owned(),
        whole => short(whole),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(at: f64, weight: f64, interval: Option<(f64, f64, f64)>) -> BandPoint {
        let interval = interval.map(|(low, likely, high)| Interval { low, high, likely });
        BandPoint {
            at,
            weight,
            intervals: interval.into_iter().collect(),
        }
    }

    fn numbers(points: &str) -> Vec<f64> {
        let both = points.split([' ', ',']);
        both.map(|number| number.parse().unwrap()).collect()
    }

    #[test]
    fn the_band_says_in_words_what_it_draws() {
        let points = [
            point(0.0, 5.0, None),
            point(60.0, 5.0, Some((0.2, 1.4, 9.0))),
            point(270.0, 25.0, Some((0.7, 1.1, 1.9))),
        ];
        let band = Band::of("errors", 0, 2.0, &points);
        assert_eq!(
            band.in_words(),
            "Ratio of errors to the stable release: after 1 min it was 0.2 to 9 times, after 4.5 min it is 0.7 to 1.9 times, \
             most likely 1.1; limit 2, all of it below the limit. Weight: 5% from 0 s, 25% from 4.5 min."
        );
        let drawn = band.render().into_string();
        for part in ["warming up", "limit 2×", "½×", "25%", "errors, canary ÷ stable"] {
            assert!(drawn.contains(part), "{part}\n{drawn}");
        }
        assert!(drawn.contains("below the limit") && !drawn.contains("or less"));
    }

    #[test]
    fn nothing_is_drawn_as_an_eighth_without_saying_so() {
        let points = [
            point(0.0, 5.0, Some((0.0, 0.0, 3.0))),
            point(60.0, 5.0, Some((0.0, 0.0, 1.5))),
        ];
        let drawn = Band::of("errors", 0, 2.0, &points).render().into_string();
        assert!(drawn.contains("at the foot: ⅛× or less"), "{drawn}");
    }

    #[test]
    fn nothing_leaves_the_picture_whatever_the_ratio_is() {
        let points = [
            point(0.0, 5.0, Some((0.0, 0.001, 1e12))),
            point(15.0, 250.0, Some((1e-300, 4e9, f64::INFINITY))),
        ];
        let band = Band::of("errors", 0, 2.0, &points);
        let scale = Scale::of(&band);
        for (index, number) in numbers(&band.area(&scale)).into_iter().enumerate() {
            let within = if index % 2 == 0 {
                LEFT..=WIDTH - RIGHT
            } else {
                TOP..=FOOT
            };
            assert!(within.contains(&number), "{number}");
        }
        assert!(!band.render().into_string().contains("NaN"));
    }

    #[test]
    fn a_long_band_is_drawn_in_few_points_up_to_its_end() {
        let points: Vec<BandPoint> = (0..2_000)
            .map(|at| point(f64::from(at), 5.0, Some((0.5, 1.0, 2.0))))
            .collect();
        let band = Band::of("errors", 0, 2.0, &points);
        assert!(band.points.len() <= POINTS_MAX + 1);
        assert_eq!(band.points.last().unwrap().at, 1_999.0);
    }

    #[test]
    fn where_nothing_counts_there_is_nothing_to_draw() {
        let points = [point(0.0, 5.0, None)];
        assert!(!Band::of("errors", 0, 2.0, &points).is_known());
        assert!(!Band::of("errors", 0, 2.0, &[]).is_known());
    }
}
