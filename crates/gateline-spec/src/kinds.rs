//! The kinds of gate as people ask about them: what each asks, where it is written, what it takes.

use gateline_core::gates::{KINDS, Place};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// One kind of gate.
#[derive(Debug, Clone)]
pub struct GateInfo {
    /// Its name, as pipeline files write it.
    pub name: &'static str,
    /// What it asks, in one sentence.
    pub summary: &'static str,
    /// Where it is written.
    pub written: &'static str,
    /// JSON Schema of its settings.
    pub schema: Value,
}

/// Every kind of gate, by name.
pub fn gate_kinds() -> Vec<GateInfo> {
    let about = |kind: &gateline_core::gates::GateKind| {
        let mut generator: SchemaGenerator = SchemaSettings::draft2020_12()
            .with(|settings| settings.inline_subschemas = true)
            .into_generator();
        GateInfo {
            name: kind.name,
            summary: kind.summary,
            written: match kind.place {
                Place::Entry => "Written under `gates`.",
                Place::EntryAndVerify => "Written under `gates`, `before`, `during` or `verify`.",
                Place::Stage => "Made from the stage's own fields.",
            },
            schema: (kind.schema)(&mut generator).to_value(),
        }
    };
    KINDS.iter().map(about).collect()
}

impl GateInfo {
    /// The names of its settings, those inside of others left out.
    pub fn settings(&self) -> Vec<&str> {
        let properties = self.schema["properties"].as_object();
        properties
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_of_every_kind_says_what_it_is_for() {
        for kind in gate_kinds() {
            for name in kind.settings() {
                let about = kind.schema["properties"][name]["description"].as_str();
                assert!(
                    about.is_some_and(|about| !about.is_empty()),
                    "`{name}` of `{}`",
                    kind.name
                );
            }
        }
    }
}
