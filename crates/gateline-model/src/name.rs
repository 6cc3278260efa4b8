//! Names and ids: typed, checked once at the border, legal ever after.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::limits::{NAME_BYTES_MAX, VERSION_BYTES_MAX};

/// Why a text is not a legal name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {what}: {rule}")]
pub struct NameError {
    what: &'static str,
    text: String,
    rule: &'static str,
}

/// Reads any `FromStr` type from a JSON or YAML string.
pub(crate) fn from_text<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr,
    T::Err: fmt::Display,
    D: serde::Deserializer<'de>,
{
    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

const LABEL_RULE: &str = "use 1 to 63 lower-case letters, digits and `-`, starting with a letter or digit";

fn is_label(text: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
}

const VERSION_RULE: &str =
    "use 1 to 128 letters, digits and `.` `_` `+` `-`, starting with a letter or digit";

fn is_version(text: &str) -> bool {
    (1..=VERSION_BYTES_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._+-".contains(&b))
        && text.as_bytes()[0].is_ascii_alphanumeric()
}

const PATH_RULE: &str = "use names joined by `/`, at most 255 bytes";

fn is_path(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.split('/').all(is_version)
}

const ACTOR_RULE: &str = "use 1 to 128 letters, digits and `.` `_` `@` `:` `/` `-`";

fn is_actor(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._@:/-".contains(&b))
}

/// An e-mail address in lower case; any other text as it is.
fn address_folded(text: &str) -> std::borrow::Cow<'_, str> {
    match text.contains('@') && text.bytes().any(|b| b.is_ascii_uppercase()) {
        true => text.to_ascii_lowercase().into(),
        false => text.into(),
    }
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident: $what:literal, $check:ident, $rule:ident $(, $fold:ident)?;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// The text of the name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                $(let text: &str = &$fold(text);)?
                if $check(text) {
                    return Ok(Self(text.into()));
                }
                Err(NameError { what: $what, text: text.chars().take(80).collect(), rule: $rule })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                from_text(deserializer)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "description": $rule})
            }
        }
    )*};
}

names! {
    /// The name of a local account, which is its actor's id too.
    AccountName: "account name", is_label, LABEL_RULE;
    /// An identity behind an event: opaque, never a personal name (those are erasable, see [`crate::Private`]). One that is
    /// an e-mail address is written in lower case: whoever spells it otherwise means the same person.
    ActorId: "actor id", is_actor, ACTOR_RULE, address_folded;
    /// The name of an artifact within its release.
    ArtifactName: "artifact name", is_label, LABEL_RULE;
    /// The name of a way to tell people something, as the server's file declares it.
    ChannelName: "channel name", is_label, LABEL_RULE;
    /// The name of a calendar within its project.
    CalendarName: "calendar name", is_label, LABEL_RULE;
    /// The name of a freeze within its project.
    FreezeName: "freeze name", is_label, LABEL_RULE;
    /// The name of a gate within its stage; by default its kind.
    GateName: "gate name", is_label, LABEL_RULE;
    /// The name of a layer's group of approvers.
    GroupName: "group name", is_label, LABEL_RULE;
    /// The name of a pipeline within its project; releases are written `PIPELINE@VERSION`.
    PipelineName: "pipeline name", is_label, LABEL_RULE;
    /// The name of a policy module within its project.
    PolicyName: "policy name", is_label, LABEL_RULE;
    /// The name of a project.
    ProjectName: "project name", is_label, LABEL_RULE;
    /// The name of a provider of identities: actors of its sign-ins are written `PROVIDER:NAME`.
    ProviderName: "provider name", is_label, LABEL_RULE;
    /// The name of a rule of notifications within its project.
    RuleName: "rule name", is_label, LABEL_RULE;
    /// The name of a stage within its pipeline.
    StageName: "stage name", is_label, LABEL_RULE;
    /// What a lane belongs to: the name of the real place that a driver changes.
    TargetName: "target name", is_path, PATH_RULE;
    /// The id of an API token.
    TokenId: "token id", is_label, LABEL_RULE;
    /// The label of a release: unique within its pipeline.
    Version: "version", is_version, VERSION_RULE;
    /// The name of a window within its pipeline.
    WindowName: "window name", is_label, LABEL_RULE;
}

/// A pipeline, named from outside its project: `payments/payment-service`.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct PipelineRef {
    /// The project that owns the pipeline.
    pub project: ProjectName,
    /// The pipeline's name.
    pub pipeline: PipelineName,
}

impl fmt::Display for PipelineRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.project, self.pipeline)
    }
}

/// A stage, named from outside its pipeline: `payments/payment-service/production`.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct StageRef {
    /// The project that owns the pipeline.
    pub project: ProjectName,
    /// The stage's pipeline.
    pub pipeline: PipelineName,
    /// The stage's name.
    pub stage: StageName,
}

impl StageRef {
    /// The pipeline that this stage is part of.
    pub fn pipeline_ref(&self) -> PipelineRef {
        PipelineRef {
            project: self.project.clone(),
            pipeline: self.pipeline.clone(),
        }
    }

    /// Another stage of the same pipeline.
    pub fn sibling(&self, stage: &StageName) -> StageRef {
        StageRef {
            stage: stage.clone(),
            ..self.clone()
        }
    }
}

impl fmt::Display for StageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.project, self.pipeline, self.stage)
    }
}

impl FromStr for StageRef {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let parts: Vec<&str> = text.split('/').collect();
        let [project, pipeline, stage] = parts[..] else {
            return Err(NameError {
                what: "stage reference",
                text: text.chars().take(80).collect(),
                rule: "write PROJECT/PIPELINE/STAGE",
            });
        };
        Ok(Self {
            project: project.parse()?,
            pipeline: pipeline.parse()?,
            stage: stage.parse()?,
        })
    }
}

/// A schema that takes a word in place of the map, where a map of defaults has a name.
pub(crate) fn or_a_word(schema: &mut schemars::Schema) {
    let map = std::mem::take(schema);
    *schema = schemars::json_schema!({"anyOf": [{"type": "string"}, map]});
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dns_labels() {
        assert!("payment-service".parse::<StageName>().is_ok());
        for text in ["", "-a", "A", "a_b", "a/b", "ä", &"a".repeat(64)] {
            assert!(text.parse::<StageName>().is_err(), "{text}");
        }
    }

    #[test]
    fn versions_take_what_semver_and_calendar_versions_need() {
        assert!("1.4.0-rc.1+build.7".parse::<Version>().is_ok());
        for text in ["", ".1", "1 2", "1/2", &"1".repeat(129)] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_error_says_what_is_legal() {
        let err = "Prod!".parse::<StageName>().unwrap_err().to_string();
        assert_eq!(err, format!("`Prod!` is not a stage name: {LABEL_RULE}"));
    }
}
