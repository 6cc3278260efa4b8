//! Numbers that a gate asks for, each with its limit, its unit and what the live release has.
//! Knows no kind of gate: what it means that one is over or missing is for the kind to say.

use super::Says;
use crate::threshold::Threshold;

/// What a number measures. Each has the units that a limit may be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// Milliseconds.
    Millis,
    /// Seconds.
    Seconds,
    /// Percent.
    Percent,
    /// Percent in an hour.
    PercentPerHour,
    /// A count.
    Count,
    /// Times in a second.
    PerSecond,
}

impl Measure {
    /// The unit of the numbers that are judged and shown.
    fn unit(self) -> &'static str {
        match self {
            Measure::Millis => "ms",
            Measure::Seconds => "s",
            Measure::Percent => "%",
            Measure::PercentPerHour => "%/h",
            Measure::Count => "",
            Measure::PerSecond => "/s",
        }
    }

    /// The units that a limit may have: what a number is multiplied with and divided by to be in it. Two whole
    /// numbers, because 0.001 is none that a computer can hold.
    fn units(self) -> &'static [(&'static str, f64, f64)] {
        match self {
            Measure::Millis => &[
                ("ms", 1.0, 1.0),
                ("s", 1.0, 1_000.0),
                ("us", 1_000.0, 1.0),
                ("\u{b5}s", 1_000.0, 1.0),
            ],
            Measure::Seconds => &[
                ("s", 1.0, 1.0),
                ("ms", 1_000.0, 1.0),
                ("m", 1.0, 60.0),
                ("h", 1.0, 3_600.0),
                ("d", 1.0, 86_400.0),
            ],
            Measure::Percent => &[("%", 1.0, 1.0)],
            Measure::PercentPerHour => &[("%/h", 1.0, 1.0), ("%", 1.0, 1.0)],
            Measure::Count => &[("", 1.0, 1.0)],
            Measure::PerSecond => &[("", 1.0, 1.0), ("/s", 1.0, 1.0), ("rps", 1.0, 1.0)],
        }
    }

    /// Refuses a limit in a unit that the measure does not have.
    fn check(self, field: &str, limit: &Threshold) -> Result<(), String> {
        if self.units().iter().any(|(unit, ..)| *unit == limit.unit()) {
            return Ok(());
        }
        let known: Vec<String> = self
            .units()
            .iter()
            .map(|(unit, ..)| match *unit {
                "" => "none".to_owned(),
                unit => format!("`{unit}`"),
            })
            .collect();
        let known = known.join(", ");
        Err(match limit.unit() {
            "" => format!("{field}: `{limit}` has no unit; it may be {known}"),
            unit => format!("{field}: `{unit}` is no unit of it; it may be {known}"),
        })
    }

    /// Whether a number, in the measure's own unit, is within a limit. Not if the limit has a foreign unit.
    fn holds(self, limit: &Threshold, value: f64) -> bool {
        self.units()
            .iter()
            .find(|(unit, ..)| *unit == limit.unit())
            .is_some_and(|(_, times, by)| limit.holds(value * times / by))
    }

    /// A number with its unit, as people read it.
    pub(super) fn shown(self, value: f64) -> String {
        let space = if matches!(self, Measure::Millis | Measure::Seconds) {
            " "
        } else {
            ""
        };
        format!("{}{space}{}", short(value), self.unit())
    }
}

/// A number with as many digits as a person can use.
pub(super) fn short(value: f64) -> String {
    let digits = if value.abs() < 1.0 { 1_000.0 } else { 10.0 };
    format!("{}", (value * digits).round() / digits)
}

/// One number that a gate asks for.
pub(super) struct Asked<'a> {
    pub name: &'static str,
    pub limit: &'a Threshold,
    pub measure: Measure,
    /// What the evidence has; `None` where it says nothing.
    pub value: Option<f64>,
    /// What the live release's evidence has.
    pub live: Option<f64>,
}

/// All numbers that a gate asks for, held against their limits.
#[derive(Default)]
pub(super) struct Weighed {
    /// What is over its limit, one text each.
    pub over: Vec<String>,
    /// What is within, likewise.
    pub within: Vec<String>,
    /// What the evidence says nothing of.
    pub missing: Vec<&'static str>,
    /// A line for each that the evidence speaks of, those over their limit first.
    pub lines: Vec<String>,
    numbers: Vec<(&'static str, f64, &'static str, String)>,
}

impl Weighed {
    pub(super) fn of<'a>(asked: impl IntoIterator<Item = Asked<'a>>) -> Self {
        let mut weighed = Weighed::default();
        for asked in asked {
            weighed.weigh(&asked);
        }
        weighed
    }

    /// Holds the limits that there are against the numbers in the same order: the evidence's, and the live release's.
    pub(super) fn of_rows<const N: usize>(
        rows: [Row<'_>; N],
        values: [(Option<f64>, Option<f64>); N],
    ) -> Self {
        let asked = rows.into_iter().zip(values);
        Self::of(asked.filter_map(|((name, measure, limit), (value, live))| {
            Some(Asked {
                name,
                limit: limit?,
                measure,
                value,
                live,
            })
        }))
    }

    fn weigh(&mut self, asked: &Asked<'_>) {
        let Asked {
            name,
            limit,
            measure,
            value,
            live,
        } = *asked;
        let Some(value) = value else {
            return self.missing.push(name);
        };
        let text = format!("{name} {}, limit {limit}", measure.shown(value));
        let before = live.map(|live| {
            let change = match value - live {
                0.0 => "the same".to_owned(),
                change if change > 0.0 => format!("{} more", measure.shown(change)),
                change => format!("{} less", measure.shown(-change)),
            };
            format!("; {} in the live release, {change}", measure.shown(live))
        });
        let line = format!("{text}{}", before.unwrap_or_default());
        self.numbers
            .push((name, value, measure.unit(), limit.to_string()));
        if measure.holds(limit, value) {
            self.within.push(text);
            self.lines.push(line);
        } else {
            self.lines.insert(self.over.len(), line);
            self.over.push(text);
        }
    }

    /// Adds the numbers.
    pub(super) fn tell(self, says: Says) -> Says {
        self.numbers
            .into_iter()
            .fold(says, |says, (name, value, unit, limit)| {
                says.number(name, value, unit, Some(limit))
            })
    }
}

/// A limit that a gate may have: its field, what it measures, and the limit where there is one.
pub(super) type Row<'a> = (&'static str, Measure, Option<&'a Threshold>);

/// Refuses limits in a wrong unit.
pub(super) fn check(rows: &[Row<'_>]) -> Result<(), String> {
    rows.iter().try_for_each(|(field, measure, limit)| match limit {
        Some(limit) => measure.check(field, limit),
        None => Ok(()),
    })
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case(Measure::Millis, "<= 300 ms", 300.0, true)]
    #[test_case(Measure::Millis, "<= 0.3 s", 300.0, true)]
    #[test_case(Measure::Millis, "<= 0.3s", 300.1, false)]
    #[test_case(Measure::Millis, "< 300 us", 0.3, false)]
    #[test_case(Measure::Millis, "<= 300 us", 0.3, true)]
    #[test_case(Measure::Seconds, ">= 2h", 7_200.0, true)]
    #[test_case(Measure::Seconds, ">= 2h", 7_199.0, false)]
    #[test_case(Measure::Seconds, "<= 500 ms", 0.5, true)]
    #[test_case(Measure::PerSecond, ">= 50 rps", 50.0, true)]
    #[test_case(Measure::Count, ">= 50 rps", 60.0, false; "a foreign unit never holds")]
    fn a_number_is_held_against_a_limit_in_its_unit(
        measure: Measure,
        limit: &str,
        value: f64,
        expected: bool,
    ) {
        let limit: Threshold = limit.parse().expect("a threshold");
        assert_eq!(measure.holds(&limit, value), expected);
    }

    #[test_case(
        Measure::Millis,
        "<= 300",
        "p95: `<= 300` has no unit; it may be `ms`, `s`, `us`, `\u{b5}s`"
    )]
    #[test_case(Measure::Percent, "<= 1 ms", "p95: `ms` is no unit of it; it may be `%`")]
    #[test_case(Measure::Count, "<= 1%", "p95: `%` is no unit of it; it may be none")]
    fn a_wrong_unit_is_named_with_those_that_are_right(measure: Measure, limit: &str, says: &str) {
        let limit: Threshold = limit.parse().expect("a threshold");
        assert_eq!(measure.check("p95", &limit), Err(says.to_owned()));
    }

    #[test]
    fn what_is_over_stands_first() {
        let limit: Threshold = "<= 1 s".parse().expect("a threshold");
        let asked = |name, value| Asked {
            name,
            limit: &limit,
            measure: Measure::Seconds,
            value,
            live: Some(1.0),
        };
        let weighed = Weighed::of([
            asked("a", Some(0.5)),
            asked("b", Some(2.0)),
            asked("c", None),
            asked("d", Some(f64::NAN)),
        ]);
        assert_eq!(weighed.missing, ["c"]);
        assert_eq!(weighed.within, ["a 0.5 s, limit <= 1 s"]);
        let lines = &weighed.lines;
        assert_eq!(lines[0], "b 2 s, limit <= 1 s; 1 s in the live release, 1 s more");
        assert!(lines[1].starts_with("d NaN s"), "{lines:?}");
        assert_eq!(lines.len(), 3);
        let says = weighed.tell(Says::refused("x", ""));
        assert_eq!(says.numbers.len(), 2, "JSON has no word for what is no number");
    }
}
