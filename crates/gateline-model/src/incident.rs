//! Incidents: something is wrong where releases are live, what changed before it began, and what was done about that.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{PromotionId, ReleaseId, Span, StageRef, Version};

/// Most incidents that are open in one project; what comes then is refused until one is closed.
pub const INCIDENTS_OPEN_MAX: usize = 200;
/// Longest name of an incident, in bytes; that of an alert is cut.
pub const INCIDENT_NAME_BYTES_MAX: usize = 200;
/// Most labels of one incident, and of one stage's `match`.
pub const INCIDENT_LABELS_MAX: usize = 64;
/// Longest name or value of a label, in bytes.
pub const INCIDENT_LABEL_BYTES_MAX: usize = 1_024;
/// Most stages that one incident touches.
pub const INCIDENT_STAGES_MAX: usize = 50;
/// Most changes that one incident names as suspects.
pub const SUSPECTS_MAX: usize = 20;
/// So many of them are told at a glance; how many more there are is said.
pub const SUSPECTS_SHOWN_MAX: usize = 5;
/// Most alerts in one delivery.
pub const ALERTS_MAX: usize = 500;
/// Longest time before an incident in which a change can be a suspect.
pub const INCIDENT_WITHIN_MAX: Span = Span::from_secs(14 * 86_400);

/// What an incident means to a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IncidentRules {
    /// Labels that an incident must have, each with just this value, to touch the stage. Without any, only incidents that
    /// name the stage do.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub r#match: BTreeMap<String, String>,
    /// A change is a suspect if it happened so long before the incident began, or later.
    pub within: Span,
    /// What is done about suspects.
    pub then: IncidentThen,
}

impl Default for IncidentRules {
    /// Two hours: most of what a change breaks is broken within the first.
    fn default() -> Self {
        Self {
            r#match: BTreeMap::new(),
            within: Span::from_secs(7_200),
            then: IncidentThen::Pause,
        }
    }
}

impl IncidentRules {
    /// Whether nothing is declared.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether an incident with these labels touches the stage.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        !self.r#match.is_empty()
            && self
                .r#match
                .iter()
                .all(|(name, value)| labels.get(name) == Some(value))
    }
}

/// What is done about the suspects of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IncidentThen {
    /// They are named.
    Tell,
    /// What is rolling out stands still.
    #[default]
    Pause,
    /// The same, and what is live is barred.
    Bar,
    /// What is rolling out is taken back; what is live is barred, and what was live before comes back.
    RollBack,
}

impl IncidentThen {
    /// The word, as JSON writes it.
    pub fn word(self) -> &'static str {
        match self {
            IncidentThen::Tell => "tell",
            IncidentThen::Pause => "pause",
            IncidentThen::Bar => "bar",
            IncidentThen::RollBack => "roll_back",
        }
    }
}

/// Something is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Incident {
    /// Counts the project's incidents from 1.
    pub number: u64,
    /// What it is called: the alert's name, or what its opener wrote.
    pub name: String,
    /// Who says so.
    pub source: IncidentSource,
    /// Its labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The stages that it touches.
    pub stages: Vec<StageRef>,
    /// When it began.
    pub since: Timestamp,
    /// What changed on these stages before it began, the likeliest first.
    pub suspects: Vec<Suspect>,
}

impl Incident {
    /// The suspect that a promotion is.
    pub fn suspect(&self, promotion: &PromotionId) -> Option<&Suspect> {
        self.suspects
            .iter()
            .find(|suspect| suspect.promotion == *promotion)
    }
}

/// Who says that something is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum IncidentSource {
    /// The actor who opened it.
    Actor,
    /// An alert. The same one that is still firing is the same incident.
    Alert {
        /// What its sender knows it by.
        fingerprint: String,
    },
    /// The watch of a release that was live.
    Watch {
        /// The promotion that brought it.
        promotion: PromotionId,
    },
}

/// A change that may have caused an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Suspect {
    /// The promotion that made it.
    pub promotion: PromotionId,
    /// The release.
    pub release: ReleaseId,
    /// Its label.
    pub version: Version,
    /// Why it may be the one, in one sentence.
    pub says: String,
    /// What was done about it.
    pub done: Done,
}

/// What was done about a suspect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    /// It was named.
    Named,
    /// Its rollout stands still.
    Paused,
    /// It is barred.
    Barred,
    /// It is taken back.
    RolledBack,
    /// It would have been taken back and must not be, or cannot: a person is called.
    PersonCalled,
}

impl Done {
    /// The word, as JSON writes it.
    pub fn word(self) -> &'static str {
        match self {
            Done::Named => "named",
            Done::Paused => "paused",
            Done::Barred => "barred",
            Done::RolledBack => "rolled_back",
            Done::PersonCalled => "person_called",
        }
    }

    /// What was done, for a sentence.
    pub fn says(self) -> &'static str {
        match self {
            Done::Named => "named only",
            Done::Paused => "its rollout was paused",
            Done::Barred => "barred",
            Done::RolledBack => "taken back",
            Done::PersonCalled => "cannot be taken back by itself: a person is called",
        }
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What caused an incident, once somebody has said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Cause {
    /// Nobody has said yet.
    #[default]
    NotTold,
    /// No change of ours.
    NoChange,
    /// A change.
    Change {
        /// The promotion that made it.
        promotion: PromotionId,
    },
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::NotTold => f.write_str("nobody has said yet what caused it"),
            Cause::NoChange => f.write_str("no change caused it"),
            Cause::Change { promotion } => write!(f, "{promotion} caused it"),
        }
    }
}

/// One alert, as a sender of alerts delivers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// What its sender knows it by.
    pub fingerprint: String,
    /// Its name.
    pub name: String,
    /// Whether it fires; otherwise it is resolved.
    pub firing: bool,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// When it began to fire.
    pub since: Timestamp,
    /// When it stopped, where it is resolved.
    pub until: Option<Timestamp>,
    /// What it says, for people.
    pub says: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn every_label_must_match_and_no_label_at_all_matches_nothing() {
        let rules = |pairs| IncidentRules {
            r#match: labels(pairs),
            ..IncidentRules::default()
        };
        let alert = labels(&[("service", "payments"), ("severity", "page"), ("pod", "a")]);
        assert!(rules(&[("service", "payments")]).matches(&alert));
        assert!(rules(&[("service", "payments"), ("severity", "page")]).matches(&alert));
        assert!(!rules(&[("service", "payments"), ("severity", "ticket")]).matches(&alert));
        assert!(!rules(&[("service", "Payments")]).matches(&alert));
        assert!(!rules(&[("team", "")]).matches(&alert));
        assert!(!rules(&[]).matches(&alert));
    }

    #[test]
    fn words_are_those_of_the_stored_form() {
        for then in [
            IncidentThen::Tell,
            IncidentThen::Pause,
            IncidentThen::Bar,
            IncidentThen::RollBack,
        ] {
            assert_eq!(serde_json::to_value(then).unwrap(), then.word());
        }
        for done in [
            Done::Named,
            Done::Paused,
            Done::Barred,
            Done::RolledBack,
            Done::PersonCalled,
        ] {
            assert_eq!(serde_json::to_value(done).unwrap(), done.word());
        }
    }
}
