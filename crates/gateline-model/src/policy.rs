//! Policy modules: what they are called and what they say. Their language is `gateline-policy`'s.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Digest, FactRow, FactorPart};

/// Most reasons and most warnings that are kept of one run of a module; the rest is counted.
pub const POLICY_REASONS_MAX: usize = 100;
/// Longest message that is kept of one reason, in bytes; what is longer is cut.
pub const POLICY_MESSAGE_BYTES_MAX: usize = 1_000;

/// One thing that a rule of a policy module says of its input.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct PolicyReason {
    /// The package of the rule, as in `main`.
    pub package: String,
    /// The rule, as in `deny`.
    pub rule: String,
    /// What it says.
    pub message: String,
    /// Since when it counts, where it says so. Until then a denial is a warning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_on: Option<Timestamp>,
}

/// What one run of a policy module said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyReading {
    /// The version of the module: the digest of its files.
    pub module: Digest,
    /// Digest of what the input was made from. The reading counts only while this is so.
    pub basis: Digest,
    /// Digest of the input itself.
    pub input: Digest,
    /// How many rules were asked.
    pub rules: u32,
    /// What is denied: the first hundred.
    pub denied: Vec<PolicyReason>,
    /// How many denials there are.
    pub denials: u64,
    /// What is warned of: the first hundred.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warned: Vec<PolicyReason>,
    /// How many warnings there are.
    #[serde(default)]
    pub warnings: u64,
    /// The risk factors that its rules `risk_factor` give.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub factors: Vec<FactorPart>,
    /// When the next rule that only warns for now begins to count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl PolicyReason {
    /// It and the rule that says it, as one line.
    pub fn line(&self) -> String {
        let Self {
            package,
            rule,
            message,
            effective_on,
        } = self;
        let from = effective_on.map(|from| format!(", effective on {from}"));
        format!("{message} ({package}.{rule}{})", from.unwrap_or_default())
    }
}

impl PolicyReading {
    /// What it says, as names and texts in the order in which people read it.
    pub(crate) fn rows(&self) -> Vec<FactRow> {
        let row = |name: &str, value: String| FactRow {
            name: name.to_owned(),
            value,
        };
        let lines = |name: &str, reasons: &[PolicyReason]| -> Vec<FactRow> {
            reasons.iter().map(|reason| row(name, reason.line())).collect()
        };
        let mut rows = vec![
            row("policy", self.says()),
            row("module", self.module.to_string()),
            row("input", self.input.to_string()),
        ];
        rows.extend(lines("denied", &self.denied));
        rows.extend(lines("warned", &self.warned));
        rows.extend(self.factors.iter().map(|factor| row("risk", factor.line())));
        rows
    }

    /// One sentence of it.
    pub fn says(&self) -> String {
        let rules = match self.rules {
            1 => "1 rule".to_owned(),
            many => format!("{many} rules"),
        };
        let warned = match self.warnings {
            0 => String::new(),
            1 => " with 1 warning".to_owned(),
            many => format!(" with {many} warnings"),
        };
        match (self.denials, self.denied.first()) {
            (0, _) => format!("{rules} passed{warned}"),
            (1, Some(only)) => only.line(),
            (many, Some(first)) => format!("{}, and {} more", first.line(), many - 1),
            (many, None) => format!("{many} denials"),
        }
    }
}
