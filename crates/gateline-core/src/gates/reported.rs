//! Gates on reported evidence: the newest record that fits, or what is missing.

use std::sync::Arc;

use gateline_model::{Evidence, EvidenceId, Facts, Found, Gate, Span};

use super::{GateView, Says};
use crate::state::ReleaseState;

/// Names that are told where another one is missing.
const OTHERS_MAX: usize = 5;

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

/// The newest evidence that fits. A report that could not be read may be the one that is asked for, unless it is known to be
/// another's: it counts until everything that was reported beside it has been reported again.
pub(super) fn newest<'r>(
    release: &'r ReleaseState,
    wanted: Wanted<'_>,
) -> Option<&'r (EvidenceId, Arc<Evidence>)> {
    let fits = |evidence: &Evidence| match wanted.format {
        Some(format) => evidence.format == format,
        None => evidence.kind() == Some(wanted.kind),
    };
    let mut reports = release.evidence.iter().enumerate().rev();
    let found = reports.find(|(index, (_, evidence))| {
        fits(evidence)
            && wanted.name.is_none_or(|name| {
                is_called(evidence, name) || (is_anybodys(evidence) && !is_settled(release, *index))
            })
    });
    found.map(|(_, report)| report)
}

/// The newest evidence of every source. A newer record stands for an older one of the same format and name whose tools or suites it
/// has too; for one that could not be read, all that was reported beside it must have been reported again.
pub(super) fn newest_of_each<'r>(
    release: &'r ReleaseState,
    wanted: Wanted<'_>,
) -> Vec<&'r (EvidenceId, Arc<Evidence>)> {
    let mut kept: Vec<&(EvidenceId, Arc<Evidence>)> = Vec::new();
    let reports = release.evidence.iter().enumerate().rev();
    for (index, report) in reports.filter(|(_, (_, evidence))| evidence.kind() == Some(wanted.kind)) {
        let older = &report.1;
        let stands_for = |(_, newer): &&(EvidenceId, Arc<Evidence>)| {
            same_series(newer, older)
                && if is_anybodys(older) {
                    is_anybodys(newer) || is_settled(release, index)
                } else {
                    older.sources().iter().all(|one| newer.sources().contains(one))
                }
        };
        if !kept.iter().any(stands_for) {
            kept.push(report);
        }
    }
    kept
}

fn same_series(one: &Evidence, other: &Evidence) -> bool {
    one.format == other.format && one.name == other.name
}

/// Whether a record could not be read so far as to know whose it is.
fn is_anybodys(evidence: &Evidence) -> bool {
    evidence.name.is_none()
        && evidence.sources().is_empty()
        && matches!(evidence.found, Found::Errored { .. })
}

/// Whether a record that could not be read was made good: something of its series came later, and every source that was
/// there before it came again.
fn is_settled(release: &ReleaseState, index: usize) -> bool {
    let (before, after) = release.evidence.split_at(index);
    let Some(((_, errored), after)) = after.split_first() else {
        return false;
    };
    let good = |(_, evidence): &&(EvidenceId, Arc<Evidence>)| {
        same_series(evidence, errored) && matches!(evidence.found, Found::Facts { .. })
    };
    let again: Vec<&String> = after
        .iter()
        .filter(good)
        .flat_map(|(_, evidence)| evidence.sources())
        .collect();
    after.iter().any(|report| good(&report))
        && before
            .iter()
            .filter(good)
            .flat_map(|(_, evidence)| evidence.sources())
            .all(|source| again.contains(&source))
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

/// Whether a record is what a gate asks for by name: a tool's, a suite's, or one that was called so; or one that may be it,
/// since nobody could read whose it is.
pub(super) fn may_be_called(evidence: &Evidence, name: &str) -> bool {
    is_called(evidence, name) || is_anybodys(evidence)
}

fn is_called(evidence: &Evidence, name: &str) -> bool {
    let is_custom = matches!(
        &evidence.found,
        Found::Facts { facts: Facts::Custom(custom) } if custom.of == name
    );
    let is_tool = matches!(
        &evidence.found,
        Found::Facts {
            facts: Facts::Findings(_)
        }
    );
    let is_source = |source: &String| source == name || (is_tool && names_tool(source, name));
    evidence.name.as_deref() == Some(name) || is_custom || evidence.sources().iter().any(is_source)
}

/// Whether a tool that calls itself `Semgrep OSS` is `semgrep`.
fn names_tool(calls_itself: &str, name: &str) -> bool {
    let first = calls_itself.split_whitespace().next().unwrap_or_default();
    calls_itself.eq_ignore_ascii_case(name) || first.eq_ignore_ascii_case(name)
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
    let Wanted { kind, what, name, .. } = wanted;
    let sought = Sought {
        kind,
        what,
        name,
        add: add(view, name),
        newest: newest(view.release, wanted),
    };
    judge_sought(gate, view, sought, on_facts)
}

/// Under which names there is something of the kind: the one that is missing may be misspelt.
fn others(release: &ReleaseState, kind: &str) -> String {
    let mut names: Vec<String> = newest_reports(release, kind)
        .into_iter()
        .flat_map(|(_, evidence)| evidence.name.iter().chain(evidence.sources()))
        .map(|name| format!("`{name}`"))
        .collect();
    names.sort();
    names.dedup();
    names.truncate(OTHERS_MAX);
    match names.is_empty() {
        true => String::new(),
        false => format!("; there is {}", names.join(", ")),
    }
}

/// Evidence that was looked for, and what is said of it.
pub(super) struct Sought<'a> {
    /// The kind of its facts.
    pub kind: &'a str,
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
        kind,
        what,
        name,
        add,
        newest,
    } = sought;
    let Some((id, evidence)) = newest else {
        let called = name.map(|name| format!(" named `{name}`")).unwrap_or_default();
        let others = match name {
            Some(_) => others(view.release, kind),
            None => String::new(),
        };
        return Says::waiting(
            "evidence.missing",
            format!("no {what}{called} was reported yet{others}"),
        )
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

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case("semgrep", true; "its first word")]
    #[test_case("Semgrep OSS", true; "as it says")]
    #[test_case("semgrep-pro", false; "another one")]
    #[test_case("sem", false; "a part of a word")]
    fn a_tool_is_asked_for_by_the_name_that_people_use(name: &str, expected: bool) {
        assert_eq!(names_tool("Semgrep OSS", name), expected);
    }
}
