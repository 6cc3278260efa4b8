//! Evidence: a condition holds of a custom fact.
//!
//! `evidence: {type: load-shed, that: "fact.recovered && fact.seconds < 30"}`, from any JSON reported with
//! `--as json --type load-shed`. The condition is CEL: `fact` is the reported value, `live` the one of the release that is live
//! in the stage, or `null` where there is none. A condition that has no answer is waited for.

use gateline_model::{Facts, Gate};
use gateline_policy::{Condition, Outcome};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::baseline::Baseline;
use super::custom::Custom;
use super::{GateKind, GateView, Place, Says, observes_nothing, schema_of, with_params};

/// What the condition may name.
const KNOWN: &[&str] = &["fact", "live"];
/// Characters shown of one member of the fact.
const SHOWN_CHARS_MAX: usize = 120;

pub(super) const KIND: GateKind = GateKind {
    name: "evidence",
    summary: "A condition (CEL) holds of a fact of your own, reported as JSON.",
    place: Place::Entry,
    check: |params| {
        let evidence = FactAsked::deserialize(params).map_err(|err| err.to_string())?;
        if evidence.of.trim().is_empty() {
            return Err("type: it is empty".to_owned());
        }
        Condition::parse(&evidence.that, KNOWN)
            .map(drop)
            .map_err(|err| format!("that: {err}"))
    },
    schema: schema_of::<FactAsked>,
    observes: observes_nothing,
    judge: |gate: &Gate, view: &GateView<'_>| {
        with_params(gate, |evidence: FactAsked| {
            let custom = Custom {
                of: &evidence.of,
                name: evidence.name.as_deref(),
                what: &format!("fact of type `{}`", evidence.of),
            };
            custom.judge(gate, view, |value| evidence.judge(value, &custom.baseline(view)))
        })
    },
};

/// Parameters of the gate kind `evidence`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FactAsked {
    /// The word that the fact was reported with (`--type`).
    #[serde(rename = "type")]
    of: String,
    /// The condition, in CEL, on `fact` and `live`.
    that: String,
    /// Name given with `--name`; any where it is not given.
    #[serde(default)]
    name: Option<String>,
}

impl FactAsked {
    fn judge(&self, value: &Value, baseline: &Baseline) -> Says {
        let live = match baseline {
            Baseline::Known(_, Facts::Custom(custom)) => &custom.value,
            Baseline::Known(..) | Baseline::Silent(_) | Baseline::None => &Value::Null,
        };
        let outcome = match Condition::parse(&self.that, KNOWN) {
            Ok(condition) => condition.judge(&json!({"fact": value, "live": live})),
            Err(err) => Outcome::Errored(err.to_string()),
        };
        let that = &self.that;
        let says = match outcome {
            Outcome::Holds => Says::satisfied("evidence.holds", format!("`{that}` holds")),
            Outcome::DoesNotHold => {
                Says::refused("evidence.does_not_hold", format!("`{that}` does not hold"))
                    .changed_by("a new release, or a new report for this one")
                    .next("mend what the fact speaks of and register a new release")
            }
            Outcome::Errored(why) => Says::waiting("evidence.no_answer", why)
                .changed_by("a reporter (CI), or a new version of the pipeline")
                .next("report the fact with what the condition reads, or correct the condition"),
        };
        let mut lines = members("fact", value);
        if !live.is_null() {
            lines.extend(members("live", live));
        }
        lines.push(baseline.says());
        says.details(lines)
    }
}

/// A line for each member of a value, or one for all of it.
fn members(name: &str, value: &Value) -> Vec<String> {
    let line = |path: String, value: &Value| {
        let text = value.to_string();
        let cut: String = text.chars().take(SHOWN_CHARS_MAX).collect();
        let dots = if cut.len() < text.len() { ".." } else { "" };
        format!("{path} = {cut}{dots}")
    };
    match value {
        Value::Object(fields) if !fields.is_empty() => fields
            .iter()
            .map(|(key, value)| line(format!("{name}.{key}"), value))
            .collect(),
        value => vec![line(name.to_owned(), value)],
    }
}

#[cfg(test)]
mod tests {
    use gateline_model::{CustomFacts, Verdict};
    use test_case::test_case;

    use super::*;

    #[test_case("fact.seconds < 30", json!({"seconds": 12}), Verdict::Satisfied; "a whole number")]
    #[test_case("fact.seconds < 30", json!({"seconds": 12.5}), Verdict::Satisfied; "a number with a fraction")]
    #[test_case("fact.seconds < 30", json!({"seconds": 30}), Verdict::Refused; "too many")]
    #[test_case("fact.seconds < 30", json!({"seconds": "12"}), Verdict::Waiting; "a text")]
    #[test_case("fact.seconds < 30", json!({}), Verdict::Waiting; "nothing")]
    #[test_case("fact.seconds", json!({"seconds": 1}), Verdict::Waiting; "no answer")]
    #[test_case("live == null", json!({}), Verdict::Satisfied; "nothing is live")]
    fn a_condition_is_judged(that: &str, fact: Value, expected: Verdict) {
        let params = json!({"type": "load-shed", "that": that});
        (KIND.check)(&params).expect("legal parameters");
        let gate = FactAsked::deserialize(params).expect("parameters");
        let says = gate.judge(&fact, &Baseline::None);
        assert_eq!(says.verdict, expected, "{}", says.says);
    }

    #[test]
    fn the_live_fact_is_compared() {
        let live = CustomFacts {
            of: "load-shed".to_owned(),
            value: json!({"seconds": 10}),
        };
        let baseline = Baseline::Known("1.0.0".parse().expect("a version"), Facts::Custom(live));
        let params = json!({"type": "load-shed", "that": "fact.seconds <= live.seconds"});
        let gate = FactAsked::deserialize(params).expect("parameters");
        let says = gate.judge(&json!({"seconds": 11}), &baseline);
        assert_eq!(says.verdict, Verdict::Refused);
        assert_eq!(
            says.details,
            [
                "fact.seconds = 11",
                "live.seconds = 10",
                "compared with 1.0.0, which is live"
            ]
        );
    }

    #[test]
    fn a_condition_is_read_when_the_pipeline_is() {
        for that in ["fact.", "facts.seconds < 3", "release.version == 'x'", ""] {
            assert!(
                (KIND.check)(&json!({"type": "a", "that": that})).is_err(),
                "{that}"
            );
        }
        assert!((KIND.check)(&json!({"type": " ", "that": "true"})).is_err());
    }
}
