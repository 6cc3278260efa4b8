//! Coverage: enough of the code was reached by the tests.
//!
//! `coverage: {lines: ">= 80%", branches: ">= 60%"}`, from LCOV. A report of nothing is no pass.

use gateline_model::{CoverageFacts, Facts, Gate};
use schemars::JsonSchema;
use serde::Deserialize;

use super::reported::Wanted;
use super::{
    GateKind, GateView, Place, Says, check_params, observes_nothing, reported, schema_of, with_params,
};
use crate::threshold::Threshold;

pub(super) const KIND: GateKind = GateKind {
    name: "coverage",
    summary: "Enough of the code was reached by the tests (LCOV).",
    place: Place::Entry,
    check: check_params::<Coverage>,
    schema: schema_of::<Coverage>,
    observes: observes_nothing,
    judge: |gate: &Gate, view: &GateView<'_>| {
        with_params(gate, |coverage: Coverage| {
            let wanted = Wanted {
                kind: "coverage",
                format: None,
                name: coverage.name.as_deref(),
                what: "coverage report",
            };
            reported::judge(gate, view, wanted, |facts| match facts {
                Facts::Coverage(facts) => coverage.judge(facts),
                other => reported::foreign(other),
            })
        })
    },
};

/// Parameters of the gate kind `coverage`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Coverage {
    /// Lines reached, as in `>= 80%`.
    lines: Threshold,
    /// Branches taken, as in `>= 60%`; not judged where it is not given.
    #[serde(default)]
    branches: Option<Threshold>,
    /// Name given with `--name`; any where it is not given.
    #[serde(default)]
    name: Option<String>,
}

impl Coverage {
    fn judge(&self, facts: &CoverageFacts) -> Says {
        let asked = [
            ("lines", Some(&self.lines), facts.lines_percent()),
            ("branches", self.branches.as_ref(), facts.branches_percent()),
        ];
        let mut parts = Vec::new();
        let mut low = false;
        for (name, limit, percent) in asked {
            match (limit, percent) {
                (None, _) => {}
                (Some(limit), Some(percent)) => {
                    low |= !limit.holds(percent);
                    parts.push((name, percent, limit));
                }
                (Some(_), None) => {
                    return Says::waiting("coverage.unknown", format!("the report says nothing of {name}"))
                        .changed_by("a reporter (CI)")
                        .next(format!("let the tool measure {name} and report again"));
                }
            }
        }
        let text: Vec<String> = parts
            .iter()
            .map(|(name, percent, limit)| format!("{percent:.1}% of {name} reached, limit {limit}"))
            .collect();
        let says = if low {
            Says::refused("coverage.low", text.join("; "))
                .changed_by("a new release, or a new report for this one")
                .next("test what is not reached and register a new release")
        } else {
            Says::satisfied("coverage.enough", text.join("; "))
        };
        parts.into_iter().fold(says, |says, (name, percent, limit)| {
            says.number(name, percent, "%", Some(limit.to_string()))
        })
    }
}
