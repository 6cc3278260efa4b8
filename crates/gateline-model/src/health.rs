//! Health: whether what is live works. Unknown is not healthy.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits::HEALTH_WHY_BYTES_MAX;

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

/// What one look at the live release found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthSeen {
    /// The health.
    pub health: Health,
    /// Why it is not healthy, at most [`HEALTH_WHY_BYTES_MAX`] bytes.
    pub why: Option<String>,
}

impl HealthSeen {
    /// Not healthy, and why; the end of a long reason is cut.
    pub fn because(health: Health, why: impl fmt::Display) -> Self {
        let mut why = why.to_string();
        if why.len() > HEALTH_WHY_BYTES_MAX {
            why.truncate(why.floor_char_boundary(HEALTH_WHY_BYTES_MAX - 2));
            why.push_str("..");
        }
        Self {
            health,
            why: Some(why),
        }
    }
}

impl From<Health> for HealthSeen {
    fn from(health: Health) -> Self {
        Self { health, why: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let why = HealthSeen::because(Health::Unknown, "\u{e4}".repeat(10_000))
            .why
            .unwrap();
        assert!(
            why.len() <= HEALTH_WHY_BYTES_MAX && why.ends_with(".."),
            "{}",
            why.len()
        );
        let why = HealthSeen::because(Health::Unknown, "no proxy").why.unwrap();
        assert_eq!(why, "no proxy");
    }
}
