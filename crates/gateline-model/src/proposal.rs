//! Proposals: new versions of what is protected, which its owners approve before they are in force.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    ActorId, Bound, Calendar, CalendarName, Commit, Digest, GroupName, NameError, Notifications, Pipeline,
    PipelineName, PolicyName, ProjectName, Roles, Span, Tier,
};

/// How long a proposal waits for its owners; whoever still wants it then proposes it again.
pub const PROPOSAL_LASTS: Span = Span::from_secs(14 * 86_400);
/// Most teams that one protection may name.
pub const OWNERS_PER_PROTECTION_MAX: usize = 10;
/// Most approvals that one protection may ask for.
pub const PROTECTION_COUNT_MAX: u32 = 10;

/// Who must approve a new version before it is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Protection {
    /// The teams whose people may.
    pub owners: Vec<GroupName>,
    /// How many of them must, whoever proposed it not counted.
    #[serde(default = "one")]
    pub count: u32,
    /// How strongly each yes must be bound.
    #[serde(default, skip_serializing_if = "Tier::is_session")]
    pub signed: Tier,
}

fn one() -> u32 {
    1
}

/// What of a project is protected, whatever else protects it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Protected {
    /// Every pipeline, those that are new among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipelines: Option<Protection>,
    /// Every policy module.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policies: Option<Protection>,
    /// Every calendar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calendars: Option<Protection>,
    /// The rules of notifications.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notifications: Option<Protection>,
    /// The roles themselves, and with them this protection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Protection>,
}

/// One thing in a project that has versions and can be protected.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", content = "name", rename_all = "snake_case")]
pub enum Declared {
    /// A pipeline.
    Pipeline(PipelineName),
    /// A policy module.
    Policy(PolicyName),
    /// A calendar.
    Calendar(CalendarName),
    /// The rules of notifications of the project.
    Notifications,
    /// The roles of the project.
    Roles,
}

/// A new version of one of them, with its content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NewVersion {
    /// Of a pipeline.
    Pipeline {
        /// Its content.
        pipeline: Arc<Pipeline>,
        /// The file as it was written, kept by digest.
        source: Digest,
    },
    /// Of a policy module.
    Policy {
        /// Which.
        name: PolicyName,
        /// The version: the digest of its files, which are kept by it.
        module: Digest,
    },
    /// Of a calendar.
    Calendar {
        /// Which.
        name: CalendarName,
        /// Its content.
        calendar: Arc<Calendar>,
    },
    /// Of the rules of notifications.
    Notifications {
        /// Their content.
        notifications: Arc<Notifications>,
        /// The file as it was written, kept by digest.
        source: Digest,
    },
    /// Of the roles.
    Roles {
        /// Their content.
        roles: Arc<Roles>,
        /// The file as it was written, kept by digest.
        source: Digest,
    },
}

/// A new version that waits for its owners.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Proposal {
    /// Its number in the project, from 1.
    pub number: u64,
    /// The version.
    pub new: NewVersion,
    /// The version that is in force, which it would replace; none where there is none yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Digest>,
    /// Who proposed it.
    pub by: ActorId,
    /// First moment at which it does not wait any more.
    pub until: Timestamp,
    /// The commit that it was taken from, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// Who wrote that commit, as far as it is known who that is here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub written_by: Vec<ActorId>,
}

/// An owner's yes to a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProposalApproval {
    /// Who.
    pub by: ActorId,
    /// Instead of whom, where somebody handed answers on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<ActorId>,
    /// The team that was asked.
    pub team: GroupName,
    /// To what: the digest of the version and of the one that it replaces.
    pub question: Digest,
    /// How it is bound to the actor.
    #[serde(flatten)]
    pub bound: Bound,
    /// When.
    pub at: Timestamp,
}

/// How a proposal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProposalOutcome {
    /// Enough owners approved it: it came into force.
    InForce,
    /// An owner said no.
    Rejected,
    /// Whoever proposed it took it back.
    Withdrawn,
    /// Another version was proposed, or came into force.
    Superseded,
    /// Nobody decided in time.
    Expired,
}

/// Where a version that came into force is from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Origin {
    /// The commit that it was taken from, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// The number of the proposal that its owners approved, where it was protected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposal: Option<u64>,
}

impl Origin {
    /// Whether nothing is known of it.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}

impl ProposalOutcome {
    /// The words.
    pub fn word(self) -> &'static str {
        match self {
            ProposalOutcome::InForce => "in force",
            ProposalOutcome::Rejected => "rejected",
            ProposalOutcome::Withdrawn => "withdrawn",
            ProposalOutcome::Superseded => "superseded",
            ProposalOutcome::Expired => "expired",
        }
    }
}

impl Protected {
    /// Whether it protects nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Every protection.
    pub fn all(&self) -> impl Iterator<Item = &Protection> {
        let Self {
            pipelines,
            policies,
            calendars,
            notifications,
            roles,
        } = self;
        [pipelines, policies, calendars, notifications, roles]
            .into_iter()
            .flatten()
    }

    /// The protection of one thing.
    pub fn of(&self, declared: &Declared) -> Option<&Protection> {
        match declared {
            Declared::Pipeline(_) => self.pipelines.as_ref(),
            Declared::Policy(_) => self.policies.as_ref(),
            Declared::Calendar(_) => self.calendars.as_ref(),
            Declared::Notifications => self.notifications.as_ref(),
            Declared::Roles => self.roles.as_ref(),
        }
    }
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            owners,
            count,
            signed,
        } = self;
        let owners: Vec<&str> = owners.iter().map(GroupName::as_str).collect();
        write!(f, "{count} of {}", owners.join(" or "))?;
        match signed.at_least() {
            Some(with) => write!(f, ", signed with {with}"),
            None => Ok(()),
        }
    }
}

impl Declared {
    /// The word for what it is.
    pub fn kind(&self) -> &'static str {
        match self {
            Declared::Pipeline(_) => "pipeline",
            Declared::Policy(_) => "policy",
            Declared::Calendar(_) => "calendar",
            Declared::Notifications => "notifications",
            Declared::Roles => "roles",
        }
    }

    /// Its name; roles and notifications have that of their project.
    pub fn name<'a>(&'a self, project: &'a ProjectName) -> &'a str {
        match self {
            Declared::Pipeline(name) => name.as_str(),
            Declared::Policy(name) => name.as_str(),
            Declared::Calendar(name) => name.as_str(),
            Declared::Notifications | Declared::Roles => project.as_str(),
        }
    }
}

impl fmt::Display for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Declared::Pipeline(name) => write!(f, "pipeline {name}"),
            Declared::Policy(name) => write!(f, "policy {name}"),
            Declared::Calendar(name) => write!(f, "calendar {name}"),
            Declared::Notifications => f.write_str("notifications"),
            Declared::Roles => f.write_str("roles"),
        }
    }
}

impl NewVersion {
    /// What it is a version of.
    pub fn declared(&self) -> Declared {
        match self {
            NewVersion::Pipeline { pipeline, .. } => Declared::Pipeline(pipeline.name.clone()),
            NewVersion::Policy { name, .. } => Declared::Policy(name.clone()),
            NewVersion::Calendar { name, .. } => Declared::Calendar(name.clone()),
            NewVersion::Notifications { .. } => Declared::Notifications,
            NewVersion::Roles { .. } => Declared::Roles,
        }
    }

    /// Where the files are kept as they were written, by digest.
    pub fn content(&self) -> Digest {
        match self {
            NewVersion::Pipeline { source, .. }
            | NewVersion::Notifications { source, .. }
            | NewVersion::Roles { source, .. } => *source,
            NewVersion::Policy { module, .. } => *module,
            NewVersion::Calendar { calendar, .. } => calendar.source,
        }
    }

    /// The version: a digest of the content.
    pub fn version(&self) -> Digest {
        match self {
            NewVersion::Pipeline { pipeline, .. } => pipeline.version(),
            NewVersion::Policy { module, .. } => *module,
            NewVersion::Calendar { calendar, .. } => calendar.version(),
            NewVersion::Notifications { notifications, .. } => notifications.version(),
            NewVersion::Roles { roles, .. } => roles.version(),
        }
    }
}

impl Proposal {
    /// What its owners are asked: this version of this, in place of that one. It never changes.
    pub fn question(&self) -> Digest {
        let Self {
            number,
            new,
            replaces,
            by: _,
            until: _,
            commit: _,
            written_by: _,
        } = self;
        let asked = json!({
            "proposal": number,
            "of": new.declared(),
            "version": new.version(),
            "replaces": replaces,
        });
        Digest::of_json(&asked)
    }
}

impl ProposalApproval {
    /// Whose yes it is: that of the one who was asked, also where another gave it.
    pub fn seat(&self) -> &ActorId {
        self.instead_of.as_ref().unwrap_or(&self.by)
    }
}

/// A proposal by its project and number, written `PROJECT/NUMBER`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProposalId {
    /// The project.
    pub project: ProjectName,
    /// Its number there.
    pub number: u64,
}

/// Why a text names no proposal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProposalIdError {
    /// The project's name is not legal.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The form is another.
    #[error("`{0}` is not a proposal: write PROJECT/NUMBER")]
    Form(String),
}

impl fmt::Display for ProposalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.project, self.number)
    }
}

impl FromStr for ProposalId {
    type Err = ProposalIdError;

    fn from_str(text: &str) -> Result<Self, ProposalIdError> {
        let form = || ProposalIdError::Form(text.chars().take(200).collect());
        let (project, number) = text.rsplit_once('/').ok_or_else(form)?;
        Ok(Self {
            project: project.parse()?,
            number: number.parse().map_err(|_| form())?,
        })
    }
}

impl Serialize for ProposalId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ProposalId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::name::from_text(deserializer)
    }
}

impl JsonSchema for ProposalId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ProposalId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "PROJECT/NUMBER"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposal(number: u64, module: &str, replaces: Option<&str>) -> Proposal {
        Proposal {
            number,
            new: NewVersion::Policy {
                name: "rules".parse().unwrap(),
                module: Digest::of(module.as_bytes()),
            },
            replaces: replaces.map(|text| Digest::of(text.as_bytes())),
            by: "ana".parse().unwrap(),
            until: Timestamp::MAX,
            commit: None,
            written_by: Vec::new(),
        }
    }

    #[test]
    fn owners_are_asked_about_this_version_in_place_of_that_one() {
        let asked = proposal(1, "new", Some("old")).question();
        assert_eq!(asked, proposal(1, "new", Some("old")).question());
        for other in [
            proposal(2, "new", Some("old")),
            proposal(1, "newer", Some("old")),
            proposal(1, "new", Some("older")),
            proposal(1, "new", None),
        ] {
            assert_ne!(asked, other.question(), "{other:?}");
        }
    }

    #[test]
    fn a_proposal_is_named_by_project_and_number() {
        let id: ProposalId = "payments/3".parse().unwrap();
        assert_eq!((id.project.as_str(), id.number), ("payments", 3));
        assert_eq!(id.to_string(), "payments/3");
        for wrong in ["payments", "payments/x", "/3", "Payments/3"] {
            assert!(wrong.parse::<ProposalId>().is_err(), "{wrong}");
        }
    }
}
