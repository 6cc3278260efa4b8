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
                Place::EntryAndVerify => "Written under `gates` or `verify`.",
                Place::Stage => "Made from the stage's own fields.",
            },
            schema: (kind.schema)(&mut generator).to_value(),
        }
    };
    KINDS.iter().map(about).collect()
}

impl GateInfo {
    /// Its settings: name, what it is for, whether it must be given.
    pub fn settings(&self) -> Vec<(&str, &str, bool)> {
        let required: Vec<&str> = self.schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let properties = self.schema["properties"].as_object();
        let described = properties.into_iter().flatten().map(|(name, schema)| {
            let about = schema["description"].as_str().unwrap_or_default();
            (name.as_str(), about, required.contains(&name.as_str()))
        });
        described.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_of_every_kind_says_what_it_is_for() {
        for kind in gate_kinds() {
            for (name, about, _) in kind.settings() {
                assert!(!about.is_empty(), "`{name}` of `{}`", kind.name);
            }
        }
    }
}
