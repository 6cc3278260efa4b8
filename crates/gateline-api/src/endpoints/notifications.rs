//! Notifications: the rules in force, and the letters that tell people.

use gateline_model::{Digest, Letter, LetterState, Notifications, ProjectName, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ApplyRequest, ProjectPath, ProposalView};
use crate::endpoint::{endpoint, needs};
use crate::{Empty, Finding, Rule};

endpoint! {
    /// Shows a project's rules of notifications that are in force.
    GetNotifications: Get "/api/v1/projects/{project}/notifications", needs(Scope::Read),
    path ProjectPath, query Empty, body Empty, reply NotificationsView
}
endpoint! {
    /// Brings a file of notifications into force. The same content again changes nothing.
    ApplyNotifications: Put "/api/v1/notifications", needs(Scope::Apply),
    path Empty, query Empty, body ApplyRequest, reply NotificationsReply
}
endpoint! {
    /// Lists a project's letters: those that wait, soonest first, then those that were sent or given up, newest first.
    ListLetters: Get "/api/v1/projects/{project}/letters", needs(Scope::Read),
    path ProjectPath, query LettersQuery, body Empty, reply Vec<Letter>
}

endpoint! {
    /// Sends a letter again that was given up, when its channel was mended.
    ResendLetter: Post "/api/v1/projects/{project}/letters/{letter}/resend", needs(Scope::Apply),
    path LetterPath, query Empty, body Empty, reply Letter
}

endpoint! {
    /// Takes what people answer on Slack. Signed by Slack; anything else is refused.
    HearSlack: Post "/hooks/slack", Rule::Open,
    path Empty, query Empty, body Empty as Bytes, reply Empty
}
endpoint! {
    /// Takes what people answer in comments on GitHub. Signed by GitHub; anything else is refused.
    HearGithub: Post "/hooks/github", Rule::Open,
    path Empty, query Empty, body Empty as Bytes, reply Empty
}

/// Rules of notifications in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotificationsView {
    /// The version.
    pub version: Digest,
    /// What they say.
    pub notifications: Notifications,
}

/// What applying a file of notifications came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotificationsReply {
    /// The project.
    pub project: ProjectName,
    /// The version.
    pub version: Digest,
    /// Whether it was not in force before.
    pub changed: bool,
    /// The proposal of it, where it is protected and waits for its owners.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposed: Option<ProposalView>,
    /// What hardly anybody means.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Finding>,
}

/// A letter in a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LetterPath {
    /// The project.
    pub project: ProjectName,
    /// Its number there.
    pub letter: u64,
}

/// Which letters to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LettersQuery {
    /// Only those that stand so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<LetterState>,
}
