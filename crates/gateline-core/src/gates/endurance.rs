//! Endurance: the release ran long enough under load without wearing out.
//!
//! `endurance: {duration: ">= 2h", saturation: ">= 500 rps", error_budget: "<= 10%", memory_growth: "<= 1 %/h"}`, from JSON
//! reported with `--as json --type endurance`:
//! `{"duration_secs": 7200, "saturation_rps": 640, "error_budget_used_percent": 3.5, "memory_growth_percent_per_hour": 0.2}`.
//! A field that is asked for and not there is waited for.

use gateline_model::Gate;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::asked::{self, Measure, Row, Weighed};
use super::baseline::Baseline;
use super::custom::{self, Custom, not_negative, number};
use super::{GateKind, GateView, Place, Says, observes_nothing, schema_of, with_params};
use crate::threshold::Threshold;

pub(super) const KIND: GateKind = GateKind {
    name: "endurance",
    summary: "The release ran long enough under load without wearing out.",
    place: Place::Entry,
    check: |params| {
        let endurance = Endurance::deserialize(params).map_err(|err| err.to_string())?;
        if endurance.rows().iter().all(|(.., limit)| limit.is_none()) {
            return Err(
                "it asks for nothing: give `duration`, `saturation`, `error_budget` or `memory_growth`"
                    .to_owned(),
            );
        }
        asked::check(&endurance.rows())
    },
    schema: schema_of::<Endurance>,
    observes: observes_nothing,
    judge: |gate: &Gate, view: &GateView<'_>| {
        with_params(gate, |endurance: Endurance| {
            let custom = Custom {
                of: "endurance",
                name: endurance.name.as_deref(),
                what: "endurance result",
            };
            custom.judge(gate, view, |value| endurance.judge(value, &custom.baseline(view)))
        })
    },
};

/// Parameters of the gate kind `endurance`; at least one limit.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Endurance {
    /// How long it ran, as in `>= 2h`.
    #[serde(default)]
    duration: Option<Threshold>,
    /// The load that it took before it could take no more, as in `>= 500 rps`.
    #[serde(default)]
    saturation: Option<Threshold>,
    /// Share of the error budget that was used, as in `<= 10%`.
    #[serde(default)]
    error_budget: Option<Threshold>,
    /// How fast its memory grew, as in `<= 1 %/h`.
    #[serde(default)]
    memory_growth: Option<Threshold>,
    /// Name given with `--name`; any where it is not given.
    #[serde(default)]
    name: Option<String>,
}

/// The reported value. Fields that are not known are left alone.
#[derive(Debug, Default, Deserialize)]
struct Outcome {
    #[serde(default, deserialize_with = "not_negative")]
    duration_secs: Option<f64>,
    #[serde(default, deserialize_with = "not_negative")]
    saturation_rps: Option<f64>,
    #[serde(default, deserialize_with = "not_negative")]
    error_budget_used_percent: Option<f64>,
    /// Below 0 where it shrank.
    #[serde(default, deserialize_with = "number")]
    memory_growth_percent_per_hour: Option<f64>,
}

impl Outcome {
    /// The numbers in the order of the rows.
    fn values(&self) -> [Option<f64>; 4] {
        let Outcome {
            duration_secs,
            saturation_rps,
            error_budget_used_percent,
            memory_growth_percent_per_hour,
        } = *self;
        [
            duration_secs,
            saturation_rps,
            error_budget_used_percent,
            memory_growth_percent_per_hour,
        ]
    }
}

impl Endurance {
    fn rows(&self) -> [Row<'_>; 4] {
        [
            ("duration", Measure::Seconds, self.duration.as_ref()),
            ("saturation", Measure::PerSecond, self.saturation.as_ref()),
            ("error_budget", Measure::Percent, self.error_budget.as_ref()),
            (
                "memory_growth",
                Measure::PercentPerHour,
                self.memory_growth.as_ref(),
            ),
        ]
    }

    fn judge(&self, value: &Value, baseline: &Baseline) -> Says {
        let outcome: Outcome = match custom::read(value) {
            Ok(outcome) => outcome,
            Err(why) => {
                return Says::waiting(
                    "endurance.unreadable",
                    format!("the result cannot be read: {why}"),
                )
                .changed_by("a reporter (CI)")
                .next("report it in the form that `gateline gate explain endurance` shows");
            }
        };
        let live: Outcome = custom::read_baseline(baseline);
        let values = outcome.values();
        let live = live.values();
        let weighed = Weighed::of_rows(
            self.rows(),
            std::array::from_fn::<_, 4, _>(|at| (values[at], live[at])),
        );
        let says = if !weighed.over.is_empty() {
            Says::refused("endurance.over", weighed.over.join("; "))
                .changed_by("a new release, or a new result for this one")
                .next("find what wears out, mend it and register a new release")
        } else if !weighed.missing.is_empty() {
            let fields: Vec<&str> = weighed.missing.iter().map(|field| reported_as(field)).collect();
            Says::waiting(
                "endurance.unknown",
                format!("the result has no {}", fields.join(", ")),
            )
            .changed_by("a reporter (CI)")
            .next("measure it and report the whole result again")
        } else {
            Says::satisfied("endurance.within", weighed.within.join("; "))
        };
        let mut lines = weighed.lines.clone();
        lines.push(baseline.says());
        weighed.tell(says).details(lines)
    }
}

/// The field of the result that a limit is held against.
fn reported_as(field: &str) -> &'static str {
    match field {
        "duration" => "`duration_secs`",
        "saturation" => "`saturation_rps`",
        "error_budget" => "`error_budget_used_percent`",
        _ => "`memory_growth_percent_per_hour`",
    }
}

#[cfg(test)]
mod tests {
    use gateline_model::Verdict;
    use serde_json::json;

    use super::*;

    #[test]
    fn memory_may_shrink_and_time_may_not() {
        let gate = Endurance::deserialize(json!({"memory_growth": "<= 1%", "duration": ">= 1h"}))
            .expect("parameters");
        let judged = |value: Value| gate.judge(&value, &Baseline::None);
        let shrunk = judged(json!({"duration_secs": 3600, "memory_growth_percent_per_hour": -2}));
        assert_eq!(shrunk.verdict, Verdict::Satisfied);
        let backwards = judged(json!({"duration_secs": -1, "memory_growth_percent_per_hour": 0}));
        assert_eq!(backwards.code, "endurance.unreadable");
        let words = judged(json!({"duration_secs": 3600, "memory_growth_percent_per_hour": "little"}));
        assert_eq!(
            words.says,
            "the result cannot be read: `memory_growth_percent_per_hour`: \"little\" is no number"
        );
    }

    #[test]
    fn a_gate_that_asks_for_nothing_is_refused() {
        for wrong in [
            json!({}),
            json!({"duration": ">= 2"}),
            json!({"saturation": ">= 5 s"}),
        ] {
            assert!((KIND.check)(&wrong).is_err(), "{wrong}");
        }
    }
}
