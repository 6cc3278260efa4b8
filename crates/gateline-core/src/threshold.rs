//! Thresholds as people write them: `>= 80%`, `<= 2`, `< 300ms`.
//! Knows no metric: only a comparison, a number and a unit.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A comparison with a number.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    compare: Compare,
    limit: f64,
    unit: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compare {
    AtLeast,
    AtMost,
    Above,
    Below,
    Equal,
}

/// Longest first, so that `<=` is not read as `<`.
const COMPARISONS: [(&str, Compare); 5] = [
    (">=", Compare::AtLeast),
    ("<=", Compare::AtMost),
    ("==", Compare::Equal),
    (">", Compare::Above),
    ("<", Compare::Below),
];

/// Why a text is not a [`Threshold`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a threshold: write a comparison and a number, as in `>= 80%` or `<= 2`")]
pub struct ThresholdError(String);

impl Threshold {
    /// Whether the value is within the threshold. Nothing is when it is not finite.
    pub fn holds(&self, value: f64) -> bool {
        value.is_finite()
            && match self.compare {
                Compare::AtLeast => value >= self.limit,
                Compare::AtMost => value <= self.limit,
                Compare::Above => value > self.limit,
                Compare::Below => value < self.limit,
                Compare::Equal => value == self.limit,
            }
    }

    /// The unit as written: `%`, `ms`, or nothing.
    pub fn unit(&self) -> &str {
        &self.unit
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, _) = COMPARISONS
            .iter()
            .find(|(_, c)| *c == self.compare)
            .ok_or(fmt::Error)?;
        let space = if self.unit.is_empty() || self.unit == "%" {
            ""
        } else {
            " "
        };
        write!(f, "{sign} {}{space}{}", self.limit, self.unit)
    }
}

impl FromStr for Threshold {
    type Err = ThresholdError;

    fn from_str(text: &str) -> Result<Self, ThresholdError> {
        let bad = || ThresholdError(text.chars().take(40).collect());
        let trimmed = text.trim();
        let (sign, compare) = COMPARISONS
            .iter()
            .find(|(sign, _)| trimmed.starts_with(sign))
            .ok_or_else(bad)?;
        let rest = trimmed[sign.len()..].trim_start();
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.' && c != '-')
            .unwrap_or(rest.len());
        let limit: f64 = rest[..digits].parse().map_err(|_| bad())?;
        let unit = rest[digits..].trim();
        if !limit.is_finite()
            || unit.len() > 8
            || unit.contains(|c: char| c.is_whitespace() || c.is_ascii_digit())
        {
            return Err(bad());
        }
        Ok(Self {
            compare: *compare,
            limit,
            unit: unit.to_owned(),
        })
    }
}

impl Serialize for Threshold {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Threshold {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Threshold {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Threshold".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^\\s*(>=|<=|==|>|<)\\s*-?[0-9]+(\\.[0-9]+)?\\s*\\S{0,8}$",
            "description": "a comparison and a number, as in >= 80%"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_read_back_what_they_print() {
        for text in [">= 80%", "<= 2", "< 300 ms", "> 0.5", "== 0"] {
            assert_eq!(text.parse::<Threshold>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn the_limit_itself_is_in_only_with_an_equals_sign() {
        assert!(">= 80%".parse::<Threshold>().unwrap().holds(80.0));
        assert!(!"> 80%".parse::<Threshold>().unwrap().holds(80.0));
    }

    #[test]
    fn no_number_is_never_within_a_threshold() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(!">= 0".parse::<Threshold>().unwrap().holds(value));
            assert!(!"<= 0".parse::<Threshold>().unwrap().holds(value));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "80%", ">= ", ">= many", "=> 5", ">= 1 2"] {
            assert!(text.parse::<Threshold>().is_err(), "{text}");
        }
    }
}
