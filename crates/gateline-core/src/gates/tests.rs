//! Tests: the reported tests all passed, and there were enough of them.
//!
//! `tests: {suite: unit, at_least: 10, skipped: "<= 5%", lost: "<= 0"}`, from JUnit XML and libtest JSON. A report without
//! tests is no pass.

use gateline_model::{Facts, Gate, Span, TestFacts};
use schemars::JsonSchema;
use serde::Deserialize;

use super::reported::Wanted;
use super::{
    GateKind, GateView, Place, Says, check_params, observes_nothing, reported, schema_of, with_params,
};
use crate::threshold::Threshold;

pub(super) const KIND: GateKind = GateKind {
    name: "tests",
    summary: "The reported tests all passed, there were enough of them, and none got lost since the live release.",
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
                Facts::Tests(facts) => tests.judge(view, wanted, facts),
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
    /// Most tests that may fail.
    #[serde(default)]
    failures: u64,
    /// Most tests that may end in an error.
    #[serde(default)]
    errors: u64,
    /// Share of tests that may be skipped, as in `<= 5%`; any where it is not given.
    #[serde(default)]
    skipped: Option<Threshold>,
    /// Tests that may pass only when run again, as in `<= 2`; any number where it is not given.
    #[serde(default)]
    flaky: Option<Threshold>,
    /// How many fewer tests than for the live release there may be, as in `<= 0` or `<= 5%`; not judged where it is not given.
    #[serde(default)]
    lost: Option<Threshold>,
    /// How long the run may have taken.
    #[serde(default)]
    within: Option<Span>,
}

fn one() -> u64 {
    1
}

/// What a report can be wrong in, the gravest first.
struct Fault {
    code: &'static str,
    says: String,
    changed_by: &'static str,
    next: &'static str,
}

impl Tests {
    fn judge(&self, view: &GateView<'_>, wanted: Wanted<'_>, facts: &TestFacts) -> Says {
        let live = reported::baseline_facts(view, wanted).and_then(|(_, facts)| match facts {
            Facts::Tests(live) => Some(live),
            _ => None,
        });
        let TestFacts {
            passed,
            failed,
            errored,
            skipped,
            ..
        } = facts;
        let count = format!("{passed} passed, {} failed, {skipped} skipped", failed + errored);
        let says = match self.fault(facts, live.as_ref()) {
            Some(Fault {
                code,
                says,
                changed_by,
                next,
            }) => Says::refused(code, format!("{count}{says}"))
                .changed_by(changed_by)
                .next(next),
            // Test runners that say no time say none, or nought.
            None if self.within.is_some() && facts.duration_secs <= 0.0 => Says::waiting(
                "tests.time_unknown",
                format!("{count}; the report does not say how long they took"),
            )
            .changed_by("a reporter (CI)")
            .next("have the test runner write times, and report again"),
            None => Says::satisfied("tests.passed", count),
        };
        let limit = |threshold: &Option<Threshold>| threshold.as_ref().map(Threshold::to_string);
        let mut says = says
            .number(
                "passed",
                *passed as f64,
                "",
                Some(format!(">= {}", self.at_least)),
            )
            .number(
                "failed",
                *failed as f64,
                "",
                Some(format!("<= {}", self.failures)),
            )
            .number(
                "errored",
                *errored as f64,
                "",
                Some(format!("<= {}", self.errors)),
            )
            .number("skipped", *skipped as f64, "", limit(&self.skipped))
            .number("flaky", facts.flaky as f64, "", limit(&self.flaky));
        if let Some(within) = self.within {
            says = says.number("duration", facts.duration_secs, "s", Some(format!("<= {within}")));
        }
        if let Some(live) = &live {
            says = says.number("live release", live.total as f64, "tests", limit(&self.lost));
        }
        says.details(facts.failed_cases.iter().map(|case| {
            let place = match (&case.file, case.line) {
                (Some(file), Some(line)) => format!(" ({file}:{line})"),
                (Some(file), None) => format!(" ({file})"),
                (None, _) => String::new(),
            };
            format!("{}{place}: {}", case.name, case.message)
        }))
    }

    fn fault(&self, facts: &TestFacts, live: Option<&TestFacts>) -> Option<Fault> {
        let fault = |code, says, changed_by, next| {
            Some(Fault {
                code,
                says,
                changed_by,
                next,
            })
        };
        if facts.failed > self.failures || facts.errored > self.errors {
            let first = facts
                .failed_cases
                .first()
                .map(|case| format!("; first: {}", case.name));
            return fault(
                "tests.failed",
                first.unwrap_or_default(),
                "a new release, or a new report for this one",
                "mend the tests and register a new release",
            );
        }
        if facts.passed < self.at_least {
            let says = format!("; at least {} must pass", self.at_least);
            return fault("tests.too_few", says, "a new report", "report the whole suite");
        }
        let skipped = facts.skipped_percent().unwrap_or(0.0);
        if let Some(limit) = self.skipped.as_ref().filter(|limit| !limit.holds(skipped)) {
            let says = format!("; {skipped:.1}% skipped, limit {limit}");
            return fault("tests.skipped", says, "a new report", "run the skipped tests");
        }
        if let Some(limit) = self
            .flaky
            .as_ref()
            .filter(|limit| !limit.holds(facts.flaky as f64))
        {
            let first = facts
                .flaky_cases
                .first()
                .map(|case| format!("; first: {case}"))
                .unwrap_or_default();
            let says = format!(
                "; {} passed only when run again, limit {limit}{first}",
                facts.flaky
            );
            return fault(
                "tests.flaky",
                says,
                "a new release",
                "mend the tests that do not always pass",
            );
        }
        if let (Some(limit), Some(live)) = (&self.lost, live) {
            let fewer = live.total.saturating_sub(facts.total);
            let lost = if limit.unit() == "%" {
                fewer as f64 * 100.0 / live.total.max(1) as f64
            } else {
                fewer as f64
            };
            if !limit.holds(lost) {
                let says = format!(
                    "; {fewer} fewer than the {} of the live release, limit {limit}",
                    live.total
                );
                return fault(
                    "tests.lost",
                    says,
                    "a new report",
                    "report the whole suite, or bring the tests back",
                );
            }
        }
        let within = self
            .within
            .filter(|within| facts.duration_secs > within.as_secs_f64())?;
        let says = format!("; took {:.0} s, limit {within}", facts.duration_secs);
        fault("tests.slow", says, "a new release", "make the tests faster")
    }
}
