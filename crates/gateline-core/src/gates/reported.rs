//! Gates on reported evidence: the newest record that fits, or what is missing.

use std::sync::Arc;

use gateline_model::{Evidence, EvidenceId, Facts, Found};

use super::{GateView, Says};

/// The newest evidence in this format, with this name where one is asked for. A report that could not be read has no
/// suites to be known by: where nothing else is there, it is what has come.
fn newest<'a>(
    view: &'a GateView<'_>,
    format: &str,
    name: Option<&str>,
) -> Option<&'a (EvidenceId, Arc<Evidence>)> {
    let reports = || {
        view.release
            .evidence
            .iter()
            .rev()
            .filter(|(_, evidence)| evidence.format == format)
    };
    let nameless =
        |evidence: &Evidence| evidence.name.is_none() && matches!(evidence.found, Found::Errored { .. });
    reports()
        .find(|(_, evidence)| name.is_none_or(|name| is_called(evidence, name)))
        .or_else(|| reports().find(|(_, evidence)| nameless(evidence)))
}

fn is_called(evidence: &Evidence, name: &str) -> bool {
    let in_suites = match &evidence.found {
        Found::Facts {
            facts: Facts::Tests(tests),
        } => tests.suites.iter().any(|suite| suite == name),
        Found::Facts { .. } | Found::Errored { .. } => false,
    };
    evidence.name.as_deref() == Some(name) || in_suites
}

/// Judges the newest evidence, or says what is missing. Errored evidence is waiting, never a pass.
pub(super) fn judge(
    view: &GateView<'_>,
    format: &str,
    name: Option<&str>,
    what: &str,
    on_facts: impl FnOnce(&Facts) -> Says,
) -> Says {
    let version = &view.release.release.version;
    let add = format!(
        "report it with `gateline evidence add {}@{version}{} FILE`",
        view.pipeline.name,
        name.map(|name| format!(" --name {name}")).unwrap_or_default(),
    );
    let Some((id, evidence)) = newest(view, format, name) else {
        let called = name.map(|name| format!(" named `{name}`")).unwrap_or_default();
        return Says::waiting("evidence.missing", format!("no {what}{called} was reported yet"))
            .changed_by("a reporter (CI)")
            .next(add);
    };
    match &evidence.found {
        Found::Facts { facts } => on_facts(facts).evidence(*id),
        Found::Errored { reason } => {
            Says::waiting("evidence.errored", format!("could not find out: {reason}"))
                .evidence(*id)
                .changed_by("a reporter (CI)")
                .next(format!("mend the tool's run and {add}"))
        }
    }
}

/// The evidence has facts of another kind than its format promises: a bug, or a damaged log.
pub(super) fn foreign(facts: &Facts) -> Says {
    Says::waiting(
        "evidence.foreign",
        format!("the evidence holds {} instead", facts.kind()),
    )
    .next("report the evidence again")
}
