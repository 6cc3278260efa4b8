//! Overrides: one gate passed with a reason, perhaps by two people, and the review that is owed afterwards.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::window::is_false;
use crate::{ActorId, Asked, GateName, PromotionId, ReleaseId, Span, Version};

/// Reasoned, expiring permission to admit although one named gate is not satisfied.
/// The reason is in the event's erasable part; the gate stays unsatisfied on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Override {
    /// The gate that it names.
    pub gate: GateName,
    /// Who asked for it.
    pub by: ActorId,
    /// When it was asked for.
    pub at: Timestamp,
    /// When it ends.
    pub until: Timestamp,
    /// The second person, who confirmed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_by: Option<ActorId>,
}

/// What a stage asks of overrides.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OverrideRules {
    /// Whether an override counts only when another person, who may override here too, has confirmed it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub second_person: bool,
    /// Who writes the review of a release that came in by an override, and how soon.
    #[serde(default, skip_serializing_if = "ReviewRule::is_default")]
    pub review: ReviewRule,
    /// What reviews that are not written hold back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open_reviews_hold: Vec<HeldByReviews>,
}

impl OverrideRules {
    /// Whether there is nothing but defaults.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Who writes reviews, and how soon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewRule {
    /// How soon after admission.
    #[serde(default = "ReviewRule::within_default")]
    pub within: Span,
    /// Who may write it: a team, `actor:ID`, or `owners`; whoever may override here where nobody is named.
    #[serde(default, skip_serializing_if = "Asked::is_empty")]
    pub from: Asked,
    /// Whether somebody who took part in the override may not write it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub by_another: bool,
}

impl ReviewRule {
    /// Three days: soon enough to remember, long enough to sleep after the night of the outage.
    pub fn within_default() -> Span {
        Span::from_secs(3 * 86_400)
    }

    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for ReviewRule {
    fn default() -> Self {
        Self {
            within: Self::within_default(),
            from: Asked::default(),
            by_another: false,
        }
    }
}

/// What reviews that are not written hold back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HeldByReviews {
    /// The next override in the stage.
    Overrides,
    /// The next promotion into the stage; a rollback passes.
    Promotions,
}

/// A review that is owed: a release came in although a gate was not satisfied. Open until it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Review {
    /// The promotion that was admitted.
    pub promotion: PromotionId,
    /// The gate that was overridden.
    pub gate: GateName,
    /// The release.
    pub release: ReleaseId,
    /// Its label.
    pub version: Version,
    /// Who asked for the override.
    pub by: ActorId,
    /// Who confirmed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_by: Option<ActorId>,
    /// How soon it should be written.
    pub due: Timestamp,
}

impl Review {
    /// Whether it is the review of this override.
    pub fn is_of(&self, promotion: &PromotionId, gate: &GateName) -> bool {
        self.promotion == *promotion && self.gate == *gate
    }
}
