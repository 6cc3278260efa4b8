//! What a gate says, before the decision adds the gate's name and since when.

use gateline_model::{DETAILS_MAX, EvidenceId, Number, Verdict, Waiver, WaiverId};
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
    pub details: Vec<String>,
    pub waivers: Vec<WaiverId>,
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
            details: Vec::new(),
            waivers: Vec::new(),
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

    /// When it changes by itself; of several moments the earliest counts.
    pub(crate) fn until(mut self, at: Timestamp) -> Self {
        self.until = Some(self.until.map_or(at, |earlier| earlier.min(at)));
        self
    }

    /// When it changes by itself: when another verdict does.
    pub(crate) fn until_of(mut self, other: &Says) -> Self {
        self.until = other.until;
        self
    }

    /// Adds lines of detail, the gravest first; those over [`DETAILS_MAX`] are counted.
    pub(crate) fn details(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        let mut lines = lines.into_iter();
        self.details.extend(lines.by_ref().take(DETAILS_MAX - 1));
        let more = lines.count();
        self.details
            .extend((more > 0).then(|| format!("and {more} more")));
        self
    }

    /// Names a waiver that the verdict rests on; it ends with it.
    pub(crate) fn waiver(mut self, waiver: &Waiver) -> Self {
        let id = waiver.id();
        if !self.waivers.contains(&id) {
            self.waivers.push(id);
        }
        self.until(waiver.until)
    }

    /// Tells besides what is known of another part. The verdict, its code, its numbers and its end stay.
    pub(crate) fn and(mut self, other: Says) -> Self {
        self.says = format!("{}; {}", self.says, other.says);
        self.evidence.extend(other.evidence);
        self.waivers.extend(other.waivers);
        self = self.details(other.details);
        for who in other.changed_by {
            if !self.changed_by.contains(&who) {
                self.changed_by.push(who);
            }
        }
        if !self.next.contains(&other.next) {
            self.next = format!("{}; {}", self.next, other.next);
        }
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
