//! The summary that an approver sees: what changes, what is risked, what the gates say, what happens next, who else is
//! asked, until when, and what is recommended. One record for page, command line, chat and mail; [`Summary::text`] prints it.
//!
//! Knows no state: `gateline-core` makes it from the recorded decision.

mod text;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Assessment, ChangeText, Digest, GateName, PromotionId, PromotionKind, Version};

pub use text::{SUMMARY_COLUMNS_MAX, SUMMARY_LINES_MAX, moment};

/// Everything that somebody who is asked needs, on one screen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// The promotion that is asked about.
    pub promotion: PromotionId,
    /// The release's label.
    pub version: Version,
    /// The promotion's kind.
    pub kind: PromotionKind,
    /// What is asked: an answer counts for this alone.
    pub question: Digest,
    /// The short code of the question, as in `7f3a 90c2`.
    pub code: String,
    /// What changes.
    pub brings: Brings,
    /// The risk, and why.
    pub risk: Assessment,
    /// What the gates say, exceptions first. The approval gate is not among them: it is the question.
    pub gates: Vec<GateNow>,
    /// What happens when everybody says yes.
    pub ahead: Ahead,
    /// The layers that are asked, in their order; empty where nobody is.
    pub asked: Vec<LayerSays>,
    /// Answers of no that stand, one sentence each, with who has the last word.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<String>,
    /// How soon an answer is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_by: Option<Timestamp>,
    /// When the promotion expires if it is not admitted.
    pub expires_at: Timestamp,
    /// Who is told, and when.
    pub told: Vec<Told>,
    /// What is recommended.
    pub recommended: Recommended,
}

/// What a release changes in its stage.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Brings {
    /// The kind of change and what is special about it, as in `feature, breaking`.
    pub kind: String,
    /// The label of what is live; none where nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Version>,
    /// Since when it is live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_since: Option<Timestamp>,
    /// What is different from it, as one line: releases between, artifacts, paths, lines.
    pub differs: String,
    /// Tickets that it belongs to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tickets: Vec<String>,
    /// Who wrote it and what they say of it; none where it was erased or the reader may not see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<ChangeText>,
}

/// Where one gate stands, the most telling first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateStands {
    /// It refuses.
    Refused,
    /// It is not satisfied; somebody permitted to admit all the same.
    Overridden,
    /// It waits.
    Waiting,
    /// It is not satisfied, and only advises.
    Advises,
    /// It is satisfied because findings were waived.
    Waived,
    /// It is satisfied.
    Satisfied,
}

impl GateStands {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            GateStands::Refused => "refused",
            GateStands::Overridden => "overridden",
            GateStands::Waiting => "waiting",
            GateStands::Advises => "advises",
            GateStands::Waived => "waived",
            GateStands::Satisfied => "satisfied",
        }
    }
}

/// One gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateNow {
    /// The gate.
    pub gate: GateName,
    /// Where it stands.
    pub stands: GateStands,
    /// Its sentence, word for word as it was recorded.
    pub says: String,
}

/// What happens when everybody says yes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Ahead {
    /// The rollout's plan, as one line.
    pub rollout: String,
    /// What happens when it goes wrong, as one line.
    pub rollback: String,
    /// How long it will take, and what it will take it by; none where nothing can be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forecast: Option<String>,
}

/// One layer that is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LayerSays {
    /// Whether its people are asked now.
    pub now: bool,
    /// Whether it has the answers that it needs.
    pub complete: bool,
    /// One sentence: how many of how many, from whom, who answered.
    pub says: String,
}

/// Who is told something, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Told {
    /// When, as in `now` or `every 4h until it is answered`.
    pub when: String,
    /// Who, as a layer names them.
    pub who: String,
}

/// What Gateline recommends. It never decides: that is what is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Say yes.
    Approve,
    /// Look at what is named before an answer.
    Look,
    /// Wait: an answer would come too early.
    Wait,
    /// Nothing: nobody is asked.
    Nothing,
}

impl Act {
    /// The words, as a person is told them.
    pub fn words(self) -> &'static str {
        match self {
            Act::Approve => "approve",
            Act::Look => "look closer before you answer",
            Act::Wait => "wait",
            Act::Nothing => "nothing to do",
        }
    }
}

/// The recommended act, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Recommended {
    /// What to do.
    pub act: Act,
    /// Why, as one sentence.
    pub because: String,
}
