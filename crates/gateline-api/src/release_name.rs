//! Names of releases as requests carry them: an id, or a label with or without its project.

use std::fmt;
use std::str::FromStr;

use gateline_model::{ReleaseId, ReleaseRef};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a request calls a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReleaseName {
    /// Its id.
    Id(ReleaseId),
    /// Its label.
    Label(ReleaseRef),
}

/// Why a text names no release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a release: write PIPELINE@VERSION, PROJECT/PIPELINE@VERSION or its id `sha256:..`")]
pub struct ReleaseNameError(String);

impl FromStr for ReleaseName {
    type Err = ReleaseNameError;

    fn from_str(text: &str) -> Result<Self, ReleaseNameError> {
        let bad = || ReleaseNameError(text.chars().take(200).collect());
        if text.starts_with("sha256:") {
            return text.parse().map(ReleaseName::Id).map_err(|_| bad());
        }
        text.parse().map(ReleaseName::Label).map_err(|_| bad())
    }
}

impl fmt::Display for ReleaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReleaseName::Id(id) => id.fmt(f),
            ReleaseName::Label(label) => label.fmt(f),
        }
    }
}

impl Serialize for ReleaseName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ReleaseName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for ReleaseName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ReleaseName".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "PIPELINE@VERSION, PROJECT/PIPELINE@VERSION or the release's id `sha256:..`"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_called_by_label_or_id() {
        let id = gateline_model::Digest::of(b"x").to_string();
        for text in ["payment-service@1.4.0", "payments/payment-service@1.4.0", &id] {
            assert_eq!(text.parse::<ReleaseName>().unwrap().to_string(), text);
        }
        for text in ["", "payment-service", "sha256:12", "a/b/c@1"] {
            assert!(text.parse::<ReleaseName>().is_err(), "{text}");
        }
    }
}
