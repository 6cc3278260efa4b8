//! The page of events, from the JSON Schema of `gateline_model::Event`.

use gateline_model::{EVENT_VERSION, Event};
use schemars::schema_for;

use super::head;
use super::table::{cell, fields};

pub fn page() -> String {
    let schema = schema_for!(Event).to_value();
    let about = format!(
        "Everything that can happen, in the past tense, in the order of `crates/gateline-model/src/event.rs`. This build writes\n\
         bodies of version {EVENT_VERSION}. Names of people and free text stand beside the body, in a part that can be erased."
    );
    let mut text = head("Events", "`gateline_model::Event`", &about);
    for event in schema["oneOf"].as_array().into_iter().flatten() {
        let name = event["properties"]["type"]["const"].as_str().unwrap_or_default();
        let mut body = event.clone();
        if let Some(properties) = body["properties"].as_object_mut() {
            properties.remove("type");
        }
        let about = cell(event["description"].as_str().unwrap_or_default());
        text.push_str(&format!(
            "\n## `{name}`\n\n{about}\n{}",
            fields(&body, &schema["$defs"])
        ));
    }

    text
}
