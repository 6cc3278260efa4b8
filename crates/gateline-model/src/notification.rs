//! Notifications: rules that say what is told to whom, what is told, and the letters that carry it.
//! Knows no channel's address and no secret: those are in the server's own file.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ActorId, ChannelName, Digest, GateName, NameError, ProjectName, PromotionId, PromotionOutcome, Risk,
    RuleName, Span, StreamId, Verdict, Version, Who,
};

/// What one project tells, to whom. A document, stored and versioned like a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notifications {
    /// The project.
    pub project: ProjectName,
    /// What is told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<TellRule>,
    /// Most letters that go to a channel within an hour; [`crate::limits::LETTERS_PER_HOUR`] where it is not given.
    /// What is more waits, and goes out together.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub per_hour: BTreeMap<ChannelName, u32>,
}

/// One rule: when something happens, somebody is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TellRule {
    /// Its name, under which `once` is remembered.
    pub name: RuleName,
    /// The events that it is about, as the log names them.
    pub on: Vec<String>,
    /// Condition (CEL) on `event`, `promotion`, `gates`, `change`, `release`, `risk` and `stage`; always where it is not
    /// given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Who is told, and where.
    pub to: Vec<TellTo>,
    /// What is told once only: a text with placeholders, as in `{promotion}`. Every event is told where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub once: Option<String>,
    /// How long what happens is gathered before it is told together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Span>,
}

/// A channel, and whom to name or write to there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TellTo {
    /// The channel, as the server's file calls it.
    pub channel: ChannelName,
    /// Whom: `asked`, `requester`, `authors`, or as a layer names people. A channel of e-mail writes to them, others name
    /// them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<Whom>,
}

/// Somebody to be told, by part in what happens or by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Whom {
    /// Who is asked for an answer now.
    Asked,
    /// Who requested the promotion.
    Requester,
    /// Who wrote the change.
    Authors,
    /// A team, an actor, or the owners of the touched paths.
    Named(Who),
}

impl fmt::Display for Whom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Whom::Asked => f.write_str("asked"),
            Whom::Requester => f.write_str("requester"),
            Whom::Authors => f.write_str("authors"),
            Whom::Named(who) => who.fmt(f),
        }
    }
}

impl FromStr for Whom {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Ok(match text {
            "asked" => Whom::Asked,
            "requester" => Whom::Requester,
            "authors" => Whom::Authors,
            other => Whom::Named(other.parse()?),
        })
    }
}

impl Serialize for Whom {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Whom {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::name::from_text(deserializer)
    }
}

impl JsonSchema for Whom {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Whom".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "`asked`, `requester`, `authors`, a team, `actor:ID` or `owners`"})
    }
}

impl Notifications {
    /// The version: a digest of the canonical content.
    pub fn version(&self) -> Digest {
        Digest::of_json(self)
    }

    /// Most letters to a channel within an hour.
    pub fn per_hour(&self, channel: &ChannelName) -> u32 {
        self.per_hour
            .get(channel)
            .copied()
            .unwrap_or(crate::limits::LETTERS_PER_HOUR)
    }
}

/// Where a letter goes, and to whom: resolved when it is planned, people but not their addresses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Recipient {
    /// The channel.
    pub channel: ChannelName,
    /// Teams and actors, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<Who>,
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.channel.fmt(f)?;
        let people: Vec<String> = self.people.iter().map(Who::to_string).collect();
        match people.is_empty() {
            true => Ok(()),
            false => write!(f, " ({})", people.join(", ")),
        }
    }
}

/// What is told of one event: frozen when the event is recorded, so that the record has what people were shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notice {
    /// The event, as the log names it.
    pub event: String,
    /// The stream that it happened in.
    pub stream: StreamId,
    /// When.
    pub at: Timestamp,
    /// Who caused it.
    pub by: ActorId,
    /// What happened, as one sentence.
    pub says: String,
    /// The promotion that it is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promotion: Option<NoticeOfPromotion>,
    /// Why the rule's condition could not be judged; what happened is told all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errored: Option<String>,
}

/// A promotion as people are told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NoticeOfPromotion {
    /// Which.
    pub id: PromotionId,
    /// The release's label.
    pub version: Version,
    /// The assessed risk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// Where it stands, in the words of the decision.
    pub headline: String,
    /// The question that people answer, where they are asked: an answer is bound to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Digest>,
    /// Who is asked now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<Who>,
    /// The commits that it is made of, as repository and commit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commits: Vec<(String, String)>,
    /// Whether the stage is production.
    #[serde(default)]
    pub production: bool,
    /// Whether the gates let the release in.
    #[serde(default)]
    pub admitted: bool,
    /// How it ended, where it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<PromotionOutcome>,
    /// The gates that are not satisfied, those that refuse in front; at most [`crate::limits::NOTICE_GATES_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<NoticeGate>,
    /// How many gates are satisfied, of how many.
    #[serde(default)]
    pub satisfied: (u32, u32),
}

/// A gate as people are told of it: what it says, why it is there, and what would satisfy it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NoticeGate {
    /// The gate.
    pub gate: GateName,
    /// What it says.
    pub verdict: Verdict,
    /// The reason as one sentence.
    pub says: String,
    /// Why the gate is there.
    pub because: String,
    /// What to do, or who or what can change it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub next: String,
}

/// One notice among those of a letter, with the rule that planned it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Enclosed {
    /// The rule.
    pub rule: RuleName,
    /// What is told.
    pub notice: std::sync::Arc<Notice>,
}

/// What is delivered: one notice, or several that were gathered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Letter {
    /// The project whose rules planned it.
    pub project: ProjectName,
    /// Counts the project's letters from 1.
    pub number: u64,
    /// Where it goes.
    pub to: Recipient,
    /// What it tells, oldest first; at most [`crate::limits::NOTICES_PER_LETTER_MAX`].
    pub notices: Vec<Enclosed>,
    /// How many more there were than it has room for.
    #[serde(default)]
    pub more: u32,
    /// When it was planned.
    pub planned_at: Timestamp,
    /// When it is sent, or sent again.
    pub due: Timestamp,
    /// How often it was tried.
    #[serde(default)]
    pub attempts: u32,
    /// Where it stands.
    pub state: LetterState,
    /// What the channel said to the last attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub says: Option<String>,
}

impl Letter {
    /// The name that it has everywhere and for ever: `payments/7`. Channels that recognise repetitions get it.
    pub fn id(&self) -> String {
        format!("{}/{}", self.project, self.number)
    }
}

/// Where a letter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LetterState {
    /// It will be sent, or sent again.
    Pending,
    /// The channel took it.
    Sent,
    /// It was given up.
    Failed,
}

impl LetterState {
    /// The word, as JSON writes it.
    pub fn word(self) -> &'static str {
        match self {
            LetterState::Pending => "pending",
            LetterState::Sent => "sent",
            LetterState::Failed => "failed",
        }
    }
}

impl fmt::Display for LetterState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What became of an attempt to deliver a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivered {
    /// The channel took it; what it said.
    Sent(String),
    /// Not now: why, and how long the channel asks to be left alone.
    Later(String, Option<Span>),
    /// Never, as things are declared: why.
    Never(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_written_by_part_or_by_name() {
        for text in [
            "asked",
            "requester",
            "authors",
            "tech-lead",
            "actor:corp:ana",
            "owners",
        ] {
            assert_eq!(text.parse::<Whom>().unwrap().to_string(), text);
        }
        assert!("Tech Lead".parse::<Whom>().is_err());
    }

    #[test]
    fn the_words_of_states_are_those_of_the_stored_form() {
        for state in [LetterState::Pending, LetterState::Sent, LetterState::Failed] {
            assert_eq!(serde_json::to_value(state).unwrap(), state.word());
        }
    }
}
