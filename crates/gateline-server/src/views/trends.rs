//! Trends: what the last releases of a pipeline reported, release by release, from the facts that are kept.

use gateline_core::{ReleaseState, gates};
use gateline_model::{Facts, Found, ReleaseId, Severity, Version};

use crate::hub::Hub;

/// Releases of a trend: more are not told apart in a small picture.
pub(crate) const TREND_RELEASES_MAX: usize = 30;

/// What one release reported. Nothing where it reported none of it, or where a tool could not find out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reported {
    pub(crate) version: Version,
    /// Lines reached by the tests, in percent.
    pub(crate) covered_percent: Option<f64>,
    /// Findings of all reports, and those of high and critical severity.
    pub(crate) findings: Option<(u64, u64)>,
    /// How long the tests ran, in seconds.
    pub(crate) tests_secs: Option<f64>,
}

/// Of these releases, the newest first, what they reported: the oldest first, at most [`TREND_RELEASES_MAX`].
pub(crate) fn trends(hub: &Hub, releases: impl Iterator<Item = ReleaseId>) -> Vec<Reported> {
    let mut found: Vec<Reported> = hub.with_world(|world| {
        let states = releases
            .take(TREND_RELEASES_MAX)
            .filter_map(|id| world.release(&id));
        states.map(|state| reported(state)).collect()
    });
    found.reverse();
    found
}

fn reported(release: &ReleaseState) -> Reported {
    let lines = facts(release, "coverage").map(|facts| {
        facts.into_iter().fold((0, 0), |(hit, total), facts| match facts {
            Facts::Coverage(facts) => (hit + facts.lines_hit, total + facts.lines_total),
            _ => (hit, total),
        })
    });
    let findings = facts(release, "findings").map(|facts| {
        facts.into_iter().fold((0, 0), |(all, grave), facts| match facts {
            Facts::Findings(facts) => {
                let found = facts.of_severity(Severity::Critical) + facts.of_severity(Severity::High);
                (all + facts.total(), grave + found)
            }
            _ => (all, grave),
        })
    });
    let secs = facts(release, "tests").map(|facts| {
        let secs = facts.into_iter().map(|facts| match facts {
            Facts::Tests(facts) => facts.duration_secs,
            _ => 0.0,
        });
        secs.sum()
    });
    Reported {
        version: release.release.version.clone(),
        covered_percent: lines.and_then(|(hit, total)| percent(hit, total)),
        findings,
        tests_secs: secs,
    }
}

/// The facts of the newest reports of a kind; none where there is no report, or where one of them could not find out.
fn facts<'r>(release: &'r ReleaseState, kind: &str) -> Option<Vec<&'r Facts>> {
    let reports = gates::newest_reports(release, kind);
    if reports.is_empty() {
        return None;
    }
    let facts = reports.into_iter().map(|(_, evidence)| match &evidence.found {
        Found::Facts { facts } => Some(facts),
        Found::Errored { .. } => None,
    });
    facts.collect()
}

#[expect(clippy::cast_precision_loss, reason = "a share, drawn to the pixel")]
fn percent(hit: u64, total: u64) -> Option<f64> {
    (total > 0).then(|| hit as f64 / total as f64 * 100.0)
}
