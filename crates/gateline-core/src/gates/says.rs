//! What a gate says, before the decision adds the gate's name and since when.

use gateline_model::{EvidenceId, Number, Verdict};
use jiff::Timestamp;

/// A verdict with its reason, numbers and remedy.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a verdict nobody reads holds nothing back"]
pub(crate) struct Says {
    pub verdict: Verdict,
    pub code: &'static str,
    pub says: String,
    pub numbers: Vec<Number>,
    pub evidence: Vec<EvidenceId>,
    pub until: Option<Timestamp>,
    pub check_due: Option<Timestamp>,
    pub changed_by: Vec<String>,
    pub next: String,
}

impl Says {
    fn new(verdict: Verdict, code: &'static str, says: impl Into<String>) -> Self {
        Self {
            verdict,
            code,
            says: says.into(),
            numbers: Vec::new(),
            evidence: Vec::new(),
            until: None,
            check_due: None,
            changed_by: Vec::new(),
            next: String::new(),
        }
    }

    pub(crate) fn satisfied(code: &'static str, says: impl Into<String>) -> Self {
        Self::new(Verdict::Satisfied, code, says)
    }

    pub(crate) fn waiting(code: &'static str, says: impl Into<String>) -> Self {
        Self::new(Verdict::Waiting, code, says)
    }

    pub(crate) fn refused(code: &'static str, says: impl Into<String>) -> Self {
        Self::new(Verdict::Refused, code, says)
    }

    /// Adds a number; one that is not finite is left out, as JSON has no word for it.
    pub(crate) fn number(mut self, name: &str, value: f64, unit: &str, limit: Option<String>) -> Self {
        if value.is_finite() {
            self.numbers.push(Number {
                name: name.to_owned(),
                value,
                unit: unit.to_owned(),
                limit,
            });
        }
        self
    }

    pub(crate) fn evidence(mut self, id: EvidenceId) -> Self {
        self.evidence.push(id);
        self
    }

    pub(crate) fn until(mut self, at: Timestamp) -> Self {
        self.until = Some(at);
        self
    }

    pub(crate) fn check_due(mut self, at: Timestamp) -> Self {
        self.check_due = Some(at);
        self
    }

    pub(crate) fn changed_by(mut self, who: impl Into<String>) -> Self {
        self.changed_by.push(who.into());
        self
    }

    pub(crate) fn next(mut self, what: impl Into<String>) -> Self {
        self.next = what.into();
        self
    }
}
