//! Channels: the ways to tell people something, as the server's own file declares them, and the people's addresses there.
//! Never in the log: addresses can be changed and erased, secrets are references.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use crate::{ActorId, ChannelName, ProjectName, SecretRef};

/// One way to tell people something.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// Its name, as rules write it.
    pub name: ChannelName,
    /// Projects whose rules may use it; every one where none is given.
    #[serde(default)]
    pub projects: Vec<ProjectName>,
    /// Networks that it may reach although they are private, link-local or this host.
    #[serde(default)]
    pub allow: Vec<Network>,
    /// An address that takes CloudEvents, signed.
    #[serde(default)]
    pub webhook: Option<WebhookChannel>,
    /// A conversation of Slack.
    #[serde(default)]
    pub slack: Option<SlackChannel>,
    /// A mail server.
    #[serde(default)]
    pub mail: Option<MailChannel>,
    /// A repository on GitHub.
    #[serde(default)]
    pub github: Option<GithubChannel>,
}

/// An address that takes letters as CloudEvents.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookChannel {
    /// The address.
    pub url: String,
    /// What letters are signed with.
    pub secret: SecretRef,
}

/// A conversation of Slack.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlackChannel {
    /// The conversation's id, as in `C0123456789`.
    pub conversation: String,
    /// The app's token for writing.
    pub token: SecretRef,
    /// What Slack signs people's answers with; without it there are no buttons.
    #[serde(default)]
    pub signing_secret: Option<SecretRef>,
    /// Where Slack's API is.
    #[serde(default = "slack_api")]
    pub api: String,
}

fn slack_api() -> String {
    "https://slack.com/api".to_owned()
}

/// A mail server, and who writes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailChannel {
    /// The server: `smtps://HOST:PORT` (encrypted from the start), `smtp://HOST:PORT` (encrypted by STARTTLS, or not at
    /// all on this host).
    pub server: String,
    /// Who writes, as in `Gateline <gateline@example.com>`.
    pub from: String,
    /// Who always gets it.
    #[serde(default)]
    pub to: Vec<String>,
    /// How the server knows us.
    #[serde(default)]
    pub user: Option<String>,
    /// The password of that.
    #[serde(default)]
    pub password: Option<SecretRef>,
}

/// A repository on GitHub.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GithubChannel {
    /// The repository, as `OWNER/NAME`.
    pub repository: String,
    /// A token that may write statuses and comments there.
    pub token: SecretRef,
    /// What GitHub signs its webhooks with; without it `/approve` in a comment is not heard.
    #[serde(default)]
    pub webhook_secret: Option<SecretRef>,
    /// Whether each promotion is shown among the commit's statuses.
    #[serde(default = "yes")]
    pub statuses: bool,
    /// Whether pull requests of the commit get a comment.
    #[serde(default = "yes")]
    pub comments: bool,
    /// Where GitHub's API is.
    #[serde(default = "github_api")]
    pub api: String,
}

fn yes() -> bool {
    true
}

fn github_api() -> String {
    "https://api.github.com".to_owned()
}

/// Who somebody is on the channels. Ids that belong to one person for ever; no name decides anything.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Who it is here.
    pub actor: ActorId,
    /// The address of e-mail.
    #[serde(default)]
    pub mail: Option<String>,
    /// On Slack, as `TEAM/USER`: `T0123/U0456`.
    #[serde(default)]
    pub slack: Option<SlackUser>,
    /// On GitHub: the number of the user, not the login, which can be given to somebody else.
    #[serde(default)]
    pub github: Option<u64>,
}

/// A user of Slack, by ids.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlackUser {
    /// The team's id.
    pub team: String,
    /// The user's id there.
    pub user: String,
}

/// Why a text is not a [`SlackUser`] or a [`Network`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// It is no user of Slack.
    #[error("`{0}` is no user of Slack: write ids as in `T0123/U0456`")]
    SlackUser(String),
    /// It is no network.
    #[error("`{0}` is no network: write it as in `10.0.0.0/8`, or one address")]
    Network(String),
}

impl FromStr for SlackUser {
    type Err = ChannelError;

    fn from_str(text: &str) -> Result<Self, ChannelError> {
        let id = |text: &str, first: &[u8]| {
            (2..=32).contains(&text.len())
                && first.contains(&text.as_bytes()[0])
                && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        };
        match text.split_once('/') {
            Some((team, user)) if id(team, b"TE") && id(user, b"UW") => Ok(Self {
                team: team.to_owned(),
                user: user.to_owned(),
            }),
            Some(_) | None => Err(ChannelError::SlackUser(text.chars().take(80).collect())),
        }
    }
}

impl fmt::Display for SlackUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.team, self.user)
    }
}

impl<'de> Deserialize<'de> for SlackUser {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::name::from_text(deserializer)
    }
}

/// A network, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Whether an address is in it.
    pub fn has(&self, address: IpAddr) -> bool {
        let shared = |one: u128, other: u128, width: u8| {
            let differ = one ^ other;
            // A shift by the whole width is none: then nothing needs to be the same.
            differ.checked_shr(u32::from(width - self.bits)).unwrap_or(0) == 0
        };
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(one), IpAddr::V4(other)) => shared(bits(one), bits(other), 32),
            (IpAddr::V6(one), IpAddr::V6(other)) => shared(one.to_bits(), other.to_bits(), 128),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

fn bits(address: Ipv4Addr) -> u128 {
    u128::from(address.to_bits())
}

impl FromStr for Network {
    type Err = ChannelError;

    fn from_str(text: &str) -> Result<Self, ChannelError> {
        let wrong = || ChannelError::Network(text.chars().take(80).collect());
        let (address, bits) = text
            .split_once('/')
            .map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(width), str::parse::<u8>).map_err(|_| wrong())?;
        if bits > width {
            return Err(wrong());
        }
        Ok(Self { address, bits })
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::name::from_text(deserializer)
    }
}

impl Channel {
    /// Whether a project's rules may use it.
    pub fn serves(&self, project: &ProjectName) -> bool {
        self.projects.is_empty() || self.projects.contains(project)
    }

    /// What kind of channel it is, as files write it.
    pub fn kind(&self) -> &'static str {
        match (&self.webhook, &self.slack, &self.mail, &self.github) {
            (Some(_), ..) => "webhook",
            (None, Some(_), ..) => "slack",
            (None, None, Some(_), _) => "mail",
            (None, None, None, Some(_)) => "github",
            (None, None, None, None) => "nothing",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_what_begins_as_it_does() {
        let has =
            |network: &str, address: &str| network.parse::<Network>().unwrap().has(address.parse().unwrap());
        assert!(has("10.0.0.0/8", "10.255.0.1") && !has("10.0.0.0/8", "11.0.0.1"));
        assert!(has("127.0.0.1", "127.0.0.1") && !has("127.0.0.1", "127.0.0.2"));
        assert!(has("0.0.0.0/0", "203.0.113.7") && !has("0.0.0.0/0", "::1"));
        assert!(has("::/0", "2001:db8::1") && has("fd00::/8", "fd12::1"));
        assert!(has("10.0.0.0/8", "::ffff:10.1.1.1"), "however it is written");
        for bad in ["10.0.0.0/33", "10.0.0", "host", "::/129", "10.0.0.0/-1", ""] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_user_of_slack_is_known_by_ids() {
        assert_eq!("T01/U02".parse::<SlackUser>().unwrap().to_string(), "T01/U02");
        for bad in ["ana", "T01", "U02/T01", "T01/ana", "T/U", "T01/U02/x"] {
            assert!(bad.parse::<SlackUser>().is_err(), "{bad}");
        }
    }
}
