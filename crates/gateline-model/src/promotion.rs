//! Promotions: one attempt to bring one release into one stage, from request to end.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{NameError, StageRef};

/// A promotion's id: its stage and its number there, `payments/payment-service/production/7`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PromotionId {
    /// The stage to enter.
    pub stage: StageRef,
    /// Counts the promotions into this stage from 1.
    pub number: u64,
}

/// Why a text is not a [`PromotionId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromotionIdError {
    /// A part is not a legal name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The form is another.
    #[error("`{0}` is not a promotion: write PROJECT/PIPELINE/STAGE/NUMBER")]
    Form(String),
}

impl fmt::Display for PromotionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.stage, self.number)
    }
}

impl FromStr for PromotionId {
    type Err = PromotionIdError;

    fn from_str(text: &str) -> Result<Self, PromotionIdError> {
        let form = || PromotionIdError::Form(text.chars().take(200).collect());
        let (stage, number) = text.rsplit_once('/').ok_or_else(form)?;
        Ok(Self {
            stage: stage.parse()?,
            number: number.parse().map_err(|_| form())?,
        })
    }
}

impl Serialize for PromotionId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PromotionId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::name::from_text(deserializer)
    }
}

impl JsonSchema for PromotionId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PromotionId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "PROJECT/PIPELINE/STAGE/NUMBER"})
    }
}

/// Why there is a promotion at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PromotionKind {
    /// A release goes on.
    Forward,
    /// The release that was live before comes back. Windows and freezes let it pass.
    Rollback,
}

/// How a promotion ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PromotionOutcome {
    /// The release is live and its verification is satisfied.
    Verified,
    /// A gate refused and its deadline passed, or nothing can change the refusal.
    Refused,
    /// It was held longer than the stage allows.
    Expired,
    /// A newer release took its place.
    Superseded,
    /// An actor ended it.
    Aborted,
    /// The rollout was taken back; the release is barred.
    RolledBack,
    /// The rollout could not be taken back: a person is called.
    RollbackFailed,
}

impl PromotionOutcome {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            PromotionOutcome::Verified => "verified",
            PromotionOutcome::Refused => "refused",
            PromotionOutcome::Expired => "expired",
            PromotionOutcome::Superseded => "superseded",
            PromotionOutcome::Aborted => "aborted",
            PromotionOutcome::RolledBack => "rolled_back",
            PromotionOutcome::RollbackFailed => "rollback_failed",
        }
    }
}

impl fmt::Display for PromotionOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
