//! What is shown of a ruling, in words: the same on the page, in the terminal and in a letter.

use super::{FullRuling, Meter, MetricReading};
use crate::RulingKind;

impl FullRuling {
    /// The metric that is drawn: the one with the most evidence against the release.
    pub fn drawn(&self) -> Option<(usize, &MetricReading)> {
        let all = self.metrics.iter().enumerate();
        // The first of equals: errors stand first.
        all.rev()
            .max_by(|(_, one), (_, other)| one.against.odds.total_cmp(&other.against.odds))
    }

    /// How long a good release still needs, as a sentence; none where it is over or nothing can be said.
    pub fn forecast(&self) -> Option<String> {
        let exposure = &self.numbers.exposure;
        let more = exposure.minutes_more?;
        let open = matches!(self.ruling, RulingKind::Wait | RulingKind::Inconclusive);
        let weight = short(exposure.weight);
        let too_few = exposure.too_few_minutes().filter(|left| *left > 0.0);
        if let (RulingKind::Wait, Some(left)) = (self.ruling, too_few) {
            return Some(format!(
                "A good release needs about {more:.0} more minutes at {weight}%; in {left:.0} it is inconclusive."
            ));
        }
        open.then(|| match more {
            more if more < 1.0 => format!("Needs less than a minute more at {weight}%."),
            more if more < 1.5 => format!("Needs about 1 more minute at {weight}%."),
            more => format!("Needs about {more:.0} more minutes at {weight}%."),
        })
    }
}

impl Meter {
    /// The odds, with what they decide at.
    pub fn says(self) -> String {
        format!("{} to 1, decides at {}", odds(self.odds), self.bar_says())
    }

    /// The odds that decide: 20, 12.5.
    pub fn bar_says(self) -> String {
        let text = format!("{:.1}", self.bar);
        text.strip_suffix(".0").unwrap_or(&text).to_owned()
    }

    /// Whether it decides.
    pub fn decides(self) -> bool {
        self.odds >= self.bar
    }
}

/// Odds as people read them: 0.85, 1.2, 39, 4e12.
pub fn odds(odds: f64) -> String {
    match odds {
        large if large >= 1e6 => format!("{large:.0e}"),
        small => short(small),
    }
}

/// Two digits that count: 1.9, 12, 0.13.
pub fn short(value: f64) -> String {
    let decimals = match value.abs() {
        large if large >= 9.95 => 0,
        middle if middle >= 0.95 => 1,
        _ => 2,
    };
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// Four digits that count, however small: 0.2156, 0.004123, 1024.
pub fn figure(value: f64) -> String {
    let text = format!("{value:.3e}");
    let exponent = text
        .split_once('e')
        .and_then(|(_, exponent)| exponent.parse::<i32>().ok());
    match exponent {
        Some(small @ -9..=3) => {
            let decimals = usize::try_from(3 - small).unwrap_or_default();
            let text = format!("{value:.decimals$}");
            match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
                false => text,
            }
        }
        Some(4..=15) => format!("{value:.0}"),
        Some(_) => text,
        // Not a number, or without end.
        None => value.to_string(),
    }
}

/// Minutes as people say them.
pub fn minutes(minutes: f64) -> String {
    if minutes < 1.0 {
        format!("{:.0} s", minutes * 60.0)
    } else if minutes < 10.0 {
        format!("{} min", short(minutes))
    } else {
        format!("{minutes:.0} min")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_long_as_they_are_exact() {
        assert_eq!(
            [0.126, 1.0, 1.94, 9.96, 12.4, 0.0].map(short),
            ["0.13", "1", "1.9", "10", "12", "0"]
        );
        assert_eq!(
            [
                0.21561338289962823,
                0.004,
                0.000_412_349,
                1024.0,
                12.5,
                0.0,
                1e6,
                2.5e-12,
                f64::NAN
            ]
            .map(figure),
            [
                "0.2156",
                "0.004",
                "0.0004123",
                "1024",
                "12.5",
                "0",
                "1000000",
                "2.500e-12",
                "NaN"
            ]
        );
        assert_eq!([0.75, 4.5, 35.2].map(minutes), ["45 s", "4.5 min", "35 min"]);
        assert_eq!([0.851, 12.52, 4e7].map(odds), ["0.85", "13", "4e7"]);
    }

    #[test]
    fn a_meter_says_its_odds_and_what_decides() {
        let meter = Meter { odds: 1.2, bar: 12.5 };
        assert_eq!(
            (meter.says().as_str(), meter.decides()),
            ("1.2 to 1, decides at 12.5", false)
        );
    }
}
