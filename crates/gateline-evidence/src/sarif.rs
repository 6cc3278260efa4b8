//! SARIF 2.1.0: runs of tools with their results.
//!
//! Layout: OASIS SARIF v2.1.0. Read leniently, since tools leave out much that the standard asks for; but a run without
//! a list of results did not look (section 3.14.23), and a tool that says it was not successful is believed.
//! Knows no source file and opens no external property file.

mod log;

use std::collections::HashMap;

use gateline_model::{Facts, FindingLevel};

use self::log::{Entry, Invocation, Log, Rule, Run, Tool};
use crate::collect::{Findings, Told};
use crate::error::Fault;
use crate::format::FormatRow;
use crate::input::Input;
use crate::read::{Body, Complete, Warnings};
use crate::text;

/// The one version that is read. Earlier ones were drafts.
const VERSION: &str = "2.1.0";
/// A tool that does not say its name.
const UNNAMED: &str = "unnamed tool";

pub(crate) const FORMAT: FormatRow = FormatRow {
    name: "sarif",
    kind: "findings",
    title: "SARIF 2.1.0, as most linters and scanners write it",
    knows: |head| head.has_keys(&["runs"]),
    read,
};

fn read(input: &mut Input<'_>) -> Result<Body, Fault> {
    let text = input.whole()?;
    let log: Log<'_> = serde_json::from_str(&text).map_err(|error| input.json_fault(&error))?;
    let version = log.version.as_deref().unwrap_or("none");
    if version != VERSION {
        let version = text::one_line(version, 20);
        return Err(Fault::malformed(
            0,
            format!("its version is {version}; only {VERSION} is read"),
        ));
    }
    let mut sarif = Sarif::default();
    for run in log.runs.iter().flatten() {
        sarif.run(run);
    }
    Ok(sarif.into_body())
}

#[derive(Default)]
struct Sarif {
    findings: Findings,
    incomplete: Option<String>,
    warnings: Warnings,
}

impl Sarif {
    fn run(&mut self, run: &Run<'_>) {
        let tool = text::name(run.tool.driver.name.as_deref().unwrap_or(UNNAMED));
        self.findings.run();
        self.findings.tool(&tool);
        if let Some(reason) = did_not_look(run, &tool) {
            self.incomplete.get_or_insert(reason);
        }
        let rules = rules_by_id(&run.tool);
        for entry in run.results.iter().flatten() {
            self.entry(entry, &run.tool, &rules);
        }
    }

    fn entry(&mut self, entry: &Entry<'_>, tool: &Tool<'_>, rules: &HashMap<&str, &Rule<'_>>) {
        // It was found by an earlier run and is not there any more.
        if entry.baseline_state.as_deref() == Some("absent") {
            return;
        }
        if entry.is_suppressed() {
            self.findings.suppressed();
            return;
        }
        let rule = entry.rule_in(tool, rules);
        let level = self.level(entry, rule);
        let place = entry
            .locations
            .iter()
            .flatten()
            .find_map(|location| location.physical_location.as_ref());
        self.findings.add(Told {
            tool: tool.driver.name.as_deref().unwrap_or(UNNAMED),
            rule: entry.rule_id().or(rule.and_then(|rule| rule.id.as_deref())),
            message: entry.message.text(),
            level: Some(level),
            file: place.and_then(|place| place.artifact_location.as_ref()?.uri.as_deref()),
            line: place.and_then(|place| place.region.as_ref()?.start_line),
            ..Told::default()
        });
    }

    /// The result's own level, else that of its rule, else `warning` (section 3.27.10).
    fn level(&mut self, entry: &Entry<'_>, rule: Option<&Rule<'_>>) -> FindingLevel {
        if entry.kind.as_deref().is_some_and(|kind| kind != "fail") {
            return FindingLevel::None;
        }
        let configured = || rule?.default_configuration.as_ref()?.level.as_deref();
        let Some(word) = entry.level.as_deref().or_else(configured) else {
            return FindingLevel::Warning;
        };
        FindingLevel::ALL
            .into_iter()
            .find(|level| level.name() == word)
            .unwrap_or_else(|| {
                let word = text::one_line(word, 40);
                self.warnings
                    .add(|| format!("`{word}` is not a level of SARIF and was counted as `error`"));
                FindingLevel::Error
            })
    }

    fn into_body(self) -> Body {
        let Sarif {
            findings,
            incomplete,
            warnings,
        } = self;
        let facts = findings.into_facts();
        let nothing = (facts.runs == 0).then(|| "the report has no runs: no tool looked".to_owned());
        Body {
            facts: Facts::Findings(facts),
            complete: Complete::unless(nothing.or(incomplete)),
            warnings,
        }
    }
}

/// Why a run cannot be believed to have looked at everything.
fn did_not_look(run: &Run<'_>, tool: &str) -> Option<String> {
    let external = run.external_property_file_references.as_ref();
    if external.is_some_and(|files| files.results.iter().flatten().next().is_some()) {
        return Some(format!(
            "`{tool}` keeps results in other files, which are not read"
        ));
    }
    if run.results.is_none() {
        return Some(format!("`{tool}` left no list of results: it did not look"));
    }
    run.invocations
        .iter()
        .flatten()
        .find_map(|invocation| unsuccessful(invocation, tool))
}

fn unsuccessful(invocation: &Invocation<'_>, tool: &str) -> Option<String> {
    let execution = invocation.tool_execution_notifications.iter().flatten();
    let configuration = invocation.tool_configuration_notifications.iter().flatten();
    let mut notifications = execution.chain(configuration);
    if let Some(told) = notifications.find(|told| told.level.as_deref() == Some("error")) {
        let message = text::message(told.message.text());
        return Some(format!("`{tool}` reported an error of its own: {message}"));
    }
    (invocation.execution_successful == Some(false))
        .then(|| format!("`{tool}` says that it was not successful"))
}

/// The first rule of each id, over the driver and its extensions.
fn rules_by_id<'t>(tool: &'t Tool<'_>) -> HashMap<&'t str, &'t Rule<'t>> {
    let components = std::iter::once(&tool.driver).chain(tool.extensions.iter().flatten());
    let mut rules = HashMap::new();
    for rule in components.flat_map(|component| component.rules.iter().flatten()) {
        if let Some(id) = rule.id.as_deref() {
            rules.entry(id).or_insert(rule);
        }
    }
    rules
}
