//! The watch: looks at a release for a declared time after it was verified, and what they come to. And the noise of a
//! threshold: how often it would have fired while nothing was wrong.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Digest, Gate, Span};

/// Most looks of one check in one watch: each leaves evidence.
pub const WATCH_LOOKS_MAX: i64 = 1_000;
/// The shortest time between two looks of a watch.
pub const WATCH_EVERY_MIN: Span = Span::from_secs(1);
/// More false alarms a week than this are warned of: people who are woken for nothing every week stop looking.
pub const FALSE_ALARMS_PER_WEEK_MAX: f64 = 1.0;
/// How far back the noise of a threshold is measured at most.
pub const NOISE_BACK_MAX: Span = Span::from_secs(7 * 86_400);
/// Less healthy time than this says nothing of a threshold's noise.
pub const NOISE_TIME_MIN: Span = Span::from_secs(3_600);
/// Looks into the past for one threshold at most; a longer past has a longer step between them.
pub const NOISE_LOOKS_MAX: i64 = 10_000;

/// A week, in seconds.
const WEEK_SECS: f64 = 7.0 * 86_400.0;

/// What a stage looks at after a release went live, for how long, and what happens when it fails.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Watch {
    /// How long, from the moment when the release is live and verified.
    pub r#for: Span,
    /// Time between two looks of a check.
    #[serde(default = "Watch::every_default")]
    pub every: Span,
    /// The checks.
    pub gates: Vec<Gate>,
    /// How many looks of one check must fail one after the other before the watch has failed. An errored look is neither
    /// counted nor does it begin the count anew.
    #[serde(default = "Watch::in_a_row_default")]
    pub in_a_row: u32,
    /// What happens then.
    #[serde(default)]
    pub then: WatchThen,
}

impl Watch {
    /// A minute: soon enough to go back while it matters, seldom enough to be read afterwards.
    pub fn every_default() -> Span {
        Span::from_secs(60)
    }

    /// One: what a person wrote as the limit is the limit.
    pub fn in_a_row_default() -> u32 {
        1
    }
}

/// What happens when a watch fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WatchThen {
    /// The release that was live before comes back, and the watched one is barred.
    #[default]
    RollBack,
    /// An incident is opened.
    Incident,
    /// It is recorded, and told where the rules of notifications say so.
    Tell,
}

impl WatchThen {
    /// The word, as JSON writes it.
    pub fn word(self) -> &'static str {
        match self {
            WatchThen::RollBack => "roll_back",
            WatchThen::Incident => "incident",
            WatchThen::Tell => "tell",
        }
    }
}

/// What one look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LookOutcome {
    /// The check is satisfied.
    Passed,
    /// The world said no.
    Failed,
    /// It could not be found out: neither healthy nor failed.
    Errored,
}

impl LookOutcome {
    /// The word, as JSON writes it.
    pub fn word(self) -> &'static str {
        match self {
            LookOutcome::Passed => "passed",
            LookOutcome::Failed => "failed",
            LookOutcome::Errored => "errored",
        }
    }
}

/// How many looks found what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Looks {
    /// The check was satisfied.
    pub passed: u32,
    /// It was not.
    pub failed: u32,
    /// It could not be found out.
    pub errored: u32,
}

impl Looks {
    /// Counts one more.
    pub fn count(&mut self, outcome: LookOutcome) {
        match outcome {
            LookOutcome::Passed => self.passed += 1,
            LookOutcome::Failed => self.failed += 1,
            LookOutcome::Errored => self.errored += 1,
        }
    }

    /// Both together.
    pub fn plus(self, other: Looks) -> Looks {
        Looks {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            errored: self.errored + other.errored,
        }
    }
}

impl fmt::Display for Looks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Looks {
            passed,
            failed,
            errored,
        } = self;
        write!(f, "{passed} passed, {failed} failed, {errored} errored")
    }
}

/// How a watch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WatchOutcome {
    /// Its time is over and every check was seen satisfied.
    Passed,
    /// A check failed as often in a row as the stage says.
    Failed,
    /// Its time is over, and of some check nothing was ever found out.
    Inconclusive,
    /// Another rollout began in the stage.
    Superseded,
}

impl WatchOutcome {
    /// The word, as JSON writes it.
    pub fn word(self) -> &'static str {
        match self {
            WatchOutcome::Passed => "passed",
            WatchOutcome::Failed => "failed",
            WatchOutcome::Inconclusive => "inconclusive",
            WatchOutcome::Superseded => "superseded",
        }
    }
}

/// How often a watched threshold would have fired on the stage's own earlier healthy time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Noise {
    /// What was measured: the check with its threshold, and how many looks must fail in a row.
    pub of: Digest,
    /// Beginning of the time that was looked at.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
    /// Time between two looks.
    pub every: Span,
    /// Looks of healthy time for which the source had a number.
    pub looks: u32,
    /// Looks of healthy time for which it had none: they count as nothing.
    pub missing: u32,
    /// How often the watch would have failed.
    pub alarms: u32,
}

impl Noise {
    /// The healthy time of which something is known.
    pub fn time(&self) -> Span {
        self.every.times(i64::from(self.looks))
    }

    /// Whether there was time enough to say anything.
    pub fn tells(&self) -> bool {
        self.time() >= NOISE_TIME_MIN
    }

    /// False alarms a week.
    pub fn per_week(&self) -> f64 {
        f64::from(self.alarms) * WEEK_SECS / self.time().as_secs_f64().max(1.0)
    }

    /// Whether it fires on noise more often than people put up with: [`FALSE_ALARMS_PER_WEEK_MAX`].
    pub fn is_too_much(&self) -> bool {
        self.tells() && self.per_week() > FALSE_ALARMS_PER_WEEK_MAX
    }

    /// One sentence: how often, in how much time, and how often that is a day or a week.
    pub fn says(&self) -> String {
        let time = self.time();
        let missing = match self.missing {
            0 => String::new(),
            1 => " (one look without a number counts for nothing)".to_owned(),
            missing => format!(" ({missing} looks without a number count for nothing)"),
        };
        if !self.tells() {
            return format!(
                "its noise is not known: {time} of earlier healthy time is too little, {NOISE_TIME_MIN} is the least{missing}"
            );
        }
        let often = match self.alarms {
            0 => format!("no false alarm in {time} of earlier healthy time"),
            1 => format!("one false alarm in {time} of earlier healthy time"),
            alarms => format!("{alarms} false alarms in {time} of earlier healthy time"),
        };
        let week = self.per_week();
        let rate = match self.alarms {
            0 => String::new(),
            _ if week >= 7.0 => format!(", {:.1} a day", week / 7.0),
            _ => format!(", {week:.1} a week"),
        };
        let too_much = match self.is_too_much() {
            true => format!(
                ": more than {FALSE_ALARMS_PER_WEEK_MAX} a week, so that people will stop believing it"
            ),
            false => String::new(),
        };
        format!("{often}{rate}{too_much}{missing}")
    }
}

/// What measuring the noise of a threshold came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoiseFound {
    /// It was measured.
    Measured(Noise),
    /// It could not be, and why.
    NotKnown(String),
}

impl NoiseFound {
    /// One sentence.
    pub fn says(&self) -> String {
        match self {
            NoiseFound::Measured(noise) => noise.says(),
            NoiseFound::NotKnown(why) => format!("its noise is not known: {why}"),
        }
    }

    /// Whether it fires on noise more often than people put up with.
    pub fn is_too_much(&self) -> bool {
        match self {
            NoiseFound::Measured(noise) => noise.is_too_much(),
            NoiseFound::NotKnown(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(alarms: u32, looks: u32) -> Noise {
        Noise {
            of: Digest::of(b"threshold"),
            from: Timestamp::UNIX_EPOCH,
            until: Timestamp::UNIX_EPOCH,
            every: Span::from_secs(60),
            looks,
            missing: 0,
            alarms,
        }
    }

    #[test]
    fn one_false_alarm_a_week_is_put_up_with_and_more_are_not() {
        let week = 7 * 24 * 60;
        assert!(!noise(1, week).is_too_much());
        assert!(noise(2, week).is_too_much());
        assert!(
            noise(2, week).says().contains("2.0 a week"),
            "{}",
            noise(2, week).says()
        );
        assert!(noise(70, week).says().contains("10.0 a day"));
        assert!(noise(0, week).says().starts_with("no false alarm in 7d"));
    }

    #[test]
    fn too_little_time_tells_nothing_and_warns_of_nothing() {
        let little = noise(5, 59);
        assert!(!little.is_too_much() && little.says().contains("not known"));
        assert!(noise(5, 60).is_too_much());
    }

    #[test]
    fn words_are_those_of_the_stored_form() {
        for outcome in [
            WatchOutcome::Passed,
            WatchOutcome::Failed,
            WatchOutcome::Inconclusive,
            WatchOutcome::Superseded,
        ] {
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.word());
        }
        for outcome in [LookOutcome::Passed, LookOutcome::Failed, LookOutcome::Errored] {
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.word());
        }
        for then in [WatchThen::RollBack, WatchThen::Incident, WatchThen::Tell] {
            assert_eq!(serde_json::to_value(then).unwrap(), then.word());
        }
    }
}
