//! What conditions may ask about: the facts that CEL sees.

use gateline_model::{Pipeline, Risk, Stage};
use gateline_policy::{Condition, Outcome};
use serde_json::{Value, json};

use crate::state::ReleaseState;

/// What a condition under `risk` may name.
pub const RISK_FACTS: &[&str] = &["change", "release", "stage"];
/// What a condition under `approval` may name.
pub const APPROVAL_FACTS: &[&str] = &["change", "release", "risk", "stage"];

/// What a condition of a rule of notifications may name.
pub const TELL_FACTS: &[&str] = &[
    "change",
    "event",
    "gates",
    "promotion",
    "release",
    "risk",
    "stage",
];

/// The facts about one release before one stage.
pub(crate) fn facts(pipeline: &Pipeline, release: &ReleaseState, stage: &Stage, risk: Option<Risk>) -> Value {
    let change = &release.release.change;
    let mut facts = json!({
        "change": {
            "kind": change.kind.word(),
            "breaking": change.breaking,
            "irreversible": change.irreversible,
            "labels": change.labels,
            "tickets": change.tickets,
            "paths": change.paths,
            "lines_changed": change.lines_changed,
        },
        "release": {
            "pipeline": pipeline.name.as_str(),
            "project": pipeline.project.as_str(),
            "version": release.release.version.as_str(),
            "number": release.number,
            "artifacts": release.release.artifacts.iter()
                .map(|artifact| json!({"name": artifact.name.as_str(), "kind": artifact.at.kind()}))
                .collect::<Vec<_>>(),
        },
        "stage": {"name": stage.name.as_str(), "production": stage.production},
    });
    if let Some(risk) = risk {
        facts["risk"] = json!({"level": risk.word()});
    }
    facts
}

/// Whether a rule applies: always without a condition. An error is an error, never a no.
pub(crate) fn holds(when: Option<&str>, known: &[&str], facts: &Value) -> Result<bool, String> {
    let Some(text) = when else { return Ok(true) };
    let condition = Condition::parse(text, known).map_err(|err| err.to_string())?;
    match condition.judge(facts) {
        Outcome::Holds => Ok(true),
        Outcome::DoesNotHold => Ok(false),
        Outcome::Errored(why) => Err(why),
    }
}
