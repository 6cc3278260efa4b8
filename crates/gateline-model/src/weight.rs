//! Shares: of traffic in whole per cent, and of anything with a fraction.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A share of traffic in whole per cent, 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Weight(u8);

/// Why a text is not a [`Weight`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a weight: write a whole per cent from `0%` to `100%`")]
pub struct WeightError(String);

impl Weight {
    /// All traffic.
    pub const ALL: Weight = Weight(100);
    /// No traffic.
    pub const NONE: Weight = Weight(0);

    /// A weight of so many per cent; more than 100 becomes 100.
    pub fn percent(percent: u8) -> Self {
        Self(percent.min(100))
    }

    /// The same, for constants.
    ///
    /// # Panics
    /// At compile time, when it is more than 100.
    pub(crate) const fn literal(percent: u8) -> Self {
        assert!(percent <= 100, "a weight is at most 100 per cent");
        Self(percent)
    }

    /// Whole per cent.
    pub fn as_percent(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

impl FromStr for Weight {
    type Err = WeightError;

    fn from_str(text: &str) -> Result<Self, WeightError> {
        let number = text
            .strip_suffix('%')
            .and_then(|digits| digits.trim().parse::<u8>().ok());
        match number {
            Some(percent) if percent <= 100 => Ok(Self(percent)),
            Some(_) | None => Err(WeightError(text.chars().take(40).collect())),
        }
    }
}

impl Serialize for Weight {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Weight {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::name::from_text(deserializer)
    }
}

impl JsonSchema for Weight {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Weight".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^(100|[0-9]{1,2})%$", "description": "a share of traffic, as in 25%"})
    }
}

/// A share with a fraction, kept as a number from 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Percent(f64);

/// Why a text is not a [`Percent`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a share: write a per cent from `0%` to `100%`, as in `0.5%`")]
pub struct PercentError(String);

impl Percent {
    /// The number, 0 to 100.
    pub fn as_f64(self) -> f64 {
        self.0
    }

    /// The share, 0 to 1.
    pub fn share(self) -> f64 {
        self.0 / 100.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

impl FromStr for Percent {
    type Err = PercentError;

    fn from_str(text: &str) -> Result<Self, PercentError> {
        let number = text
            .strip_suffix('%')
            .and_then(|digits| digits.trim().parse::<f64>().ok());
        match number {
            Some(percent) if (0.0..=100.0).contains(&percent) => Ok(Self(percent)),
            Some(_) | None => Err(PercentError(text.chars().take(40).collect())),
        }
    }
}

impl Serialize for Percent {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::name::from_text(deserializer)
    }
}

impl JsonSchema for Percent {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Percent".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?%$", "description": "a share, as in 0.5%"})
    }
}
