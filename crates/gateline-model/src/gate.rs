//! Gates as pipelines declare them: a kind with its parameters, the reason, and what holds for every kind.
//!
//! Knows no kind: the table of kinds is `gateline-core`'s.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{GateName, Risk, Span};

/// A declared condition, with its reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// Its name within the stage; by default its kind.
    pub name: GateName,
    /// Its kind, one of the table in `gateline-core`.
    pub kind: String,
    /// The kind's parameters, checked by the kind.
    pub params: Value,
    /// Why the gate is there. Never empty.
    pub because: String,
    /// Whether it keeps a release out or only says what it thinks.
    #[serde(default, skip_serializing_if = "GateMode::is_enforce")]
    pub mode: GateMode,
    /// How old reported evidence may be; any age where it is not given. Judged again at admission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Span>,
    /// Parameters that replace the others of the same name where the risk is at least of this level.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub at_risk: BTreeMap<Risk, Value>,
    /// Who answers for the gate: a team or a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Where it is written what to do when the gate is not satisfied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
}

/// Whether a gate keeps a release out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GateMode {
    /// It does.
    #[default]
    Enforce,
    /// It only says what it thinks: its verdict is recorded and keeps nobody out.
    Advise,
}

impl GateMode {
    /// Whether it is the ordinary one, which files do not write.
    pub fn is_enforce(&self) -> bool {
        *self == GateMode::Enforce
    }
}

impl Gate {
    /// A gate with nothing but what it must have.
    pub fn new(name: GateName, kind: impl Into<String>, params: Value, because: impl Into<String>) -> Self {
        Gate {
            name,
            kind: kind.into(),
            params,
            because: because.into(),
            mode: GateMode::Enforce,
            max_age: None,
            at_risk: BTreeMap::new(),
            owner: None,
            runbook: None,
        }
    }

    /// The parameters at this level of risk: those of every level up to it lie over the others, the highest on top.
    pub fn params_at(&self, risk: Risk) -> Value {
        let mut params = self.params.clone();
        for over in self.at_risk.range(..=risk).map(|(_, over)| over) {
            if let (Value::Object(params), Value::Object(over)) = (&mut params, over) {
                params.extend(over.clone());
            }
        }
        params
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_higher_the_risk_the_more_lies_on_top() {
        let mut gate = Gate::new("a".parse().expect("a name"), "k", json!({"a": 1, "b": 1}), "why");
        gate.at_risk.insert(Risk::Medium, json!({"a": 2}));
        gate.at_risk.insert(Risk::Critical, json!({"a": 3, "c": 3}));
        assert_eq!(gate.params_at(Risk::Low), json!({"a": 1, "b": 1}));
        assert_eq!(gate.params_at(Risk::High), json!({"a": 2, "b": 1}));
        assert_eq!(gate.params_at(Risk::Critical), json!({"a": 3, "b": 1, "c": 3}));
    }

    #[test]
    fn what_is_ordinary_is_not_written() {
        let gate = Gate::new("a".parse().expect("a name"), "k", json!({}), "why");
        let written = serde_json::to_value(&gate).expect("plain data");
        assert_eq!(
            written,
            json!({"name": "a", "kind": "k", "params": {}, "because": "why"})
        );
    }
}
