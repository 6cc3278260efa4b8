//! Decisions: what all gates together say, and why. The explanation is the decision; everything else prints it.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Assessment, Digest, EvidenceId, GateMode, GateName, Opening, Override, ReleaseId, Risk, StageRef,
    Version, WaiverId,
};

/// Lines kept in [`GateVerdict::details`].
pub const DETAILS_MAX: usize = 20;

/// What one gate says now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[must_use = "a verdict nobody reads holds nothing back"]
pub enum Verdict {
    /// The condition holds.
    Satisfied,
    /// Not yet: something or somebody can still make it hold.
    Waiting,
    /// It does not hold and will not by waiting.
    Refused,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Satisfied => "satisfied",
            Verdict::Waiting => "waiting",
            Verdict::Refused => "refused",
        })
    }
}

/// What all gates say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[must_use = "an admission nobody reads admits nothing"]
pub enum Admission {
    /// Every gate is satisfied, or an override names it.
    Admit,
    /// At least one gate waits; none refuses.
    Hold,
    /// At least one gate refuses.
    Refuse,
}

impl Admission {
    /// The word for a release in this state: `admitted`, `held`, `refused`.
    pub fn state(self) -> &'static str {
        match self {
            Admission::Admit => "admitted",
            Admission::Hold => "held",
            Admission::Refuse => "refused",
        }
    }
}

/// One gate's verdict with everything that a person needs to understand and change it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GateVerdict {
    /// The gate.
    pub gate: GateName,
    /// Its kind.
    pub kind: String,
    /// Why the gate is there, in the words of the pipeline's owners.
    pub because: String,
    /// What it says.
    pub verdict: Verdict,
    /// Stable code of the reason, as in `soak.running`. A decision is recorded when a verdict or a code changes.
    pub code: String,
    /// The reason as one sentence with its numbers.
    pub says: String,
    /// The numbers behind the sentence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<Number>,
    /// The evidence that was judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EvidenceId>,
    /// Since when the gate has said this.
    pub since: Timestamp,
    /// When it changes by itself, at the earliest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// When the gate's live check is to be run next; none where no check is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_due: Option<Timestamp>,
    /// Who or what can change it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed_by: Vec<String>,
    /// What to do next, as one sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub next: String,
    /// What stands behind the sentence, line by line: the gravest findings with file and line, the slowest requests, what
    /// differs; the gravest first, at most [`DETAILS_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
    /// Accepted exceptions that the verdict rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<WaiverId>,
    /// Whether it keeps the release out or only advises.
    #[serde(default, skip_serializing_if = "GateMode::is_enforce")]
    pub mode: GateMode,
    /// Who answers for the gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Where it is written what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
    /// The override that admits although the gate is not satisfied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridden: Option<Override>,
}

impl GateVerdict {
    /// Whether the gate keeps the release out: not satisfied, not overridden, and not mere advice.
    pub fn keeps_out(&self) -> bool {
        self.verdict != Verdict::Satisfied && self.overridden.is_none() && self.mode.is_enforce()
    }

    /// Whether people are asked by it now.
    pub fn is_asking(&self) -> bool {
        self.kind == "approval" && matches!(self.code.as_str(), "approval.asked" | "approval.escalated")
    }
}

/// One number of a verdict, with its limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Number {
    /// What is counted, as in `lines`.
    pub name: String,
    /// The value. Always finite.
    pub value: f64,
    /// Its unit, as in `%`, `s`; empty for a count.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// The limit as the pipeline writes it, as in `>= 80%`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
}

/// All verdicts together, at one moment. Stored; printed word for word by every surface.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[must_use = "a decision nobody reads decides nothing"]
pub struct Decision {
    /// The release that was judged.
    pub release: ReleaseId,
    /// Its label.
    pub version: Version,
    /// The stage that it wants to enter.
    pub stage: StageRef,
    /// The pipeline version that the gates come from.
    pub pipeline: Digest,
    /// What follows from the verdicts.
    pub admission: Admission,
    /// One sentence for a person.
    pub headline: String,
    /// Every gate's verdict, in the fixed order: automatic first, people last. Never cut short.
    pub verdicts: Vec<GateVerdict>,
    /// The assessed risk's level.
    pub risk: Risk,
    /// How the level came about, factor by factor.
    pub assessment: Assessment,
    /// Digest of what an approver is asked: an approval counts only while this stays the same.
    pub question: Digest,
    /// When it was decided.
    pub at: Timestamp,
    /// When a verdict changes by itself, at the earliest; the decision is due again then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// When windows, freezes and an approval's window let the release in next, while they keep it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening: Option<Opening>,
}

impl Decision {
    /// Short code that a person can compare between screens: 8 hex digits of the question.
    pub fn code(&self) -> String {
        self.question.code()
    }

    /// How many gates are satisfied.
    pub fn satisfied(&self) -> usize {
        self.verdicts
            .iter()
            .filter(|gate| gate.verdict == Verdict::Satisfied)
            .count()
    }

    /// Whether two decisions differ in a verdict, a reason, a due time, an override or who can change it, not only in a number.
    pub fn differs_from(&self, other: &Decision) -> bool {
        let same = |a: &GateVerdict, b: &GateVerdict| {
            a.gate == b.gate
                && a.verdict == b.verdict
                && a.code == b.code
                && a.evidence == b.evidence
                && a.waivers == b.waivers
                && a.until == b.until
                && a.check_due.is_some() == b.check_due.is_some()
                && a.overridden == b.overridden
                && a.changed_by == b.changed_by
        };
        self.admission != other.admission
            || self.opening != other.opening
            || self.question != other.question
            || self.verdicts.len() != other.verdicts.len()
            || !self.verdicts.iter().zip(&other.verdicts).all(|(a, b)| same(a, b))
    }
}
