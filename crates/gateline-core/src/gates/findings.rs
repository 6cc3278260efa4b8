//! Findings: linters and scanners found no more than is allowed, by severity, score, and what is new.
//!
//! `findings: {critical: 0, high: 0, since_live: true}`, from SARIF and every scanner that is read. Without a tool the
//! newest report of each tool counts: a clean report of one never hides what another found. What a waiver accepts or a
//! VEX statement clears is not counted, and told. `exploited` needs to know which vulnerabilities are exploited: from
//! CISA's catalogue (`known_exploited_vulnerabilities.json`), reported for the release like any evidence, or from a tool
//! that says so of each (grype). Where neither does, it is waited for. A waiver that is older than a vulnerability's
//! place on the list does not cover it.

mod exploited;
mod vex;

use std::collections::HashMap;
use std::sync::Arc;

use gateline_model::{
    Evidence, EvidenceId, ExploitedVulnerability, Facts, Finding, FindingFacts, Found, Gate, Severity, Span,
    Verdict, Waiver,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::pattern::Pattern;
use super::reported::{Wanted, may_be_called, newest_reports};
use super::{
    GateKind, GateView, Place, Says, check_params, observes_nothing, reported, schema_of, with_params,
};
use crate::state::ReleaseState;
use crate::threshold::Threshold;
use exploited::List;

pub(super) const KIND: GateKind = GateKind {
    name: "findings",
    summary: "Linters and scanners found no more than is allowed: by severity, score, rule, path, and what is new.",
    place: Place::Entry,
    check,
    schema: schema_of::<Findings>,
    observes: observes_nothing,
    judge: |gate: &Gate, view: &GateView<'_>| {
        with_params(gate, |findings: Findings| findings.judge(gate, view))
    },
};

/// Parameters of the gate kind `findings`. At least one of its limits is given.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Findings {
    /// Most critical findings; any number where it is not given, as with the others.
    #[serde(default)]
    critical: Option<u64>,
    /// Most findings of high severity.
    #[serde(default)]
    high: Option<u64>,
    /// Most findings of medium severity.
    #[serde(default)]
    medium: Option<u64>,
    /// Most findings of low severity.
    #[serde(default)]
    low: Option<u64>,
    /// Most findings that are mere information.
    #[serde(default)]
    info: Option<u64>,
    /// Most findings of any severity.
    #[serde(default)]
    total: Option<u64>,
    /// Most findings that are known to be exploited, by a reported list or by the tool itself.
    #[serde(default)]
    exploited: Option<u64>,
    /// How old the list of exploited vulnerabilities may be by its own date, as in `7d`; a list is asked for where this is
    /// given.
    #[serde(default)]
    list_max_age: Option<Span>,
    /// The CVSS score of each finding that has one, as in `< 7`.
    #[serde(default)]
    score: Option<Threshold>,
    /// Count only what the live release does not have.
    #[serde(default)]
    since_live: bool,
    /// Tools, or names given with `--name`, that must each have looked; every report counts where none is given.
    #[serde(default)]
    tools: Vec<String>,
    /// Count only findings that fit.
    #[serde(default)]
    only: Option<Only>,
    /// Whether statements of suppliers (VEX) clear a vulnerability.
    #[serde(default = "yes")]
    vex: bool,
}

/// Which findings count: those that fit in each field that is given. `*` stands for any characters.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Only {
    /// Rules, as in `S*` or `CVE-*`.
    #[serde(default)]
    rules: Vec<Pattern>,
    /// Weaknesses, as in `CWE-89`.
    #[serde(default)]
    cwe: Vec<Pattern>,
    /// Files, as in `src/*`.
    #[serde(default)]
    paths: Vec<Pattern>,
    /// Packages, by name.
    #[serde(default)]
    packages: Vec<Pattern>,
}

fn yes() -> bool {
    true
}

fn check(params: &Value) -> Result<(), String> {
    check_params::<Findings>(params)?;
    if params.get("list_max_age").is_some() && params.get("exploited").is_none() {
        return Err("`list_max_age` is of the list that `exploited` needs: give `exploited` too".to_owned());
    }
    let limits = [
        "critical",
        "high",
        "medium",
        "low",
        "info",
        "total",
        "exploited",
        "score",
    ];
    match limits.iter().any(|limit| params.get(limit).is_some()) {
        true => Ok(()),
        false => Err("it has no limit: give `critical`, `high`, `medium`, `low`, `info`, `total`, `exploited` or `score`".to_owned()),
    }
}

type Report = (EvidenceId, Arc<Evidence>);

/// What remains of all that was found.
#[derive(Default)]
struct Counted<'a> {
    /// By severity, in the order of [`Severity::ALL`].
    counts: [u64; 5],
    remaining: Vec<&'a Finding>,
    /// Those of them that are exploited, and what a list says of each.
    exploited: Vec<(&'a Finding, Option<String>)>,
    /// One of them of which nobody says whether it is exploited.
    unknown: Option<&'a Finding>,
    waived: Vec<(&'a Finding, Waiver)>,
    cleared: u64,
    known: u64,
}

impl Findings {
    fn wanted<'a>(&self, name: Option<&'a str>) -> Wanted<'a> {
        Wanted {
            kind: "findings",
            format: None,
            name,
            what: "report of findings",
        }
    }

    fn judge(&self, gate: &Gate, view: &GateView<'_>) -> Says {
        let (reports, mut held) = self.reports(gate, view);
        // A list that cannot be used holds the release up as a report that cannot be judged does.
        let list_held = self.list_holds_back(gate, view);
        let newest = exploited::newest(view).filter(|_| self.exploited.is_some() && list_held.is_none());
        let list = newest.and_then(|(id, evidence)| List::of(id, evidence));
        held.extend(list_held);
        let facts: Vec<&FindingFacts> = reports
            .iter()
            .filter_map(|(_, evidence)| of_findings(&evidence.found))
            .collect();
        let counted = self.count(view, &facts, list.as_ref());
        let says = self.says(view, &facts, &counted);
        let ids = reports.iter().map(|(id, _)| *id);
        let says = ids
            .chain(list.as_ref().map(|list| list.id))
            .fold(says, Says::evidence);
        let says = match list.and_then(|list| list.until(self.list_max_age)) {
            Some(until) => says.until(until),
            None => says,
        };
        let says = counted
            .waived
            .iter()
            .fold(says, |says, (_, waiver)| says.waiver(waiver));
        let says = match gate.max_age {
            Some(max_age) => reports
                .iter()
                .fold(says, |says, (_, evidence)| says.until(max_age.after(evidence.at))),
            None => says,
        };
        // What was found keeps the release out, whatever the other reports turn out to say. Without it nobody knows.
        match says.verdict {
            Verdict::Refused => held.into_iter().fold(says, Says::and),
            Verdict::Waiting | Verdict::Satisfied if held.is_empty() => says,
            Verdict::Waiting | Verdict::Satisfied => {
                let first = held.remove(0);
                let found = (!reports.is_empty()).then_some(says);
                held.into_iter().chain(found).fold(first, Says::and)
            }
        }
    }

    /// What keeps the list of exploited vulnerabilities from being used, where one is there or asked for.
    fn list_holds_back(&self, gate: &Gate, view: &GateView<'_>) -> Option<Says> {
        self.exploited?;
        let Some((id, evidence)) = exploited::newest(view) else {
            self.list_max_age?;
            let says = format!("no {} was reported yet", exploited::WHAT);
            return Some(
                Says::waiting("evidence.missing", says)
                    .changed_by("a reporter (CI)")
                    .next(reported::add(view, None)),
            );
        };
        let add = reported::add(view, None);
        reported::holds_back(gate, view, exploited::WHAT, &add, id, evidence)
            .or_else(|| List::of(id, evidence)?.stale(view, self.list_max_age))
    }

    /// The reports that can be judged, and what is said of each that is missing, errored or stale.
    fn reports<'v>(&self, gate: &Gate, view: &GateView<'v>) -> (Vec<&'v Report>, Vec<Says>) {
        let mut held = Vec::new();
        let mut reports = newest_reports(view.release, "findings");
        // Each tool must have looked, and each of its reports counts: there is one for each part of a repository.
        for tool in &self.tools {
            if !reports.iter().any(|(_, evidence)| may_be_called(evidence, tool)) {
                held.push(reported::judge(
                    gate,
                    view,
                    self.wanted(Some(tool)),
                    reported::foreign,
                ));
            }
        }
        if self.tools.is_empty() && reports.is_empty() {
            held.push(reported::judge(gate, view, self.wanted(None), reported::foreign));
        }
        reports.retain(|(_, evidence)| {
            self.tools.is_empty() || self.tools.iter().any(|tool| may_be_called(evidence, tool))
        });
        let add = reported::add(view, None);
        reports.retain(|(id, evidence)| {
            let says = reported::holds_back(gate, view, "report of findings", &add, *id, evidence);
            let judged = says.is_none();
            held.extend(says);
            judged
        });
        (reports, held)
    }

    /// Counts are exact also where not each finding is kept: what is not kept is counted as new, unwaived and fitting.
    fn count<'a>(
        &self,
        view: &GateView<'_>,
        facts: &[&'a FindingFacts],
        list: Option<&List<'_>>,
    ) -> Counted<'a> {
        let mut counted = Counted::default();
        for (count, severity) in counted.counts.iter_mut().zip(Severity::ALL) {
            *count = facts.iter().map(|facts| facts.of_severity(severity)).sum();
        }
        let mut live = if self.since_live {
            view.baseline().map(|live| found_in(&live)).unwrap_or_default()
        } else {
            HashMap::new()
        };
        let vex = if self.vex {
            vex::statements(view)
        } else {
            Vec::new()
        };
        let project = view.draft.project(&view.pipeline.project);
        // There may be thousands of both: each finding meets only the waivers that name it.
        let mut waivers: HashMap<&str, Vec<&Waiver>> = HashMap::new();
        for waiver in project.iter().flat_map(|project| project.waivers.values()) {
            waivers.entry(&waiver.finding).or_default().push(waiver);
        }
        for finding in facts.iter().flat_map(|facts| &facts.findings) {
            let naming = waivers.get(finding.identity.as_str()).into_iter().flatten();
            let waiver = naming
                .copied()
                .find(|waiver| waiver.covers(finding, &view.pipeline.name, &view.stage.name, view.now))
                .filter(|waiver| !exploited::became_worse(finding, waiver, list));
            let excluded = if self.only.as_ref().is_some_and(|only| !only.fits(finding)) {
                true
            } else if let Some(left) = live.get_mut(&finding.identity).filter(|left| **left > 0) {
                // As many as there are in the live release, and not one more of the same.
                *left -= 1;
                counted.known += 1;
                true
            } else if vex::cleared(finding, &vex, view) {
                counted.cleared += 1;
                true
            } else if let Some(waiver) = waiver {
                counted.waived.push((finding, waiver.clone()));
                true
            } else {
                // What is no package is on no list.
                match exploited::is_exploited(finding, list) {
                    Some(true) => counted.exploited.push((
                        finding,
                        list.and_then(|list| list.entry(finding))
                            .map(ExploitedVulnerability::says),
                    )),
                    None if finding.package.is_some() => counted.unknown = counted.unknown.or(Some(finding)),
                    Some(false) | None => {}
                }
                counted.remaining.push(finding);
                false
            };
            let at = Severity::ALL
                .iter()
                .position(|severity| *severity == finding.severity)
                .unwrap_or(0);
            counted.counts[at] -= u64::from(excluded);
        }
        counted.remaining.sort_by_key(|finding| finding.severity);
        counted
    }

    fn says(&self, view: &GateView<'_>, facts: &[&FindingFacts], counted: &Counted<'_>) -> Says {
        let limits = [self.critical, self.high, self.medium, self.low, self.info];
        let total: u64 = counted.counts.iter().sum();
        let exploited = counted.exploited.len() as u64;
        let worst_score = counted
            .remaining
            .iter()
            .filter_map(|finding| finding.score)
            .fold(None, |worst: Option<f64>, score| {
                Some(worst.map_or(score, |worst| worst.max(score)))
            });
        let over = |count: u64, limit: Option<u64>| limit.is_some_and(|limit| count > limit);
        let too_many = counted
            .counts
            .iter()
            .zip(limits)
            .any(|(count, limit)| over(*count, limit))
            || over(total, self.total)
            || over(exploited, self.exploited)
            || counted.remaining.iter().any(|finding| {
                finding
                    .score
                    .is_some_and(|score| self.score.as_ref().is_some_and(|limit| !limit.holds(score)))
            });
        let mut text = self.text(view, facts, counted);
        let unknown = counted.unknown.filter(|_| self.exploited.is_some());
        if let (true, Some(finding)) = (too_many, unknown) {
            text += &format!("; nobody says whether it is exploited: {finding}");
        }
        let says = match (too_many, unknown) {
            (true, _) => Says::refused("findings.too_many", text)
                .changed_by("a new release, a new report for this one, or a waiver")
                .next("mend the findings and register a new release, or accept one with `gateline waive`"),
            (false, Some(finding)) => Says::waiting(
                "findings.exploited_unknown",
                format!("nobody says whether it is exploited: {finding}; {text}"),
            )
            .changed_by("a reporter (CI)")
            .next(format!(
                "fetch a {}, and {}",
                exploited::WHAT,
                reported::add(view, None)
            )),
            (false, None) => Says::satisfied("findings.within", text),
        };
        let mut says = Severity::ALL.iter().zip(counted.counts.iter().zip(limits)).fold(
            says,
            |says, (severity, (count, limit))| {
                says.number(
                    severity.name(),
                    *count as f64,
                    "",
                    limit.map(|limit| format!("<= {limit}")),
                )
            },
        );
        if let Some(limit) = self.total {
            says = says.number("total", total as f64, "", Some(format!("<= {limit}")));
        }
        if let Some(limit) = self.exploited.filter(|_| unknown.is_none()) {
            says = says.number("exploited", exploited as f64, "", Some(format!("<= {limit}")));
        }
        if let (Some(limit), Some(worst)) = (&self.score, worst_score) {
            says = says.number("worst score", worst, "", Some(limit.to_string()));
        }
        let remaining = counted.remaining.iter().map(|finding| {
            format!(
                "{} {finding} (finding {})",
                finding.severity.name(),
                finding.identity
            )
        });
        let waived = counted.waived.iter().map(|(finding, waiver)| {
            format!(
                "waived until {}: {} {finding}",
                waiver.until,
                finding.severity.name()
            )
        });
        let listed = counted.exploited.iter().map(|(finding, known)| {
            format!(
                "{}: {finding}",
                known.as_deref().unwrap_or("exploited, as its tool says")
            )
        });
        says.details(listed.chain(remaining).chain(waived))
    }

    fn text(&self, view: &GateView<'_>, facts: &[&FindingFacts], counted: &Counted<'_>) -> String {
        let numbers: Vec<String> = Severity::ALL
            .iter()
            .zip(counted.counts)
            .filter(|(_, count)| *count > 0)
            .map(|(severity, count)| format!("{count} {}", severity.name()))
            .collect();
        let found = if numbers.is_empty() {
            "none".to_owned()
        } else {
            numbers.join(", ")
        };
        let mut tools: Vec<&str> = facts
            .iter()
            .flat_map(|facts| &facts.tools)
            .map(String::as_str)
            .collect();
        tools.dedup();
        let mut text = format!("{found} by {}", tools.join(", "));
        if self.since_live {
            text += &match view.baseline() {
                Some(live) => format!("; {} known from the live {}", counted.known, live.release.version),
                None => "; no live release to compare with, all count".to_owned(),
            };
        }
        for (count, word) in [
            (counted.waived.len() as u64, "waived"),
            (counted.cleared, "cleared by VEX"),
        ] {
            if count > 0 {
                text += &format!("; {count} {word}");
            }
        }
        if let Some(worst) = counted.remaining.first() {
            text += &format!("; worst: {worst}");
        }
        text
    }
}

impl Only {
    fn fits(&self, finding: &Finding) -> bool {
        let any = |patterns: &[Pattern], texts: &[&str]| {
            patterns.is_empty()
                || patterns
                    .iter()
                    .any(|pattern| texts.iter().any(|text| pattern.matches(text)))
        };
        let names: Vec<&str> = finding
            .rule
            .iter()
            .chain(&finding.aliases)
            .map(String::as_str)
            .collect();
        let cwe: Vec<&str> = finding.cwe.iter().map(String::as_str).collect();
        let file: Vec<&str> = finding.file.iter().map(String::as_str).collect();
        let package: Vec<&str> = finding
            .package
            .iter()
            .map(|package| package.name.as_str())
            .collect();
        any(&self.rules, &names)
            && any(&self.cwe, &cwe)
            && any(&self.paths, &file)
            && any(&self.packages, &package)
    }
}

fn of_findings(found: &Found) -> Option<&FindingFacts> {
    match found {
        Found::Facts {
            facts: Facts::Findings(facts),
        } => Some(facts),
        Found::Facts { .. } | Found::Errored { .. } => None,
    }
}

/// What the newest reports of a release found, by identity, and how often each: that many are not new in the next release.
pub fn found_in(release: &ReleaseState) -> HashMap<String, u64> {
    let reports = newest_reports(release, "findings");
    let facts = reports
        .iter()
        .filter_map(|(_, evidence)| of_findings(&evidence.found));
    let mut found = HashMap::new();
    for finding in facts.flat_map(|facts| &facts.findings) {
        *found.entry(finding.identity.clone()).or_default() += 1;
    }
    found
}
