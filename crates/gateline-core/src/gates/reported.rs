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

/// The newest evidence of every source. A newer record stands for an older one of the same format and name that was
/// errored, or whose tools or suites it has too.
pub(super) fn newest_of_each<'r>(
    release: &'r ReleaseState,
    wanted: Wanted<'_>,
) -> Vec<&'r (EvidenceId, Arc<Evidence>)> {
    let mut kept: Vec<&(EvidenceId, Arc<Evidence>)> = Vec::new();
    for report in release
        .evidence
        .iter()
        .rev()
        .filter(|(_, evidence)| evidence.kind() == Some(wanted.kind))
    {
        let stands_for = |(_, newer): &&(EvidenceId, Arc<Evidence>)| {
            let older = looked(&report.1);
            newer.format == report.1.format
                && newer.name == report.1.name
                && older.iter().all(|one| looked(newer).contains(one))
        };
        if !kept.iter().any(stands_for) {
            kept.push(report);
        }
    }
    kept
}

/// The newest evidence of this kind of every source, the newest first, as gates take it where none is named.
pub fn newest_reports<'r>(release: &'r ReleaseState, kind: &str) -> Vec<&'r (EvidenceId, Arc<Evidence>)> {
    let wanted = Wanted {
        kind,
        format: None,
        name: None,
        what: "",
    };
    newest_of_each(release, wanted)
}

/// The tools that looked, or the suites that ran; none for an errored report.
fn looked(evidence: &Evidence) -> &[String] {
    match &evidence.found {
        Found::Facts {
            facts: Facts::Findings(findings),
        } => &findings.tools,
        Found::Facts {
            facts: Facts::Tests(tests),
        } => &tests.suites,
        Found::Facts { .. } | Found::Errored { .. } => &[],
    }
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
    let sought = Sought {
        what,
        name,
        add: add(view, name),
        newest: newest(view.release, wanted),
    };
    judge_sought(gate, view, sought, on_facts)
}

/// Evidence that was looked for, and what is said of it.
pub(super) struct Sought<'a> {
    /// What it is, for people: `test report`.
    pub what: &'a str,
    /// The name that the gate asks for.
    pub name: Option<&'a str>,
    /// How it is reported.
    pub add: String,
    /// The newest that fits.
    pub newest: Option<&'a (EvidenceId, Arc<Evidence>)>,
}

/// Judges the newest evidence, however it was looked for.
pub(super) fn judge_sought(
    gate: &Gate,
    view: &GateView<'_>,
    sought: Sought<'_>,
    on_facts: impl FnOnce(&Facts) -> Says,
) -> Says {
    let Sought {
        what,
        name,
        add,
        newest,
    } = sought;
    let Some((id, evidence)) = newest else {
        let called = name.map(|name| format!(" named `{name}`")).unwrap_or_default();
        return Says::waiting("evidence.missing", format!("no {what}{called} was reported yet"))
            .changed_by("a reporter (CI)")
            .next(add);
    };
    if let Some(says) = holds_back(gate, view, what, &add, *id, evidence) {
        return says;
    }
    let Found::Facts { facts } = &evidence.found else {
        return Says::waiting("evidence.missing", format!("no {what} was reported yet")).next(add);
    };
    let says = on_facts(facts).evidence(*id);
    match gate.max_age {
        Some(max_age) => says.until(max_age.after(evidence.at)),
        None => says,
    }
}

/// What keeps a record from being judged at all: nobody could find out, or it is too old.
pub(super) fn holds_back(
    gate: &Gate,
    view: &GateView<'_>,
    what: &str,
    add: &str,
    id: EvidenceId,
    evidence: &Evidence,
) -> Option<Says> {
    let waiting = |code, says: String| {
        Says::waiting(code, says)
            .evidence(id)
            .changed_by("a reporter (CI)")
    };
    if let Found::Errored { reason, .. } = &evidence.found {
        let says = waiting("evidence.errored", format!("could not find out: {reason}"));
        return Some(says.next(format!("mend the tool's run and {add}")));
    }
    let max_age = gate
        .max_age
        .filter(|max_age| max_age.after(evidence.at) <= view.now)?;
    let age = Span::between(evidence.at, view.now);
    let says = waiting(
        "evidence.stale",
        format!("the {what} is {age} old; it may be {max_age} old"),
    );
    Some(says.next(format!("run the tool again and {add}")))
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
