//! Gates on live checks: what was seen last, whether that is fresh enough, and when to look again.

use gateline_model::{CheckOf, Facts, Found, Gate, Reading, Span};

use super::{GateView, Says};
use crate::state::Checked;

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

/// The last check of a gate with its reading, or what is said as long as there is none.
pub(super) fn last<'v>(
    gate: &Gate,
    view: &'v GateView<'_>,
    every: Span,
) -> Result<(&'v Checked, &'v Reading), Box<Says>> {
    // What another check found says nothing of this one: it is as if none had been run.
    let wanted = super::observed(gate, view.risk).map(|observes| observes.digest());
    let recorded = view.promotion.checks.get(&(view.of, gate.name.clone()));
    let Some(checked) = recorded.filter(|checked| Some(checked.check) == wanted) else {
        let says = Says::waiting("check.first", "the first check is being run");
        return Err(Box::new(
            says.changed_by("Gateline, by itself").check_due(view.now),
        ));
    };
    match &checked.evidence.found {
        Found::Facts {
            facts: Facts::Reading(reading),
        } => Ok((checked, reading)),
        Found::Facts { facts } => Err(Box::new(super::reported::foreign(facts))),
        Found::Errored { reason, .. } => {
            let says = Says::waiting("check.errored", format!("could not find out: {reason}"));
            Err(Box::new(
                says.evidence(checked.id)
                    .changed_by("Gateline, by itself")
                    .check_due(every.after(checked.at))
                    .next("the check is run again by itself; see that its source can be reached"),
            ))
        }
    }
}

/// The check left something that is not this gate's.
pub(super) fn other_kind(checked: &Checked, every: Span) -> Says {
    Says::waiting("check.foreign", "the check left a reading of another kind")
        .evidence(checked.id)
        .check_due(every.after(checked.at))
}

/// A passed check that is too old for this very look, which would admit.
pub(super) fn is_stale(view: &GateView<'_>, checked: &Checked, max_age: Span) -> bool {
    view.last_look && view.of == CheckOf::Entry && max_age.after(checked.at) <= view.now
}

/// What is said of a passed check that is too old.
pub(super) fn stale(view: &GateView<'_>, says: &str) -> Says {
    Says::waiting("check.stale", format!("{says}; judged again before admission"))
        .changed_by("Gateline, by itself")
        .check_due(view.now)
}

/// Judges the last check of a gate.
pub(super) fn judge(
    gate: &Gate,
    view: &GateView<'_>,
    every: Span,
    max_age: Span,
    criteria: impl FnOnce(&Reading) -> Option<Judged>,
) -> Says {
    let (checked, reading) = match last(gate, view, every) {
        Ok(last) => last,
        Err(says) => return *says,
    };
    let retry = every.after(checked.at);
    let Some(judged) = criteria(reading) else {
        return other_kind(checked, every);
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
            CheckOf::Step | CheckOf::Verify | CheckOf::Watch => {
                numbered(Says::refused(judged.failed, judged.says))
            }
        };
    }
    if is_stale(view, checked, max_age) {
        return numbered(stale(view, &judged.says));
    }
    numbered(Says::satisfied("check.passed", judged.says))
}
