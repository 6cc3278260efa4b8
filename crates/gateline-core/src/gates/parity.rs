//! Parity: declared properties of this stage's target and another stage's agree, and names keep to their conventions.
//!
//! `parity: {with: staging, of: {versions: same_major, config_keys: superset, replicas_class: equal}, names: {services: "pay-*-{stage}"}}`,
//! from JSON reported for each stage with `--stage STAGE --as json --type environment`:
//! `{"versions": {"postgres": "15.4"}, "config_keys": ["DB_URL"], "replicas_class": "ha", "services": ["pay-api-staging"]}`. The newest
//! report for a stage counts, of this release or of the one that is live there; once another release is live there, it is
//! reported again. Objects are compared key by key, lists as sets. A name is any text of the property: itself, those of a list,
//! the keys of an object.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gateline_model::{Evidence, EvidenceId, Gate, StageName};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::custom::Custom;
use super::fields::{shown, step};
use super::pattern::Pattern;
use super::{GateKind, GateView, Place, Says, observes_nothing, schema_of, with_params};

/// What stands for the stage's name in a pattern of names.
const STAGE: &str = "{stage}";

pub(super) const KIND: GateKind = GateKind {
    name: "parity",
    summary: "Declared properties of two stages' targets agree.",
    place: Place::Entry,
    check: |params| {
        let parity = Parity::deserialize(params).map_err(|err| err.to_string())?;
        match parity.of.is_empty() && parity.names.is_empty() {
            true => Err("it compares nothing: give `of` or `names`".to_owned()),
            false => Ok(()),
        }
    },
    schema: schema_of::<Parity>,
    observes: observes_nothing,
    judge: |gate: &Gate, view: &GateView<'_>| with_params(gate, |parity: Parity| parity.judge(gate, view)),
};

/// Parameters of the gate kind `parity`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Parity {
    /// The other stage.
    with: StageName,
    /// The properties that are compared, each with its rule.
    #[serde(default)]
    of: BTreeMap<String, Rule>,
    /// Patterns that the names in a property must fit, in both stages; `*` stands for any text, `{stage}` for the stage.
    #[serde(default)]
    names: BTreeMap<String, Pattern>,
    /// Name given with `--name`; any where it is not given.
    #[serde(default)]
    name: Option<String>,
}

/// How a property is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ParityRule")]
enum Rule {
    /// Both stages have the same.
    Equal,
    /// What this stage has, the other has too.
    Subset,
    /// What the other stage has, this one has too.
    Superset,
    /// Both have the same, but for versions: those agree in their first number.
    SameMajor,
}

impl Rule {
    fn lets_be_only_here(self) -> bool {
        self == Rule::Superset
    }

    fn lets_be_only_there(self) -> bool {
        self == Rule::Subset
    }

    fn agree(self, here: &Value, there: &Value) -> bool {
        let majors = || Some(major(here)? == major(there)?);
        here == there || (self == Rule::SameMajor && majors() == Some(true))
    }
}

/// The first number of a version, `v` or not.
fn major(value: &Value) -> Option<u64> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let digits = text.strip_prefix('v').unwrap_or(&text);
    let end = digits.find(|sign: char| !sign.is_ascii_digit());
    digits[..end.unwrap_or(digits.len())].parse().ok()
}

/// Two environments, with the names of their stages.
struct Both<'a> {
    here: (&'a StageName, &'a Value),
    there: (&'a StageName, &'a Value),
}

impl Parity {
    fn judge(&self, gate: &Gate, view: &GateView<'_>) -> Says {
        let (here, there) = (&view.stage.name, &self.with);
        if here == there || view.pipeline.stage(there).is_none() {
            return Says::waiting(
                "parity.no_stage",
                format!("`{there}` is no other stage of this pipeline"),
            )
            .changed_by("a new version of the pipeline")
            .next("name another stage of this pipeline under `with`");
        }
        let (what_here, what_there) = (what(here), what(there));
        let custom = |what| Custom {
            of: "environment",
            name: self.name.as_deref(),
            what,
        };
        let (here_is, there_is) = (custom(&what_here), custom(&what_there));
        let newest_there = newest_for(&there_is, view, there);
        there_is.judge_found(gate, view, Some(there), newest_there.as_ref(), |found_there| {
            let newest_here = newest_for(&here_is, view, here);
            here_is.judge_found(gate, view, Some(here), newest_here.as_ref(), |found_here| {
                self.said(&Both {
                    here: (here, found_here),
                    there: (there, found_there),
                })
            })
        })
    }

    fn said(&self, both: &Both<'_>) -> Says {
        let ((here, at_here), (there, at_there)) = (both.here, both.there);
        let (mut lines, mut missing) = (Vec::new(), Vec::new());
        let (mut agreeing, total) = (0, self.of.len() + self.names.len());
        for (property, rule) in &self.of {
            let (Some(value), Some(other)) = (at_here.get(property), at_there.get(property)) else {
                missing.extend(silent(both, property));
                continue;
            };
            let before = lines.len();
            both.differ(*rule, &step(property), value, other, &mut lines);
            agreeing += usize::from(lines.len() == before);
        }
        for (property, pattern) in &self.names {
            let before = (lines.len(), missing.len());
            for (stage, environment) in [both.here, both.there] {
                match environment.get(property) {
                    Some(value) => lines.extend(misnamed(stage, property, value, pattern)),
                    None => missing.push(format!("{property}: {stage} says nothing of it")),
                }
            }
            agreeing += usize::from((lines.len(), missing.len()) == before);
        }
        let text = format!("{agreeing} of {total} properties of {here} agree with {there}");
        let differences = lines.len();
        let says = if differences > 0 {
            Says::refused("parity.differs", format!("{text}; differences: {differences}"))
                .changed_by("whoever runs the two targets, and a new report of either")
                .next(format!(
                    "bring {here} and {there} together, and report what was changed"
                ))
        } else if !missing.is_empty() {
            Says::waiting("parity.unknown", format!("{text}; {}", missing.join(", ")))
                .changed_by("a reporter (CI)")
                .next("report these properties of both stages")
        } else {
            Says::satisfied("parity.agrees", text)
        };
        says.number("differences", differences as f64, "", Some("== 0".to_owned()))
            .number("properties", agreeing as f64, "", Some(format!("== {total}")))
            .details(lines.into_iter().chain(missing))
    }
}

fn what(stage: &StageName) -> String {
    format!("environment of {stage}")
}

/// The newest report for a stage: of this release, or of the one that is live there.
fn newest_for(
    custom: &Custom<'_>,
    view: &GateView<'_>,
    stage: &StageName,
) -> Option<(EvidenceId, Arc<Evidence>)> {
    let is_for = |evidence: &Evidence| evidence.stage.as_ref() == Some(stage);
    let live = view.draft.stage(&view.stage_ref.sibling(stage));
    let live = live
        .live
        .as_ref()
        .and_then(|live| view.draft.release(&live.release));
    let of_live = live.and_then(|live| custom.newest_where(&live, &is_for).cloned());
    let own = custom.newest_where(view.release, &is_for).cloned();
    of_live
        .into_iter()
        .chain(own)
        .max_by_key(|(_, evidence)| evidence.at)
}

/// A line for each stage that does not have the property.
fn silent(both: &Both<'_>, property: &str) -> Vec<String> {
    let stages = [both.here, both.there].into_iter();
    stages
        .filter(|(_, environment)| environment.get(property).is_none())
        .map(|(stage, _)| format!("{property}: {stage} says nothing of it"))
        .collect()
}

/// A line for each name that does not fit.
fn misnamed(stage: &StageName, property: &str, value: &Value, pattern: &Pattern) -> Vec<String> {
    let pattern = Pattern::new(&pattern.text().replace(STAGE, stage.as_str()));
    let names: Vec<&str> = match value {
        Value::String(name) => vec![name],
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        Value::Object(fields) => fields.keys().map(String::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    };
    if names.is_empty() {
        return vec![format!("{property}: {stage} has no names there")];
    }
    let wrong = names.into_iter().filter(|name| !pattern.matches(name));
    wrong
        .map(|name| {
            format!(
                "{property}: `{name}` in {stage} does not fit `{}`",
                pattern.text()
            )
        })
        .collect()
}

impl Both<'_> {
    /// Adds a line for everything that the rule does not let differ.
    fn differ(&self, rule: Rule, path: &str, here: &Value, there: &Value, lines: &mut Vec<String>) {
        let only = |path: &str, value: &Value, stage: &StageName| {
            format!("{path}: {} only in {stage}", shown(path, value))
        };
        match (here, there) {
            (Value::Object(at_here), Value::Object(at_there)) => {
                let keys: BTreeSet<&String> = at_here.keys().chain(at_there.keys()).collect();
                for key in keys {
                    let path = format!("{path}.{}", step(key));
                    match (at_here.get(key), at_there.get(key)) {
                        (Some(here), Some(there)) => self.differ(rule, &path, here, there, lines),
                        (Some(here), None) if !rule.lets_be_only_here() => {
                            lines.push(only(&path, here, self.here.0));
                        }
                        (None, Some(there)) if !rule.lets_be_only_there() => {
                            lines.push(only(&path, there, self.there.0));
                        }
                        (Some(_) | None, None) | (None, Some(_)) => {}
                    }
                }
            }
            (Value::Array(at_here), Value::Array(at_there)) => {
                if !rule.lets_be_only_here() {
                    let alone = at_here.iter().filter(|item| !at_there.contains(item));
                    lines.extend(alone.map(|item| only(path, item, self.here.0)));
                }
                if !rule.lets_be_only_there() {
                    let alone = at_there.iter().filter(|item| !at_here.contains(item));
                    lines.extend(alone.map(|item| only(path, item, self.there.0)));
                }
            }
            (here, there) if rule.agree(here, there) => {}
            (here, there) => lines.push(format!(
                "{path}: {} in {}, {} in {}",
                shown(path, here),
                self.here.0,
                shown(path, there),
                self.there.0
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use test_case::test_case;

    use super::*;

    fn lines(rule: Rule, here: &Value, there: &Value) -> Vec<String> {
        let (live, staging) = (
            "live".parse().expect("a name"),
            "staging".parse().expect("a name"),
        );
        let both = Both {
            here: (&live, here),
            there: (&staging, there),
        };
        let mut lines = Vec::new();
        both.differ(rule, "p", here, there, &mut lines);
        lines
    }

    #[test_case(Rule::Equal, json!({"a": 1}), json!({"a": 1}), &[])]
    #[test_case(Rule::Equal, json!({"a": 1}), json!({"a": 2}), &["p.a: 1 in live, 2 in staging"])]
    #[test_case(Rule::Equal, json!(["b", "a"]), json!(["a", "b"]), &[]; "the order of a list does not count")]
    #[test_case(Rule::Equal, json!(["a"]), json!(["b"]), &["p: \"a\" only in live", "p: \"b\" only in staging"])]
    #[test_case(Rule::Subset, json!(["a"]), json!(["a", "b"]), &[])]
    #[test_case(Rule::Subset, json!(["c"]), json!(["a"]), &["p: \"c\" only in live"])]
    #[test_case(Rule::Superset, json!({"a": 1, "b": 2}), json!({"a": 1}), &[])]
    #[test_case(Rule::Superset, json!({"a": 1}), json!({"a": 1, "b": 2}), &["p.b: 2 only in staging"])]
    #[test_case(Rule::Superset, json!({"a": 1}), json!({"a": 2}), &["p.a: 1 in live, 2 in staging"]; "what both have is the same")]
    #[test_case(Rule::SameMajor, json!({"pg": "15.4"}), json!({"pg": "v15.9-alpine"}), &[])]
    #[test_case(Rule::SameMajor, json!({"pg": 15.4}), json!({"pg": 16}), &["p.pg: 15.4 in live, 16 in staging"])]
    #[test_case(Rule::SameMajor, json!("latest"), json!("stable"), &["p: \"latest\" in live, \"stable\" in staging"]; "what has no number must be the same")]
    #[test_case(Rule::Equal, json!({"token": "a"}), json!({"token": "b"}), &["p.token: (not shown) in live, (not shown) in staging"])]
    #[test_case(Rule::Equal, json!("a"), json!(["a"]), &["p: \"a\" in live, [\"a\"] in staging"]; "of another form")]
    fn what_differs_is_told(rule: Rule, here: Value, there: Value, expected: &[&str]) {
        assert_eq!(lines(rule, &here, &there), expected);
    }

    #[test]
    fn names_keep_to_their_convention_in_each_stage() {
        let stage = "live".parse().expect("a name");
        let pattern = Pattern::new("pay-*-{stage}");
        let wrong = misnamed(
            &stage,
            "services",
            &json!(["pay-api-live", "pay-api-staging"]),
            &pattern,
        );
        assert_eq!(
            wrong,
            ["services: `pay-api-staging` in live does not fit `pay-*-live`"]
        );
        assert_eq!(
            misnamed(&stage, "services", &json!({"pay-db-live": 1}), &pattern),
            [""; 0]
        );
        assert_eq!(misnamed(&stage, "services", &json!([]), &pattern).len(), 1);
    }
}
