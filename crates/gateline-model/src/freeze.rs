//! Freezes: times in which stages admit nothing, once or again and again. Half-open. Knows no clock.

use jiff::{Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::window::is_false;
use crate::{
    CalendarName, Calendars, ChangeKind, FreezeName, LOOK_AHEAD_DAYS, PipelineRef, PromotionKind, StageName,
    StageRef, Stretch, Unknown, Window, Zone,
};

/// A time in which stages admit nothing without an override.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Freeze {
    /// Its name within the project.
    pub name: FreezeName,
    /// Only this pipeline; every pipeline of the project where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<PipelineRef>,
    /// Only these stages; the stages marked `production` where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageName>,
    /// First moment of the freeze.
    pub from: Timestamp,
    /// First moment after it.
    pub until: Timestamp,
    /// At which times in between it holds; at all of them where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurs: Option<Recurs>,
    /// Kinds of change that pass all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exempt: Vec<ChangeKind>,
    /// Whether it holds a rollback too.
    #[serde(default, skip_serializing_if = "is_false")]
    pub applies_to_rollback: bool,
}

/// Times that come again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Recurs {
    /// Hours of days, as windows have them.
    Hours(Window),
    /// The days of a calendar of the project.
    Calendar {
        /// Which.
        name: CalendarName,
        /// Where its days begin and end.
        zone: Zone,
    },
}

impl Recurs {
    /// The time that `at` is in, or the next one after it.
    fn next(&self, at: Timestamp, calendars: &Calendars) -> Result<Option<Stretch>, Unknown> {
        match self {
            Recurs::Hours(window) => window.next_kept_out(at, calendars),
            Recurs::Calendar { name, zone } => {
                let calendar = calendars
                    .get(name)
                    .ok_or_else(|| Unknown::Calendar(name.clone()))?;
                let now = Stretch { from: at, until: at };
                calendar.says_of(name, now, zone)?;
                let days = calendar.stretches(zone);
                Ok(days.filter(|day| at < day.until).min())
            }
        }
    }

    /// The calendars that it names.
    pub fn calendars(&self) -> &[CalendarName] {
        match self {
            Recurs::Hours(window) => &window.holidays,
            Recurs::Calendar { name, .. } => std::slice::from_ref(name),
        }
    }

    /// The zone that its times are in.
    pub fn zone(&self) -> &Zone {
        match self {
            Recurs::Hours(window) => &window.zone,
            Recurs::Calendar { zone, .. } => zone,
        }
    }

    /// When it is, as one line.
    pub fn says(&self) -> String {
        match self {
            Recurs::Hours(window) => window.says(),
            Recurs::Calendar { name, zone } => format!("on the days of calendar {name}, {zone}"),
        }
    }
}

impl Freeze {
    /// Whether the freeze is about this stage: the ones it names, or those of production where it names none.
    pub fn concerns(&self, stage: &StageRef, production: bool) -> bool {
        let here = if self.stages.is_empty() {
            production
        } else {
            self.stages.contains(&stage.stage)
        };
        here && self
            .pipeline
            .as_ref()
            .is_none_or(|of| *of == stage.pipeline_ref())
    }

    /// Whether it holds promotions of this kind, with this change.
    pub fn holds(&self, promotion: PromotionKind, change: ChangeKind) -> bool {
        match promotion {
            PromotionKind::Forward => !self.exempt.contains(&change),
            PromotionKind::Rollback => self.applies_to_rollback,
        }
    }

    /// The frozen time that `at` is in, or the next one after it; `None` when there is none any more.
    ///
    /// # Errors
    /// [`Unknown`] when a calendar is not there, or says nothing of a day that matters.
    pub fn next(&self, at: Timestamp, calendars: &Calendars) -> Result<Option<Stretch>, Unknown> {
        let Some(recurs) = &self.recurs else {
            let whole = Stretch::new(self.from, self.until);
            return Ok(whole.filter(|whole| at < whole.until));
        };
        if self.until <= at {
            return Ok(None);
        }
        let next = recurs.next(at.max(self.from), calendars)?;
        Ok(next.and_then(|next| Stretch::new(next.from.max(self.from), next.until.min(self.until))))
    }

    /// The frozen time that a moment is in. A freeze whose calendar says nothing holds: nobody knows better.
    pub fn in_force(&self, at: Timestamp, calendars: &Calendars) -> Option<Stretch> {
        if !(self.from <= at && at < self.until) {
            return None;
        }
        let found = self.next(at, calendars).unwrap_or_else(|_| {
            let end = at.checked_add(i64::from(LOOK_AHEAD_DAYS).saturating_mul(24).hours());
            Stretch::new(self.from, end.map_or(self.until, |end| end.min(self.until)))
        });
        found.filter(|found| found.contains(at))
    }

    /// Whether the freeze is in force at this moment.
    pub fn is_in_force(&self, at: Timestamp, calendars: &Calendars) -> bool {
        self.in_force(at, calendars).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn weekends() -> Freeze {
        Freeze {
            name: "weekends".parse().unwrap(),
            pipeline: None,
            stages: Vec::new(),
            from: at("2026-11-21T00:00:00Z"),
            until: at("2026-12-05T12:00:00Z"),
            recurs: Some(Recurs::Hours(Window {
                zone: Zone::utc(),
                days: vec!["sat".parse().unwrap(), "sun".parse().unwrap()],
                months: Vec::new(),
                from: "00:00".parse().unwrap(),
                to: "24:00".parse().unwrap(),
                holidays: Vec::new(),
                applies_to_rollback: false,
            })),
            exempt: vec![ChangeKind::Hotfix],
            applies_to_rollback: false,
        }
    }

    #[test]
    fn a_recurring_freeze_holds_in_its_hours_only_and_ends_with_its_end() {
        let (freeze, none) = (weekends(), Calendars::new());
        let in_force = |text: &str| freeze.is_in_force(at(text), &none);
        assert!(in_force("2026-11-21T00:00:00Z"));
        assert!(!in_force("2026-11-23T00:00:00Z"));
        assert!(in_force("2026-12-05T11:59:59Z"));
        assert!(!in_force("2026-12-05T12:00:00Z"));
        let last = freeze.next(at("2026-12-01T00:00:00Z"), &none).unwrap().unwrap();
        assert_eq!(
            (last.from, last.until),
            (at("2026-12-05T00:00:00Z"), freeze.until)
        );
        assert_eq!(freeze.next(freeze.until, &none), Ok(None));
    }

    #[test]
    fn what_is_exempt_passes_and_a_rollback_does_by_default() {
        let freeze = weekends();
        assert!(freeze.holds(PromotionKind::Forward, ChangeKind::Feature));
        assert!(!freeze.holds(PromotionKind::Forward, ChangeKind::Hotfix));
        assert!(!freeze.holds(PromotionKind::Rollback, ChangeKind::Feature));
        let strict = Freeze {
            applies_to_rollback: true,
            ..weekends()
        };
        assert!(strict.holds(PromotionKind::Rollback, ChangeKind::Hotfix));
    }

    #[test]
    fn a_freeze_in_an_hour_that_happens_twice_holds_both_times() {
        let mut freeze = weekends();
        freeze.until = at("2027-12-01T00:00:00Z");
        let Some(Recurs::Hours(hours)) = &mut freeze.recurs else {
            panic!("it has hours");
        };
        hours.zone = "Europe/Berlin".parse().unwrap();
        (hours.from, hours.to) = ("02:00".parse().unwrap(), "02:30".parse().unwrap());
        // On 2027-10-31 clocks show 02:00 to 03:00 twice.
        for (moment, frozen) in [
            ("2027-10-30T23:59:59Z", false),
            ("2027-10-31T00:00:00Z", true),
            ("2027-10-31T00:29:59Z", true),
            ("2027-10-31T01:00:00Z", true),
            ("2027-10-31T01:29:59Z", true),
            ("2027-10-31T01:30:00Z", false),
        ] {
            assert_eq!(
                freeze.is_in_force(at(moment), &Calendars::new()),
                frozen,
                "{moment}"
            );
        }
    }

    #[test]
    fn a_freeze_whose_calendar_is_gone_holds() {
        let freeze = Freeze {
            recurs: Some(Recurs::Calendar {
                name: "sales".parse().unwrap(),
                zone: Zone::utc(),
            }),
            ..weekends()
        };
        assert!(freeze.next(freeze.from, &Calendars::new()).is_err());
        assert!(freeze.is_in_force(freeze.from, &Calendars::new()));
        assert!(!freeze.is_in_force(freeze.until, &Calendars::new()));
    }
}
