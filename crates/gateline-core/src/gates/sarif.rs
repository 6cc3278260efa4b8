//! SARIF: analysers found no more than the gate allows, per level.
//!
//! `sarif: {errors: 0, warnings: 5, tool: ruff}`, from SARIF 2.1.0. A run that did not look is no pass.

use gateline_model::{Facts, FindingFacts, Gate};
use schemars::JsonSchema;
use serde::Deserialize;

use super::reported::Wanted;
use super::{
    GateKind, GateView, Place, Says, check_params, observes_nothing, reported, schema_of, with_params,
};

pub(super) const KIND: GateKind = GateKind {
    name: "sarif",
    summary: "Analysers found no more than is allowed, per level (SARIF 2.1.0).",
    place: Place::Entry,
    check: check_params::<Sarif>,
    schema: schema_of::<Sarif>,
    observes: observes_nothing,
    judge: |gate: &Gate, view: &GateView<'_>| {
        with_params(gate, |sarif: Sarif| {
            let wanted = Wanted {
                kind: "findings",
                format: Some("sarif"),
                name: sarif.name.as_deref(),
                what: "analysis",
            };
            reported::judge(gate, view, wanted, |facts| match facts {
                Facts::Findings(facts) => sarif.judge(facts),
                other => reported::foreign(other),
            })
        })
    },
};

/// Parameters of the gate kind `sarif`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Sarif {
    /// Most findings of level `error`.
    #[serde(default)]
    errors: u64,
    /// Most findings of level `warning`; any number where it is not given.
    #[serde(default)]
    warnings: Option<u64>,
    /// Most findings of level `note`; any number where it is not given.
    #[serde(default)]
    notes: Option<u64>,
    /// Name given with `--name`; any where it is not given.
    #[serde(default)]
    name: Option<String>,
}

impl Sarif {
    fn judge(&self, facts: &FindingFacts) -> Says {
        let levels = [
            ("errors", facts.errors, Some(self.errors)),
            ("warnings", facts.warnings, self.warnings),
            ("notes", facts.notes, self.notes),
        ];
        let too_many = levels
            .iter()
            .any(|(_, count, limit)| limit.is_some_and(|limit| *count > limit));
        let text = format!(
            "{} errors, {} warnings, {} notes by {}",
            facts.errors,
            facts.warnings,
            facts.notes,
            facts.tools.join(", ")
        );
        let says = if too_many {
            let worst = facts.findings.first().map(|finding| {
                let place = match (&finding.file, finding.line) {
                    (Some(file), Some(line)) => format!(" in {file}:{line}"),
                    (Some(file), None) => format!(" in {file}"),
                    (None, _) => String::new(),
                };
                format!("; worst: {}{place}", finding.message)
            });
            Says::refused(
                "findings.too_many",
                format!("{text}{}", worst.unwrap_or_default()),
            )
            .changed_by("a new release, or a new report for this one")
            .next("mend the findings and register a new release")
        } else {
            Says::satisfied("findings.within", text)
        };
        levels.into_iter().fold(says, |says, (name, count, limit)| {
            says.number(name, count as f64, "", limit.map(|limit| format!("<= {limit}")))
        })
    }
}
