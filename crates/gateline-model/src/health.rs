//! Health: whether what is live works. Unknown is not healthy.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a driver saw of the live release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Everything that should serve serves.
    Healthy,
    /// Something that should serve does not.
    Unhealthy,
    /// It could not be found out.
    #[default]
    Unknown,
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Health::Healthy => "healthy",
            Health::Unhealthy => "unhealthy",
            Health::Unknown => "unknown",
        })
    }
}
