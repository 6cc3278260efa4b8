//! Approvals: one actor's yes or no, bound to a digest of what was decided, and the rules that say whose yes is needed.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ActorId, Digest, GateName, GroupName, NameError, Risk, Span, WindowName};

/// Who must approve, and when the rule applies. The first rule whose condition holds is used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRule {
    /// Condition (CEL) on `change`, `release`, `risk` and `stage`; always where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Nobody is asked; the log says so.
    #[serde(default)]
    pub automatic: bool,
    /// Who is asked, one layer after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<Layer>,
    /// Whether all layers are asked at once instead of one after the other.
    #[serde(default, skip_serializing_if = "is_false")]
    pub any_order: bool,
    /// Whether an override may name the approval gate.
    #[serde(default)]
    pub overridable: bool,
    /// Whose yes stands against the no of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<GroupName>,
    /// How strongly each answer must be bound to its actor.
    #[serde(default, skip_serializing_if = "Tier::is_session")]
    pub signed: Tier,
    /// How long a yes counts; as long as the question stays the same where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_for: Option<Span>,
    /// A window of the pipeline in which an approved release goes in: approved before, it is locked until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled: Option<WindowName>,
    /// Says aloud that this rule is enough for a breaking change into production, although it has fewer than two layers.
    #[serde(default, skip_serializing_if = "is_false")]
    pub enough_for_breaking: bool,
}

/// Some people whose yes is needed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// Who: a team, `actor:ID`, or `owners` for those who answer for the touched paths; one or a list of them.
    pub from: Asked,
    /// How many of them.
    #[serde(default = "one")]
    pub count: u32,
    /// How many of them as a share of all who may answer, in place of `count`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum: Option<Share>,
    /// Whether one no refuses. Without it a no is only not a yes.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub veto: bool,
    /// Whether an answer needs a comment.
    #[serde(default, skip_serializing_if = "is_false")]
    pub comment: bool,
    /// Whether somebody who approved for an earlier layer may not count here too.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub distinct: bool,
    /// Whether the requester may approve.
    #[serde(default, skip_serializing_if = "is_false")]
    pub requester_may: bool,
    /// Whether those who wrote the change may approve.
    #[serde(default, skip_serializing_if = "is_false")]
    pub authors_may: bool,
    /// The gates in front that these people look at; all where none is named. They are asked again only when what they
    /// look at changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub concerns: Vec<GateName>,
    /// How soon they should answer; then those under `escalate` may answer too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sla: Option<Span>,
    /// How strongly each of their answers must be bound to its actor, where that is more than the rule asks for.
    #[serde(default, skip_serializing_if = "Tier::is_session")]
    pub signed: Tier,
    /// How often they are reminded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind: Option<Span>,
    /// Who may answer too once the time is over.
    #[serde(default, skip_serializing_if = "Asked::is_empty")]
    pub escalate: Asked,
    /// How long the question stays open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Span>,
    /// What happens when it was open that long. There is no way to make it a yes.
    #[serde(default, skip_serializing_if = "OnExpire::is_reject")]
    pub on_expire: OnExpire,
}

impl ApprovalRule {
    /// Who is asked, as one line.
    pub fn says(&self) -> String {
        let scheduled = self
            .scheduled
            .iter()
            .map(|window| format!("; locked until `{window}`"));
        let scheduled: String = scheduled.collect();
        if self.automatic {
            return format!("automatic: nobody is asked{scheduled}");
        }
        let layers: Vec<String> = self.layers.iter().map(Layer::says).collect();
        let mut text = layers.join(if self.any_order { ", and " } else { ", then " });
        if let Some(authority) = &self.authority {
            text.push_str(&format!("; {authority} decides where they differ"));
        }
        if let Some(least) = self.signed.at_least() {
            text.push_str(&format!("; signed with {least}"));
        }
        text + &scheduled
    }

    /// How strongly an answer of a layer's people must be bound: as the rule says, or as the layer does where that is more.
    pub fn tier_of(&self, layer: &Layer) -> Tier {
        self.signed.max(layer.signed)
    }
}

impl Layer {
    /// Who is asked, as part of a line.
    pub fn says(&self) -> String {
        let many = self
            .quorum
            .map_or_else(|| self.count.to_string(), |share| share.to_string());
        let mut text = format!("{many} from {}", self.from);
        if let Some(sla) = self.sla {
            text.push_str(&format!(" within {sla}"));
        }
        if !self.escalate.is_empty() {
            text.push_str(&format!(", else {}", self.escalate));
        }
        if let Some(least) = self.signed.at_least() {
            text.push_str(&format!(", signed with {least}"));
        }
        text
    }
}

fn one() -> u32 {
    1
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_true(value: &bool) -> bool {
    *value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// What an unanswered question comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnExpire {
    /// The gate refuses.
    #[default]
    Reject,
    /// Only those under `escalate` are asked from then on.
    Escalate,
}

impl OnExpire {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
    fn is_reject(&self) -> bool {
        *self == OnExpire::Reject
    }
}

/// How strongly an answer is bound to its actor, the weakest first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// By a session or a token.
    #[default]
    Session,
    /// By a passkey, whose challenge is the digest of the statement; the person was verified by the device.
    Passkey,
    /// By an SSH key, over the statement as the signer's own tool showed it. The strongest: no page stands between the
    /// signer and what is signed.
    Ssh,
}

impl Tier {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
    pub(crate) fn is_session(&self) -> bool {
        *self == Tier::Session
    }

    /// The word, as files write it.
    pub fn word(self) -> &'static str {
        match self {
            Tier::Session => "session",
            Tier::Passkey => "passkey",
            Tier::Ssh => "ssh",
        }
    }

    /// What an answer must be signed with at least; nothing where a session is enough.
    pub fn at_least(self) -> Option<&'static str> {
        match self {
            Tier::Session => None,
            Tier::Passkey => Some("a passkey or an SSH key"),
            Tier::Ssh => Some("an SSH key"),
        }
    }
}

/// One answer to whom a layer asks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// A team.
    Team(GroupName),
    /// One actor.
    Actor(ActorId),
    /// Those who answer for the paths that the change touches.
    Owners,
}

/// How the owners of the touched paths are written.
const OWNERS: &str = "owners";
/// How one actor is written.
const ACTOR_PREFIX: &str = "actor:";

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Team(team) => team.fmt(f),
            Who::Actor(actor) => write!(f, "{ACTOR_PREFIX}{actor}"),
            Who::Owners => f.write_str(OWNERS),
        }
    }
}

impl FromStr for Who {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.strip_prefix(ACTOR_PREFIX) {
            Some(actor) => actor.parse().map(Who::Actor),
            None if text == OWNERS => Ok(Who::Owners),
            None => text.parse().map(Who::Team),
        }
    }
}

impl Serialize for Who {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Who {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::name::from_text(deserializer)
    }
}

impl JsonSchema for Who {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Who".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "a team, `actor:ID` or `owners`"})
    }
}

/// Whom a layer asks: one, or any of several. Written as one name where there is one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked(pub Vec<Who>);

impl Asked {
    /// Whether nobody is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, who) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" or ")?;
            }
            who.fmt(f)?;
        }
        Ok(())
    }
}

impl Serialize for Asked {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0[..] {
            [one] => one.serialize(serializer),
            many => many.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Asked {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;
        impl<'de> serde::de::Visitor<'de> for OneOrMany {
            type Value = Asked;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a team, `actor:ID`, `owners`, or a list of them")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Asked, E> {
                text.parse().map(|who| Asked(vec![who])).map_err(E::custom)
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut items: A) -> Result<Asked, A::Error> {
                let mut all = Vec::new();
                while let Some(who) = items.next_element()? {
                    all.push(who);
                }
                Ok(Asked(all))
            }
        }
        deserializer.deserialize_any(OneOrMany)
    }
}

impl JsonSchema for Asked {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Asked".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let who = generator.subschema_for::<Who>();
        schemars::json_schema!({"anyOf": [who, {"type": "array", "items": who}]})
    }
}

/// A share of a number of people, written `60%`: more than nothing, at most all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u8);

impl Share {
    /// How many of `all` this is, rounded up; at least one.
    pub fn of(self, all: usize) -> usize {
        (all * usize::from(self.0)).div_ceil(100).max(1)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.strip_suffix('%')
            .and_then(|number| number.parse().ok())
            .filter(|share| (1..=100).contains(share))
            .map(Self)
            .ok_or_else(|| format!("`{text}` is not a share: write a whole number from `1%` to `100%`"))
    }
}

impl Serialize for Share {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::name::from_text(deserializer)
    }
}

impl JsonSchema for Share {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Share".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "a share from `1%` to `100%`"})
    }
}

/// Sets the risk level: the first rule whose condition holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RiskRule {
    /// Condition (CEL) on `change`, `release` and `stage`; always where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// The level then.
    pub level: Risk,
}

/// The parts of what an approver is shown, each by digest: the release, the stage's rules, the risk, each gate in front.
pub type Parts = BTreeMap<String, Digest>;

/// One actor's answer, as it stands in the log. The comment is in the event's erasable part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Approval {
    /// Who.
    pub by: ActorId,
    /// As whom, where somebody handed the question on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<ActorId>,
    /// By which right: the team or the name that was asked.
    pub from: Who,
    /// To what: the layer's question.
    pub question: Digest,
    /// What it was made of, so that a change can be named.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shown: Parts,
    /// How it is bound to the actor.
    #[serde(flatten)]
    pub bound: Bound,
    /// When.
    pub at: Timestamp,
}

/// How an answer is bound to the actor who gives it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bound {
    /// How strongly.
    #[serde(default, skip_serializing_if = "Tier::is_session")]
    pub tier: Tier,
    /// The key that signed it, by fingerprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Digest of the signed statement: what an SSH key signed, and a passkey's challenge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<Digest>,
    /// The statement with its signature, as they came: kept by this digest beside the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Digest>,
}

impl No {
    /// The words of a sentence that ends with who said it.
    pub fn words(self) -> &'static str {
        match self {
            No::Reject => "rejected by",
            No::RequestChanges => "changes requested by",
        }
    }
}

impl Approval {
    /// Whose yes it is: that of the one who was asked, also where another gave it.
    pub fn seat(&self) -> &ActorId {
        self.instead_of.as_ref().unwrap_or(&self.by)
    }
}

/// A key that may sign an actor's answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Key {
    /// What it is called: the SHA-256 fingerprint of an SSH key, the credential id of a passkey.
    pub fingerprint: String,
    /// Whose.
    pub actor: ActorId,
    /// How strongly it binds.
    pub tier: Tier,
    /// The public key: the line of an SSH key, the COSE key of a passkey in base64url.
    pub public: String,
    /// How its owner calls it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// How often a passkey had signed when it was enrolled; those that do not count say 0 for ever.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub counter: u32,
    /// Whether a passkey is copied to its owner's other devices.
    #[serde(default, skip_serializing_if = "is_false")]
    pub synced: bool,
}

/// What a no asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum No {
    /// This release shall not go in.
    Reject,
    /// Something is to be changed first.
    RequestChanges,
}

/// An actor's right to answer, handed on for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delegation {
    /// Who hands it on.
    pub by: ActorId,
    /// To whom.
    pub to: ActorId,
    /// For which team; for every one where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<GroupName>,
    /// From then.
    pub from: Timestamp,
    /// Until then.
    pub until: Timestamp,
}

impl Delegation {
    /// Whether it holds at a moment. Half-open.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }

    /// Whether it hands on what one of those who are asked may answer: that of its team alone, where it names one.
    pub fn covers(&self, who: &Who) -> bool {
        match (&self.team, who) {
            (None, _) => true,
            (Some(team), Who::Team(asked)) => team == asked,
            (Some(_), Who::Actor(_) | Who::Owners) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_asked_reads_back_what_it_prints() {
        for text in ["tech-lead", "actor:ann@example", "owners"] {
            let who: Who = text.parse().unwrap();
            assert_eq!(who.to_string(), text);
        }
        assert!("Tech Lead".parse::<Who>().is_err());
        let one: Asked = serde_json::from_str("\"tech-lead\"").unwrap();
        assert_eq!(serde_json::to_string(&one).unwrap(), "\"tech-lead\"");
        let two: Asked = serde_json::from_str("[\"tech-lead\",\"owners\"]").unwrap();
        assert_eq!(two.to_string(), "tech-lead or owners");
        assert_eq!(serde_json::to_string(&two).unwrap(), "[\"tech-lead\",\"owners\"]");
    }

    #[test]
    fn a_share_of_people_is_rounded_up_and_never_nobody() {
        let share = |text: &str| text.parse::<Share>().unwrap();
        assert_eq!(share("50%").of(3), 2);
        assert_eq!(share("100%").of(4), 4);
        assert_eq!(share("1%").of(0), 1);
        for bad in ["0%", "101%", "50", "half"] {
            assert!(bad.parse::<Share>().is_err(), "{bad}");
        }
    }
}
