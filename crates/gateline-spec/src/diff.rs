//! Differences between two versions of a file in what they mean, by path; order and spelling of the file do not count
//! unless they mean something.

use std::collections::BTreeSet;
use std::fmt;

use gateline_model::{Gate, Notifications, Pipeline, Roles, Stage};
use serde::Serialize;
use serde_json::Value;

/// One difference in what two versions mean.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// What differs, as in `stages.production.gates.soak.at_least`.
    pub path: String,
    /// How.
    #[serde(flatten)]
    pub what: What,
}

/// How a part of two versions differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Only the new one has it.
    Added(Value),
    /// Only the old one has it.
    Removed(Value),
    /// Both have it, differently.
    Changed {
        /// In the old one.
        old: Value,
        /// In the new one.
        new: Value,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Added(new) => write!(f, "+ {}: {}", self.path, Short(new)),
            What::Removed(old) => write!(f, "- {}: {}", self.path, Short(old)),
            What::Changed { old, new } => write!(f, "~ {}: {} -> {}", self.path, Short(old), Short(new)),
        }
    }
}

/// A value on one line, with no more quotes than it needs.
struct Short<'a>(&'a Value);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::String(text) if !text.is_empty() && !text.contains(['\n', '"', ',', '{', '[']) => {
                f.write_str(text)
            }
            Value::Array(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{}", if index > 0 { ", " } else { "" }, Short(item))?;
                }
                f.write_str("]")
            }
            Value::Object(fields) => {
                f.write_str("{")?;
                for (index, (name, value)) in fields.iter().enumerate() {
                    write!(f, "{}{name}: {}", if index > 0 { ", " } else { "" }, Short(value))?;
                }
                f.write_str("}")
            }
            other => write!(f, "{other}"),
        }
    }
}

/// What differs, by path. Empty exactly when both have the same version.
pub fn diff(old: &Pipeline, new: &Pipeline) -> Vec<Difference> {
    let mut found = Vec::new();
    compare("", &pipeline(old), &pipeline(new), &mut found);
    compare_order(
        "artifacts",
        &old.artifacts,
        &new.artifacts,
        |artifact| artifact.name.as_str(),
        &mut found,
    );
    compare_order(
        "stages",
        &old.stages,
        &new.stages,
        |stage| stage.name.as_str(),
        &mut found,
    );
    for new in &new.stages {
        if let Some(old) = old.stage(&new.name) {
            let path = format!("stages.{}", new.name);
            compare_order(
                &format!("{path}.gates"),
                &old.gates,
                &new.gates,
                |gate| gate.name.as_str(),
                &mut found,
            );
            compare_order(
                &format!("{path}.verify"),
                &old.verify,
                &new.verify,
                |gate| gate.name.as_str(),
                &mut found,
            );
        }
    }
    found
}

/// What differs between two versions of roles, by path.
pub fn diff_roles(old: &Roles, new: &Roles) -> Vec<Difference> {
    let by_name = |roles: &Roles| {
        let mut value = json(roles);
        value["teams"] = named(&roles.teams, |team| (team.name.to_string(), json(team)));
        value["roles"] = named(&roles.roles, |role| (role.name.to_string(), json(role)));
        value
    };
    let mut found = Vec::new();
    compare("", &by_name(old), &by_name(new), &mut found);
    found
}

/// What differs between two versions of the rules of notifications, by path.
pub fn diff_notifications(old: &Notifications, new: &Notifications) -> Vec<Difference> {
    let by_name = |of: &Notifications| {
        let mut value = json(of);
        value["rules"] = named(&of.rules, |rule| (rule.name.to_string(), json(rule)));
        value
    };
    let mut found = Vec::new();
    compare("", &by_name(old), &by_name(new), &mut found);
    found
}

/// The pipeline with named things under their names.
fn pipeline(pipeline: &Pipeline) -> Value {
    let Pipeline {
        project,
        name,
        tier,
        protected,
        artifacts,
        windows,
        stages,
    } = pipeline;
    serde_json::json!({
        "project": project,
        "name": name,
        "tier": tier,
        "protected": protected,
        "windows": windows,
        "artifacts": named(artifacts, |artifact| (artifact.name.to_string(), json(artifact))),
        "stages": named(stages, |one| (one.name.to_string(), stage(one))),
    })
}

fn stage(stage: &Stage) -> Value {
    let mut value = json(stage);
    value["gates"] = named(&stage.gates, gate);
    value["verify"] = named(&stage.verify, gate);
    value
}

/// A gate as people write it: its settings beside its reason.
fn gate(gate: &Gate) -> (String, Value) {
    let Gate {
        name,
        kind,
        params,
        because,
        mode,
        max_age,
        at_risk,
        owner,
        runbook,
    } = gate;
    let mut fields = params.as_object().cloned().unwrap_or_default();
    let common = [
        ("kind", Some(json(kind))),
        ("because", Some(json(because))),
        ("mode", (!mode.is_enforce()).then(|| json(mode))),
        ("max_age", max_age.as_ref().map(json)),
        ("at_risk", (!at_risk.is_empty()).then(|| json(at_risk))),
        ("owner", owner.as_ref().map(json)),
        ("runbook", runbook.as_ref().map(json)),
    ];
    fields.extend(
        common
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?))),
    );
    (name.to_string(), Value::Object(fields))
}

fn named<T>(things: &[T], name: impl Fn(&T) -> (String, Value)) -> Value {
    Value::Object(things.iter().map(name).collect())
}

fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("the model's types serialise to JSON")
}

fn compare(path: &str, old: &Value, new: &Value, found: &mut Vec<Difference>) {
    match (old, new) {
        (old, new) if old == new => {}
        (Value::Object(old), Value::Object(new)) => {
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for name in names {
                let inner = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                match (old.get(name), new.get(name)) {
                    (Some(old), Some(new)) => compare(&inner, old, new, found),
                    (Some(old), None) => found.push(Difference {
                        path: inner,
                        what: What::Removed(old.clone()),
                    }),
                    (None, Some(new)) => found.push(Difference {
                        path: inner,
                        what: What::Added(new.clone()),
                    }),
                    (None, None) => {}
                }
            }
        }
        // Things without a name, such as the rules of an approval, are told apart by their place.
        (Value::Array(old), Value::Array(new)) if old.iter().chain(new).any(Value::is_object) => {
            for index in 0..old.len().max(new.len()) {
                let path = format!("{path}.{}", index + 1);
                match (old.get(index), new.get(index)) {
                    (Some(old), Some(new)) => compare(&path, old, new, found),
                    (Some(old), None) => found.push(Difference {
                        path,
                        what: What::Removed(old.clone()),
                    }),
                    (None, Some(new)) => found.push(Difference {
                        path,
                        what: What::Added(new.clone()),
                    }),
                    (None, None) => {}
                }
            }
        }
        (old, new) => {
            let what = What::Changed {
                old: old.clone(),
                new: new.clone(),
            };
            found.push(Difference {
                path: path.to_owned(),
                what,
            });
        }
    }
}

/// Only what both have: adding a thing is not also a new order of the others.
fn compare_order<T>(
    path: &str,
    old: &[T],
    new: &[T],
    name: impl Fn(&T) -> &str,
    found: &mut Vec<Difference>,
) {
    let (old, new): (Vec<&str>, Vec<&str>) =
        (old.iter().map(&name).collect(), new.iter().map(&name).collect());
    let common = |these: &[&str], those: &[&str]| -> Value {
        these
            .iter()
            .filter(|name| those.contains(name))
            .map(json)
            .collect()
    };
    let (old, new) = (common(&old, &new), common(&new, &old));
    if old != new {
        found.push(Difference {
            path: format!("{path} in order"),
            what: What::Changed { old, new },
        });
    }
}
