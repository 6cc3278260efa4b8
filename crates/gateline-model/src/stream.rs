//! Streams: the six kinds of history that the log is made of.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Digest, ProjectName, PromotionId, StageRef};

/// The name of one stream of events. Versions count its events from 1.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum StreamId {
    /// Pipelines, freezes and tokens of a project.
    Project(ProjectName),
    /// A release's content and evidence.
    Release(Digest),
    /// A stage's live release, lanes, open promotions and barred releases.
    Stage(StageRef),
    /// One promotion, from request to end.
    Promotion(PromotionId),
    /// The letters of a project: what people are told.
    Notifications(ProjectName),
    /// The incidents of a project.
    Incidents(ProjectName),
}

/// Why a text is not a [`StreamId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a stream: write project/.., release/.., stage/.., promotion/.., notifications/.. or incidents/.."
)]
pub struct StreamIdError(String);

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StreamId::Project(name) => write!(f, "project/{name}"),
            StreamId::Release(id) => write!(f, "release/{id}"),
            StreamId::Stage(stage) => write!(f, "stage/{stage}"),
            StreamId::Promotion(id) => write!(f, "promotion/{id}"),
            StreamId::Notifications(name) => write!(f, "notifications/{name}"),
            StreamId::Incidents(name) => write!(f, "incidents/{name}"),
        }
    }
}

impl FromStr for StreamId {
    type Err = StreamIdError;

    fn from_str(text: &str) -> Result<Self, StreamIdError> {
        let bad = || StreamIdError(text.chars().take(200).collect());
        let (kind, name) = text.split_once('/').ok_or_else(bad)?;
        Ok(match kind {
            "project" => StreamId::Project(name.parse().map_err(|_| bad())?),
            "release" => StreamId::Release(name.parse().map_err(|_| bad())?),
            "stage" => StreamId::Stage(name.parse().map_err(|_| bad())?),
            "promotion" => StreamId::Promotion(name.parse().map_err(|_| bad())?),
            "notifications" => StreamId::Notifications(name.parse().map_err(|_| bad())?),
            "incidents" => StreamId::Incidents(name.parse().map_err(|_| bad())?),
            _ => return Err(bad()),
        })
    }
}

impl Serialize for StreamId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StreamId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::name::from_text(deserializer)
    }
}

impl schemars::JsonSchema for StreamId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "StreamId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^(project|release|stage|promotion|notifications|incidents)/.+$"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_read_back_what_they_print() {
        for text in [
            "project/payments",
            "stage/payments/payment-service/dev",
            "promotion/payments/payment-service/dev/7",
            "notifications/payments",
            "incidents/payments",
            &format!("release/{}", Digest::of(b"")),
        ] {
            assert_eq!(text.parse::<StreamId>().unwrap().to_string(), text);
        }
        assert!("project/Payments".parse::<StreamId>().is_err());
        assert!("team/payments".parse::<StreamId>().is_err());
    }
}
