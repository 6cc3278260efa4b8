//! How a stage declares risk: rules, a table of factors with their points, or a policy module that gives the factors.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Risk;
use crate::{ChangeKind, PolicyName, RiskRule, Span};

/// How the risk of a change is assessed: a list of rules, a table of factors, or a policy module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RiskSource {
    /// The level of the first rule that holds.
    Rules(Vec<RiskRule>),
    /// Points of declared factors.
    Table(Box<RiskTable>),
    /// Points of factors that a policy module (Rego) gives.
    Module(RiskModule),
}

impl Default for RiskSource {
    fn default() -> Self {
        RiskSource::Rules(Vec::new())
    }
}

impl RiskSource {
    /// Whether nothing is declared.
    pub fn is_empty(&self) -> bool {
        matches!(self, RiskSource::Rules(rules) if rules.is_empty())
    }
}

/// Declared factors with their points: what is lost when it goes wrong, and how little is known of whether it will.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RiskTable {
    /// How much is lost when it goes wrong.
    pub impact: Factors,
    /// How little is known of whether it goes wrong.
    pub uncertainty: Factors,
    /// From which score on a level is reached.
    #[serde(default)]
    pub levels: Levels,
}

/// A policy module that gives the factors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RiskModule {
    /// The module, by the name that it was applied with: its rules `risk_factor` give the factors. A gate `policy` of the stage runs it.
    pub module: PolicyName,
    /// From which score on a level is reached.
    #[serde(default)]
    pub levels: Levels,
}

/// From which score on a level is reached. What is below `medium` is low.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Levels {
    /// The lowest score that is medium.
    pub medium: Points,
    /// The lowest score that is high.
    pub high: Points,
    /// The lowest score that is critical.
    pub critical: Points,
}

impl Default for Levels {
    /// Half of both sides comes to 25, which is high; most of both is critical.
    fn default() -> Self {
        Self {
            medium: Points(10),
            high: Points(25),
            critical: Points(50),
        }
    }
}

impl Levels {
    /// The level of a score.
    pub fn of(&self, score: u32) -> Risk {
        let reached = |from: Points| score >= from.get();
        match (reached(self.medium), reached(self.high), reached(self.critical)) {
            (_, _, true) => Risk::Critical,
            (_, true, false) => Risk::High,
            (true, false, false) => Risk::Medium,
            (false, false, false) => Risk::Low,
        }
    }
}

/// The factors of one side, each with its points. What is not named does not count.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Factors {
    /// Points that every change has here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Points>,
    /// Points for breaking callers of the old version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaking: Option<Points>,
    /// By how much less code the tests reach than in the live release, in percentage points, as in `>= 1%: 20`.
    #[serde(default, skip_serializing_if = "Steps::is_empty")]
    pub coverage_drop: Steps,
    /// Points for a migration of stored data, or anything else that cannot be undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_migration: Option<Points>,
    /// What share of the last promotions of this application into this stage was rolled back, as in `>= 10%: 15`.
    #[serde(default, skip_serializing_if = "Steps::is_empty")]
    pub failure_rate: Steps,
    /// Points for each kind of change, as in `infrastructure: 20`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kind: BTreeMap<ChangeKind, Points>,
    /// Points for a label's value, by the label's name, as in `team: {payments: 10}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, BTreeMap<String, Points>>,
    /// How many components its bill of materials has that the live release does not, as in `>= 1: 10`.
    #[serde(default, skip_serializing_if = "Steps::is_empty")]
    pub new_dependencies: Steps,
    /// Points for touching a path that a pattern fits, as in `src/ledger/**: 30`; the most of those that fit.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub paths: BTreeMap<String, Points>,
    /// How long before this promotion the live release went live, as in `>= 30d: 10`.
    #[serde(default, skip_serializing_if = "Steps::is_empty")]
    pub since_last: Steps,
    /// How many lines it adds and removes, as in `>= 1000: 20`.
    #[serde(default, skip_serializing_if = "Steps::is_empty")]
    pub size: Steps,
    /// Points for what the service is worth, by the tier that the pipeline declares, as in `critical: 40`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tier: BTreeMap<String, Points>,
    /// Points for conditions of your own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<RiskCondition>,
}

/// A factor of one's own: points where a condition holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RiskCondition {
    /// Condition (CEL) on `change`, `release` and `stage`.
    pub when: String,
    /// The points then.
    pub points: Points,
    /// Why it counts.
    pub because: String,
}

/// A number of points, 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Points(u32);

/// Most points of a factor, and of a side: whatever goes beyond is 100.
pub const POINTS_MAX: u32 = 100;

impl Points {
    /// So many points; more than 100 become 100.
    pub fn new(points: u32) -> Self {
        Self(points.min(POINTS_MAX))
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Points {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let points = u32::deserialize(deserializer)?;
        if points > POINTS_MAX {
            return Err(serde::de::Error::custom(format!(
                "`{points}` is not a number of points: write a whole number from 0 to {POINTS_MAX}"
            )));
        }
        Ok(Self(points))
    }
}

impl JsonSchema for Points {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Points".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "integer", "minimum": 0, "maximum": POINTS_MAX, "description": "points of a risk factor"})
    }
}

/// Points by how much there is of something: from each threshold on, as in `{">= 200": 10, ">= 1000": 30}`.
pub type Steps = BTreeMap<AtLeast, Points>;

/// A threshold that is reached from below: `>= 200`, `>= 1%`, `>= 30d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AtLeast {
    /// So many.
    Count(u64),
    /// So many hundredths of a per cent.
    Percent(u64),
    /// So long.
    Span(Span),
}

/// Why a text is not an [`AtLeast`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a threshold: write `>= 200`, `>= 1.5%` or `>= 30d`")]
pub struct AtLeastError(String);

impl AtLeast {
    /// A share in per cent, to the hundredth.
    pub fn percent(percent: f64) -> Self {
        // Saturates: no share is that large, and a negative one is none.
        AtLeast::Percent((percent * 100.0).round().max(0.0) as u64)
    }

    /// What it measures, as a word for the reader.
    pub fn measures(self) -> &'static str {
        match self {
            AtLeast::Count(_) => "a number",
            AtLeast::Percent(_) => "a share in per cent",
            AtLeast::Span(_) => "a time",
        }
    }

    /// Whether two measure the same.
    pub fn is_like(self, other: AtLeast) -> bool {
        self.measures() == other.measures()
    }

    /// The value without its comparison, as in `12 %`.
    pub fn value(self) -> String {
        match self {
            AtLeast::Count(count) => count.to_string(),
            AtLeast::Percent(hundredths) => format!("{}%", hundredths as f64 / 100.0),
            AtLeast::Span(span) => span.to_string(),
        }
    }
}

impl fmt::Display for AtLeast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ">= {}", self.value())
    }
}

impl FromStr for AtLeast {
    type Err = AtLeastError;

    fn from_str(text: &str) -> Result<Self, AtLeastError> {
        let bad = || AtLeastError(text.chars().take(40).collect());
        let rest = text.trim().strip_prefix(">=").ok_or_else(bad)?.trim();
        if let Some(percent) = rest.strip_suffix('%') {
            let percent: f64 = percent.trim().parse().map_err(|_| bad())?;
            return match (0.0..=100.0).contains(&percent) {
                true => Ok(AtLeast::percent(percent)),
                false => Err(bad()),
            };
        }
        match rest.parse() {
            Ok(count) => Ok(AtLeast::Count(count)),
            Err(_) => rest.parse().map(AtLeast::Span).map_err(|_| bad()),
        }
    }
}

impl Serialize for AtLeast {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AtLeast {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::name::from_text(deserializer)
    }
}

impl JsonSchema for AtLeast {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AtLeast".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^>= ?.+$", "description": "a threshold, as in >= 200, >= 1% or >= 30d"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_reads_back_what_it_prints() {
        for text in [">= 200", ">= 1.5%", ">= 30d"] {
            assert_eq!(text.parse::<AtLeast>().unwrap().to_string(), text);
        }
        for bad in ["200", "> 200", ">= many", ">= -1", ">= 101%", "<= 3"] {
            assert!(bad.parse::<AtLeast>().is_err(), "{bad}");
        }
    }

    #[test]
    fn more_than_a_hundred_points_are_refused() {
        assert!(serde_json::from_str::<Points>("100").is_ok());
        for bad in ["101", "-1", "1.5", "\"3\""] {
            assert!(serde_json::from_str::<Points>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_level_is_the_highest_whose_score_is_reached() {
        let levels = Levels::default();
        let all = [
            (0, Risk::Low),
            (9, Risk::Low),
            (10, Risk::Medium),
            (25, Risk::High),
            (100, Risk::Critical),
        ];
        for (score, level) in all {
            assert_eq!(levels.of(score), level, "{score}");
        }
    }

    #[test]
    fn what_is_stored_reads_back() {
        let text = r#"{"impact":{"kind":{"data_migration":40}},"uncertainty":{"size":{">= 200":10}},"levels":{"medium":5,"high":10,"critical":20}}"#;
        let source: RiskSource = serde_json::from_str(text).unwrap();
        assert!(matches!(source, RiskSource::Table(_)), "{source:?}");
        assert_eq!(serde_json::to_string(&source).unwrap(), text);
    }
}
