//! Gates on reported evidence: the newest record that fits, or what is missing.

use std::sync::Arc;

use gateline_model::{Evidence, EvidenceId, Facts, Found, Gate, Span};

use super::{GateView, Says};
use crate::state::ReleaseState;

/// Which evidence a gate asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// The kind of facts.
    pub kind: &'a str,
    /// The one format; any that has such facts where it is not given.
    pub format: Option<&'a str>,
    /// The name that the reporter gave; any where it is not given.
    pub name: Option<&'a str>,
    /// What it is, for people: `test report`.
    pub what: &'a str,
}

/// The newest evidence that fits. A report that could not be read has no suites to be known by: where nothing else is
/// there, it is what has come.
pub(super) fn newest<'r>(
    release: &'r ReleaseState,
    wanted: Wanted<'_>,
) -> Option<&'r (EvidenceId, Arc<Evidence>)> {
    let fits = |evidence: &Evidence| match wanted.format {
        Some(format) => evidence.format == format,
        None => evidence.kind() == Some(wanted.kind),
    };
    let reports = || {
        release
            .evidence
            .iter()
            .rev()
            .filter(|(_, evidence)| fits(evidence))
    };
    let nameless =
        |evidence: &Evidence| evidence.name.is_none() && matches!(evidence.found, Found::Errored { .. });
    reports()
        .find(|(_, evidence)| wanted.name.is_none_or(|name| is_called(evidence, name)))
        .or_else(|| reports().find(|(_, evidence)| nameless(evidence)))
}

fn is_called(evidence: &Evidence, name: &str) -> bool {
    let in_itself = match &evidence.found {
        Found::Facts {
            facts: Facts::Tests(tests),
        } => tests.suites.iter().any(|suite| suite == name),
        Found::Facts {
            facts: Facts::Findings(findings),
        } => findings.tools.iter().any(|tool| tool == name),
        Found::Facts {
            facts: Facts::Custom(custom),
        } => custom.of == name,
        Found::Facts { .. } | Found::Errored { .. } => false,
    };
    evidence.name.as_deref() == Some(name) || in_itself
}

/// The facts of the newest evidence of the baseline that fits.
pub(super) fn baseline_facts(view: &GateView<'_>, wanted: Wanted<'_>) -> Option<(EvidenceId, Facts)> {
    let baseline = view.baseline()?;
    let (id, evidence) = newest(&baseline, wanted)?;
    match &evidence.found {
        Found::Facts { facts } => Some((*id, facts.clone())),
        Found::Errored { .. } => None,
    }
}

/// Judges the newest evidence, or says what is missing. Errored or stale evidence is waiting, never a pass.
pub(super) fn judge(
    gate: &Gate,
    view: &GateView<'_>,
    wanted: Wanted<'_>,
    on_facts: impl FnOnce(&Facts) -> Says,
) -> Says {
    let Wanted { what, name, .. } = wanted;
    let add = add(view, name);
    let Some((id, evidence)) = newest(view.release, wanted) else {
        let called = name.map(|name| format!(" named `{name}`")).unwrap_or_default();
        return Says::waiting("evidence.missing", format!("no {what}{called} was reported yet"))
            .changed_by("a reporter (CI)")
            .next(add);
    };
    let facts = match &evidence.found {
        Found::Facts { facts } => facts,
        Found::Errored { reason, .. } => {
            return Says::waiting("evidence.errored", format!("could not find out: {reason}"))
                .evidence(*id)
                .changed_by("a reporter (CI)")
                .next(format!("mend the tool's run and {add}"));
        }
    };
    let Some(max_age) = gate.max_age else {
        return on_facts(facts).evidence(*id);
    };
    let stale_at = max_age.after(evidence.at);
    if stale_at <= view.now {
        let age = Span::between(evidence.at, view.now);
        return Says::waiting(
            "evidence.stale",
            format!("the {what} is {age} old; it may be {max_age} old"),
        )
        .evidence(*id)
        .changed_by("a reporter (CI)")
        .next(format!("run the tool again and {add}"));
    }
    on_facts(facts).evidence(*id).until(stale_at)
}

/// How evidence is reported for this release.
pub(super) fn add(view: &GateView<'_>, name: Option<&str>) -> String {
    let version = &view.release.release.version;
    let name = name.map(|name| format!(" --name {name}")).unwrap_or_default();
    format!(
        "report it with `gateline evidence add {}@{version}{name} FILE`",
        view.pipeline.name
    )
}

/// The evidence has facts of another kind than its format promises: a bug, or a damaged log.
pub(super) fn foreign(facts: &Facts) -> Says {
    Says::waiting(
        "evidence.foreign",
        format!("the evidence holds {} instead", facts.kind()),
    )
    .next("report the evidence again")
}
