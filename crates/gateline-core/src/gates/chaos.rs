//! Chaos: what was broken on purpose came back in time, and within the error budget.
//!
//! `chaos: {recovery: "<= 60 s", error_budget: "<= 5%", experiments: [kill-pod]}`, from JSON reported with
//! `--as json --type chaos`:
//! `{"recovery_secs": 42, "error_budget_used_percent": 1.5, "experiments": [{"name": "kill-pod", "passed": true, "recovery_secs": 42}]}`.
//! The slowest recovery counts. An experiment that did not pass refuses, whether it was asked for or not; one that was
//! asked for and did not run is waited for.

use gateline_model::Gate;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::asked::{self, Measure, Row, Weighed};
use super::baseline::Baseline;
use super::custom::{self, Custom, not_negative};
use super::{GateKind, GateView, Place, Says, observes_nothing, schema_of, with_params};
use crate::threshold::Threshold;

pub(super) const KIND: GateKind = GateKind {
    name: "chaos",
    summary: "What was broken on purpose came back in time, within the error budget.",
    place: Place::Entry,
    check: |params| {
        let chaos = Chaos::deserialize(params).map_err(|err| err.to_string())?;
        asked::check(&chaos.rows())
    },
    schema: schema_of::<Chaos>,
    observes: observes_nothing,
    judge: |gate: &Gate, view: &GateView<'_>| {
        with_params(gate, |chaos: Chaos| {
            let custom = Custom {
                of: "chaos",
                name: chaos.name.as_deref(),
                what: "chaos result",
            };
            custom.judge(gate, view, |value| chaos.judge(value, &custom.baseline(view)))
        })
    },
};

/// Parameters of the gate kind `chaos`. Every reported experiment must have passed, whatever else is asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Chaos {
    /// How long the slowest recovery took, as in `<= 60 s`.
    #[serde(default)]
    recovery: Option<Threshold>,
    /// Share of the error budget that was used, as in `<= 5%`.
    #[serde(default)]
    error_budget: Option<Threshold>,
    /// Experiments that must have run and passed, by name.
    #[serde(default)]
    experiments: Vec<String>,
    /// Name given with `--name`; any where it is not given.
    #[serde(default)]
    name: Option<String>,
}

/// The reported value. Fields that are not known are left alone.
#[derive(Debug, Default, Deserialize)]
struct Outcome {
    #[serde(default, deserialize_with = "not_negative")]
    recovery_secs: Option<f64>,
    #[serde(default, deserialize_with = "not_negative")]
    error_budget_used_percent: Option<f64>,
    #[serde(default)]
    experiments: Vec<Experiment>,
}

#[derive(Debug, Deserialize)]
struct Experiment {
    name: String,
    passed: bool,
    #[serde(default, deserialize_with = "not_negative")]
    recovery_secs: Option<f64>,
}

impl Outcome {
    /// The slowest recovery. Not known where the whole says nothing and an experiment does not either.
    fn slowest(&self) -> Option<f64> {
        let each = || self.experiments.iter().map(|experiment| experiment.recovery_secs);
        match self.recovery_secs {
            Some(whole) => Some(each().flatten().fold(whole, f64::max)),
            None if self.experiments.is_empty() => None,
            None => each().try_fold(0.0, |slowest, secs| Some(f64::max(slowest, secs?))),
        }
    }
}

impl Chaos {
    fn rows(&self) -> [Row<'_>; 2] {
        [
            ("recovery", Measure::Seconds, self.recovery.as_ref()),
            ("error_budget", Measure::Percent, self.error_budget.as_ref()),
        ]
    }

    fn judge(&self, value: &Value, baseline: &Baseline) -> Says {
        let outcome: Outcome = match custom::read(value) {
            Ok(outcome) => outcome,
            Err(why) => {
                return Says::waiting("chaos.unreadable", format!("the result cannot be read: {why}"))
                    .changed_by("a reporter (CI)")
                    .next("report it in the form that `gateline gate explain chaos` shows");
            }
        };
        let live: Outcome = custom::read_baseline(baseline);
        let values = [
            (outcome.slowest(), live.slowest()),
            (outcome.error_budget_used_percent, live.error_budget_used_percent),
        ];
        let weighed = Weighed::of_rows(self.rows(), values);
        let failed: Vec<&Experiment> = outcome.experiments.iter().filter(|one| !one.passed).collect();
        let ran = |name: &String| outcome.experiments.iter().any(|one| one.name == *name);
        let mut missing: Vec<String> = self
            .experiments
            .iter()
            .filter(|name| !ran(name))
            .map(|name| format!("the experiment `{name}`"))
            .collect();
        missing.extend(weighed.missing.iter().map(|field| {
            match *field {
                "recovery" => "`recovery_secs`, of the whole or of each experiment",
                _ => "`error_budget_used_percent`",
            }
            .to_owned()
        }));
        let names_nothing =
            self.experiments.is_empty() && self.rows().iter().all(|(.., limit)| limit.is_none());
        if names_nothing && outcome.experiments.is_empty() {
            missing.push("any experiment".to_owned());
        }

        let count = outcome.experiments.len();
        let passed = count - failed.len();
        let mut lines: Vec<String> = failed
            .iter()
            .map(|one| match one.recovery_secs {
                Some(secs) => format!("{} did not pass, recovered in {} s", one.name, asked::short(secs)),
                None => format!("{} did not pass", one.name),
            })
            .collect();
        lines.extend(weighed.lines.clone());
        lines.push(baseline.says());
        let mut over: Vec<String> = failed
            .iter()
            .map(|one| format!("{} did not pass", one.name))
            .collect();
        over.extend(weighed.over.clone());
        let mut within = vec![format!("{passed} of {count} experiments passed")];
        within.extend(weighed.within.clone());

        let says = if !over.is_empty() {
            Says::refused("chaos.over", over.join("; "))
                .changed_by("a new release, or a new result for this one")
                .next("mend what did not come back and register a new release")
        } else if !missing.is_empty() {
            Says::waiting(
                "chaos.unknown",
                format!("the result says nothing of {}", missing.join(", ")),
            )
            .changed_by("a reporter (CI)")
            .next("run it and report the whole result again")
        } else {
            Says::satisfied("chaos.within", within.join("; "))
        };
        weighed
            .tell(says)
            .number(
                "experiments passed",
                passed as f64,
                "",
                Some(format!("== {count}")),
            )
            .details(lines)
    }
}

#[cfg(test)]
mod tests {
    use gateline_model::Verdict;
    use serde_json::json;
    use test_case::test_case;

    use super::*;

    fn judged(params: Value, value: Value) -> Says {
        (KIND.check)(&params).expect("legal parameters");
        let chaos = Chaos::deserialize(params).expect("parameters");
        chaos.judge(&value, &Baseline::None)
    }

    #[test_case(json!({"recovery_secs": 10}), Some(10.0); "of the whole")]
    #[test_case(json!({"recovery_secs": 10, "experiments": [{"name": "a", "passed": true, "recovery_secs": 20}]}), Some(20.0); "of the slowest")]
    #[test_case(json!({"experiments": [{"name": "a", "passed": true, "recovery_secs": 20}]}), Some(20.0); "of each")]
    #[test_case(json!({"experiments": [{"name": "a", "passed": true, "recovery_secs": 20}, {"name": "b", "passed": true}]}), None; "of not each")]
    #[test_case(json!({}), None; "of none")]
    fn the_slowest_recovery_counts(value: Value, expected: Option<f64>) {
        let outcome: Outcome = custom::read(&value).expect("reads");
        assert_eq!(outcome.slowest(), expected);
    }

    #[test]
    fn an_experiment_that_did_not_pass_refuses_though_nobody_asked_for_it() {
        let value = json!({"experiments": [{"name": "a", "passed": true}, {"name": "b", "passed": false}]});
        let says = judged(json!({"experiments": ["a"]}), value);
        assert_eq!((says.verdict, says.code), (Verdict::Refused, "chaos.over"));
    }

    #[test_case(json!({}), "chaos.unknown"; "nothing")]
    #[test_case(json!([]), "chaos.unreadable"; "a list")]
    #[test_case(json!(null), "chaos.unreadable"; "null")]
    #[test_case(json!({"recovery_secs": -1}), "chaos.unreadable"; "a number below 0")]
    #[test_case(json!({"experiments": [{"name": "a"}]}), "chaos.unreadable"; "an experiment without an end")]
    fn what_says_nothing_waits(value: Value, code: &str) {
        let says = judged(json!({}), value);
        assert_eq!((says.verdict, says.code), (Verdict::Waiting, code));
    }
}
