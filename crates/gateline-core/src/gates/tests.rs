//! Tests: the reported tests all passed, and there were enough of them.
//!
//! `tests: {suite: unit, at_least: 10, skipped: "<= 5%"}`, from JUnit XML. A report without tests is no pass.

use gateline_model::{Facts, Gate, TestFacts};
use schemars::JsonSchema;
use serde::Deserialize;

use super::reported::Wanted;
use super::{
    GateKind, GateView, Place, Says, check_params, observes_nothing, reported, schema_of, with_params,
};
use crate::threshold::Threshold;

pub(super) const KIND: GateKind = GateKind {
    name: "tests",
    summary: "The reported tests all passed, and there were enough of them (JUnit XML).",
    place: Place::Entry,
    check: check_params::<Tests>,
    schema: schema_of::<Tests>,
    observes: observes_nothing,
    judge: |gate: &Gate, view: &GateView<'_>| {
        with_params(gate, |tests: Tests| {
            let wanted = Wanted {
                kind: "tests",
                format: None,
                name: tests.suite.as_deref(),
                what: "test report",
            };
            reported::judge(gate, view, wanted, |facts| match facts {
                Facts::Tests(facts) => tests.judge(facts),
                other => reported::foreign(other),
            })
        })
    },
};

/// Parameters of the gate kind `tests`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Tests {
    /// Name of the suite, as in the report or as given with `--name`; any where it is not given.
    #[serde(default)]
    suite: Option<String>,
    /// Fewest tests that must have passed.
    #[serde(default = "one")]
    at_least: u64,
    /// Share of tests that may be skipped, as in `<= 5%`; any where it is not given.
    #[serde(default)]
    skipped: Option<Threshold>,
}

fn one() -> u64 {
    1
}

impl Tests {
    fn judge(&self, facts: &TestFacts) -> Says {
        let bad = facts.failed + facts.errored;
        let count = format!("{} passed, {bad} failed, {} skipped", facts.passed, facts.skipped);
        let numbers = |says: Says| {
            says.number(
                "passed",
                facts.passed as f64,
                "",
                Some(format!(">= {}", self.at_least)),
            )
            .number("failed", bad as f64, "", Some("== 0".to_owned()))
            .number(
                "skipped",
                facts.skipped as f64,
                "",
                self.skipped.as_ref().map(Threshold::to_string),
            )
        };
        if bad > 0 {
            let first = facts
                .failed_cases
                .first()
                .map(|case| format!("; first: {}", case.name));
            return numbers(Says::refused(
                "tests.failed",
                format!("{count}{}", first.unwrap_or_default()),
            ))
            .changed_by("a new release, or a new report for this one")
            .next("mend the tests and register a new release");
        }
        if facts.passed < self.at_least {
            return numbers(Says::refused(
                "tests.too_few",
                format!("{count}; at least {} must pass", self.at_least),
            ))
            .changed_by("a new report")
            .next("report the whole suite");
        }
        let skipped_percent = facts.skipped as f64 * 100.0 / facts.total.max(1) as f64;
        match &self.skipped {
            Some(limit) if !limit.holds(skipped_percent) => numbers(Says::refused(
                "tests.skipped",
                format!("{count}; {skipped_percent:.1}% skipped, limit {limit}"),
            ))
            .changed_by("a new report")
            .next("run the skipped tests"),
            Some(_) | None => numbers(Says::satisfied("tests.passed", count)),
        }
    }
}
