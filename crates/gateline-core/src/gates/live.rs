//! Gates on live checks: what was seen last, whether that is fresh enough, and when to look again.

use gateline_model::{CheckOf, Facts, Found, Gate, Reading, Span};

use super::{GateView, Says};

/// Time between two runs of a check that does not pass.
pub(super) fn every_default() -> Span {
    super::EVERY_DEFAULT
}

/// How old a passed check may be at the moment of admission.
pub(super) fn max_age_default() -> Span {
    Span::from_secs(60)
}

/// What a reading comes to under a gate's criteria.
pub(super) struct Judged {
    pub passed: bool,
    /// Code of the reason where it did not pass: another reason is another code.
    pub failed: &'static str,
    pub says: String,
    pub name: &'static str,
    pub value: f64,
    pub unit: String,
    pub limit: Option<String>,
}

/// Judges the last check of a gate.
pub(super) fn judge(
    gate: &Gate,
    view: &GateView<'_>,
    every: Span,
    max_age: Span,
    criteria: impl FnOnce(&Reading) -> Option<Judged>,
) -> Says {
    let Some(checked) = view.promotion.checks.get(&(view.of, gate.name.clone())) else {
        return Says::waiting("check.first", "the first check is being run")
            .changed_by("Gateline, by itself")
            .check_due(view.now);
    };
    let retry = every.after(checked.at);
    let reading = match &checked.evidence.found {
        Found::Facts {
            facts: Facts::Reading(reading),
        } => reading,
        Found::Facts { facts } => return super::reported::foreign(facts),
        Found::Errored { reason, .. } => {
            return Says::waiting("check.errored", format!("could not find out: {reason}"))
                .evidence(checked.id)
                .changed_by("Gateline, by itself")
                .check_due(retry)
                .next("the check is run again by itself; see that its source can be reached");
        }
    };
    let Some(judged) = criteria(reading) else {
        return Says::waiting("check.foreign", "the check left a reading of another kind")
            .evidence(checked.id)
            .check_due(retry);
    };
    let numbered = |says: Says| {
        says.evidence(checked.id)
            .number(judged.name, judged.value, &judged.unit, judged.limit.clone())
    };
    if !judged.passed {
        // Before entry the world may still change; after the rollout it has spoken.
        return match view.of {
            CheckOf::Entry => numbered(Says::waiting(judged.failed, judged.says))
                .changed_by("Gateline, by itself")
                .check_due(retry)
                .next("the check is run again by itself"),
            CheckOf::Verify => numbered(Says::refused(judged.failed, judged.says)),
        };
    }
    if view.last_look && view.of == CheckOf::Entry && max_age.after(checked.at) <= view.now {
        return numbered(Says::waiting(
            "check.stale",
            format!("{}; judged again before admission", judged.says),
        ))
        .changed_by("Gateline, by itself")
        .check_due(view.now);
    }
    numbered(Says::satisfied("check.passed", judged.says))
}
