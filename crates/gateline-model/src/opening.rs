//! Openings: when what waits for the calendar may go on, as everybody is told.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Span, Zone};

/// The next moment at which windows and freezes let a release in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Opening {
    /// The moment.
    pub at: Timestamp,
    /// By whose clocks it is told.
    pub zone: Zone,
}

impl Opening {
    /// `next opening Mon 2026-03-30 09:00 Europe/Berlin`.
    pub fn says(&self) -> String {
        format!("next opening {}", self.when())
    }

    /// The same, and how far it is: `next opening Mon 2026-03-30 09:00 Europe/Berlin (in 3 days)`.
    pub fn says_from(&self, now: Timestamp) -> String {
        let ahead = match Span::between(now, self.at) {
            Span::ZERO => "now".to_owned(),
            ahead => format!("in {}", roughly(ahead)),
        };
        format!("{} ({ahead})", self.says())
    }

    /// `Mon 2026-03-30 09:00 Europe/Berlin`.
    pub fn when(&self) -> String {
        format!("{} {}", self.zone.shows(self.at), self.zone)
    }
}

/// How long, in the unit that matters to a person.
fn roughly(span: Span) -> String {
    let minutes = span.as_millis().div_euclid(60_000);
    match minutes {
        0 => "under a minute".to_owned(),
        1..120 => format!("{minutes} min"),
        120..2_880 => format!("{} hours", minutes / 60),
        _ => format!("{} days", minutes / 1_440),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opening_is_told_by_its_zones_clocks_and_by_how_far_it_is() {
        let opening = Opening {
            at: "2026-03-30T07:00:00Z".parse().unwrap(),
            zone: "Europe/Berlin".parse().unwrap(),
        };
        for (now, ahead) in [
            ("2026-03-27T05:00:00Z", "in 3 days"),
            ("2026-03-28T08:00:00Z", "in 47 hours"),
            ("2026-03-30T06:15:00Z", "in 45 min"),
            ("2026-03-30T06:59:30Z", "in under a minute"),
            ("2026-03-30T07:00:00Z", "now"),
        ] {
            let says = opening.says_from(now.parse().unwrap());
            assert_eq!(
                says,
                format!("next opening Mon 2026-03-30 09:00 Europe/Berlin ({ahead})")
            );
        }
    }
}
