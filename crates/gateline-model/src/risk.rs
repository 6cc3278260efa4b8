//! Risk: the assessed level of a change, impact x uncertainty, factor by factor.
//!
//! Knows the words and the arithmetic; where a factor's value comes from is `gateline-core`'s.

mod table;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use table::*;

/// The assessed level of a change.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say all")]
pub enum Risk {
    #[default]
    Low,
    Medium,
    High,
    Critical,
}

impl Risk {
    /// Every level, the lowest first.
    pub const ALL: [Risk; 4] = [Risk::Low, Risk::Medium, Risk::High, Risk::Critical];

    /// The word, as conditions write it.
    pub fn word(self) -> &'static str {
        match self {
            Risk::Low => "low",
            Risk::Medium => "medium",
            Risk::High => "high",
            Risk::Critical => "critical",
        }
    }
}

/// What a factor says of: how much is lost when it goes wrong, or how little is known of whether it will.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// How much is lost when it goes wrong.
    #[default]
    Impact,
    /// How little is known of whether it goes wrong.
    Uncertainty,
}

impl Side {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Side::Impact => "impact",
            Side::Uncertainty => "uncertainty",
        }
    }
}

/// What made the level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AssessedBy {
    /// The stage declares no risk.
    #[default]
    Nothing,
    /// The first rule that held.
    Rules,
    /// Points of factors in the pipeline's table.
    Table,
    /// Points of factors that a policy module gave.
    Module,
}

/// One factor's part in an assessment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FactorPart {
    /// The factor, as in `size`.
    pub factor: String,
    /// What it says of.
    pub of: Side,
    /// What it is for this promotion, as in `1200 lines`; none where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The points that it gives.
    pub points: u32,
    /// The most that it can give; what is not known gives all of them.
    pub at_most: u32,
    /// Why it gives them, as one sentence; or why it is not known.
    pub why: String,
}

impl FactorPart {
    /// Whether its value could not be found out.
    pub fn is_unknown(&self) -> bool {
        self.value.is_none()
    }

    /// It as one line: `+20 size: 1200 lines (>= 1000)`.
    pub fn line(&self) -> String {
        let Self {
            factor, points, why, ..
        } = self;
        format!("+{points} {factor}: {why}")
    }
}

/// How a risk level came about. Recorded with the decision; printed word for word by every surface.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Assessment {
    /// The level.
    pub level: Risk,
    /// What made it.
    pub by: AssessedBy,
    /// How much is lost when it goes wrong, 0 to 100; 0 where rules made the level.
    pub impact: u32,
    /// How little is known of whether it goes wrong, 0 to 100; 0 where rules made the level.
    pub uncertainty: u32,
    /// Impact x uncertainty, 0 to 100, rounded up.
    pub score: u32,
    /// Each factor's part, those that weigh most first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub factors: Vec<FactorPart>,
    /// One sentence for a person.
    pub why: String,
}

impl Assessment {
    /// The factors whose values could not be found out.
    pub fn unknown(&self) -> impl Iterator<Item = &FactorPart> {
        self.factors.iter().filter(|factor| factor.is_unknown())
    }
}
