//! SARIF 2.1.0: runs of tools with their results.
//!
//! Layout: OASIS SARIF v2.1.0. Read leniently, since tools leave out much that the standard asks for; but a run without
//! a list of results did not look (section 3.14.23), and a tool that says it was not successful is believed.
//! Knows no source file and opens no external property file.

mod log;

use std::collections::HashMap;

use gateline_model::{FINDINGS_MAX, Facts, Finding, FindingFacts, FindingLevel, TOOLS_MAX};

use self::log::{Entry, Invocation, Log, Rule, Run, Tool};
use crate::error::Fault;
use crate::read::{Complete, Read, Warnings};
use crate::{Format, json, text};

/// The one version that is read. Earlier ones were drafts.
const VERSION: &str = "2.1.0";

pub(crate) fn read(text: &str) -> Result<Read, Fault> {
    let text_at = text.trim_start_matches('\u{feff}');
    let skipped = text.len() - text_at.len();
    json::within_limits(text_at)?;
    let log: Log<'_> = serde_json::from_str(text_at).map_err(|error| {
        let at = skipped + json::offset(text_at, &error);
        let fault = if error.is_eof() {
            Fault::truncated
        } else {
            Fault::malformed
        };
        fault(at, error.to_string())
    })?;
    let version = log.version.as_deref().unwrap_or("none");
    if version != VERSION {
        let version = text::one_line(version, 20);
        return Err(Fault::malformed(
            skipped,
            format!("its version is {version}; only {VERSION} is read"),
        ));
    }
    let mut sarif = Sarif::default();
    for run in log.runs.iter().flatten() {
        sarif.run(run);
    }
    Ok(sarif.into_read())
}

#[derive(Default)]
struct Sarif {
    facts: FindingFacts,
    /// The first findings of each level, in the order of [`FindingLevel::ALL`].
    first: [Vec<Finding>; 4],
    incomplete: Option<String>,
    warnings: Warnings,
}

impl Sarif {
    fn run(&mut self, run: &Run<'_>) {
        let tool = text::name(run.tool.driver.name.as_deref().unwrap_or("unnamed tool"));
        self.facts.runs += 1;
        let tools = &mut self.facts.tools;
        if tools.len() < TOOLS_MAX && !tools.contains(&tool) {
            tools.push(tool.clone());
        }
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
            self.facts.suppressed += 1;
            return;
        }
        let rule = entry.rule_in(tool, rules);
        let level = self.level(entry, rule);
        let (count, kept) = match level {
            FindingLevel::Error => (&mut self.facts.errors, &mut self.first[0]),
            FindingLevel::Warning => (&mut self.facts.warnings, &mut self.first[1]),
            FindingLevel::Note => (&mut self.facts.notes, &mut self.first[2]),
            FindingLevel::None => (&mut self.facts.none, &mut self.first[3]),
        };
        *count += 1;
        if kept.len() < FINDINGS_MAX {
            let place = entry
                .locations
                .iter()
                .flatten()
                .find_map(|location| location.physical_location.as_ref());
            let rule_id = entry.rule_id().or(rule.and_then(|rule| rule.id.as_deref()));
            kept.push(Finding {
                rule: rule_id.map(text::name),
                level,
                message: text::message(entry.message.text()),
                file: place
                    .and_then(|place| place.artifact_location.as_ref()?.uri.as_deref())
                    .map(text::name),
                line: place.and_then(|place| place.region.as_ref()?.start_line),
            });
        }
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

    fn into_read(self) -> Read {
        let Sarif {
            mut facts,
            first,
            incomplete,
            warnings,
        } = self;
        facts.top = first.into_iter().flatten().take(FINDINGS_MAX).collect();
        let nothing = (facts.runs == 0).then(|| "the report has no runs: no tool looked".to_owned());
        Read {
            format: Format::Sarif,
            facts: Facts::Findings(facts),
            complete: Complete::unless(nothing.or(incomplete)),
            warnings: warnings.into_list(),
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
