//! The examples that users copy: all of them can be read, and say what their comments say.
#![expect(clippy::unwrap_used, reason = "a test that cannot read its file has failed")]

use std::path::{Path, PathBuf};

use gateline_model::{Pipeline, Span, Strategy};
use gateline_spec::{Read, diff, read, schema};
use serde_json::Value;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

fn example(name: &str) -> Read {
    let text = std::fs::read_to_string(examples().join(name)).unwrap();
    match read(name, &text) {
        Ok(read) => read,
        Err(found) => panic!("{}", found.render(&text, false)),
    }
}

fn names() -> Vec<String> {
    let mut names = Vec::new();
    for file in std::fs::read_dir(examples()).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let of_service = format!("{name}/pipeline.yaml");
        if name.ends_with(".yaml") {
            names.push(name);
        } else if examples().join(&of_service).is_file() {
            names.push(of_service);
        }
    }
    names
}

#[test]
fn every_example_can_be_used_without_a_warning() {
    let names = names();
    assert!(names.len() >= 9, "{names:?}");
    for name in names {
        assert_eq!(example(&name).warnings, [], "{name}");
    }
}

#[test]
fn a_stored_pipeline_is_the_one_that_was_read() {
    for name in names() {
        let pipeline = example(&name).pipeline;
        let stored = serde_json::to_string(&pipeline).unwrap();
        let again: Pipeline = serde_json::from_str(&stored).unwrap();
        assert_eq!(again, pipeline, "{name}");
        assert_eq!(again.version(), pipeline.version(), "{name}");
        assert_eq!(diff(&again, &pipeline), [], "{name}");
    }
}

#[test]
fn a_change_of_low_risk_is_in_production_within_a_quarter_of_an_hour() {
    let pipeline = example("payment-service/pipeline.yaml").pipeline;
    let mut planned = Span::ZERO;
    for stage in &pipeline.stages {
        for gate in stage.gates.iter().filter(|gate| gate.kind == "soak") {
            planned = planned.plus(gate.params["at_least"].as_str().unwrap().parse().unwrap());
        }
        if let Strategy::Canary(canary) = &stage.rollout {
            for step in &canary.steps {
                planned = planned.plus(step.pause.unwrap_or(canary.pause));
            }
        }
    }
    assert!(planned <= Span::from_secs(15 * 60), "{planned}");
}

#[test]
fn the_schema_takes_every_example_and_knows_every_gate_kind() {
    let schema = schema();
    for name in names() {
        let text = std::fs::read_to_string(examples().join(&name)).unwrap();
        let file: Value = serde_saphyr::from_str(&text).unwrap();
        if let Err(why) = takes(&schema, &schema, &file, "") {
            panic!("{name}: {why}");
        }
    }
    let mut kinds: Vec<&str> = schema["$defs"]["Gate"]["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|gate| gate["required"][0].as_str().unwrap())
        .collect();
    kinds.sort_unstable();
    let mut written: Vec<&str> = gateline_spec::gate_kinds()
        .iter()
        .filter(|kind| kind.written.contains("`gates`"))
        .map(|kind| kind.name)
        .collect();
    written.sort_unstable();
    assert_eq!(kinds, written);
}

type Breakage = fn(&mut Value);

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    let schema = schema();
    let good: Value =
        serde_saphyr::from_str(&std::fs::read_to_string(examples().join("library.yaml")).unwrap()).unwrap();
    let breakages: [(&str, Breakage); 6] = [
        ("an unknown field", |file| {
            file["spec"]["stages"][0]["afer"] = Value::Null
        }),
        ("a gate without a reason", |file| {
            file["spec"]["stages"][0]["gates"][0]
                .as_object_mut()
                .unwrap()
                .remove("because");
        }),
        ("an unknown gate", |file| {
            file["spec"]["stages"][0]["gates"][0]["covrage"] = Value::Null
        }),
        ("no target", |file| {
            drop(
                file["spec"]["stages"][0]
                    .as_object_mut()
                    .unwrap()
                    .remove("target"),
            )
        }),
        ("another kind", |file| file["kind"] = "Pod".into()),
        ("a number for a duration", |file| {
            file["spec"]["stages"][0]["verify_within"] = 5.into()
        }),
    ];
    for (what, breakage) in breakages {
        let mut file = good.clone();
        breakage(&mut file);
        assert!(takes(&schema, &schema, &file, "").is_err(), "{what} passes");
    }
}

/// As much of JSON Schema as ours uses; an unknown word of it would go unnoticed, so they are listed.
fn takes(root: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let Some(rules) = schema.as_object() else {
        return if schema == &Value::Bool(true) {
            Ok(())
        } else {
            Err(format!("{at}: nothing is allowed"))
        };
    };
    for (rule, asked) in rules {
        let holds = match rule.as_str() {
            "$ref" => {
                let path = asked.as_str().unwrap().strip_prefix('#').unwrap();
                takes(root, root.pointer(path).unwrap(), value, at)?;
                true
            }
            "type" => {
                let is = |word: &Value| match word.as_str().unwrap() {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "boolean" => value.is_boolean(),
                    "integer" => value.is_u64() || value.is_i64(),
                    "number" => value.is_number(),
                    "null" => value.is_null(),
                    other => panic!("type {other}"),
                };
                asked
                    .as_array()
                    .map_or_else(|| is(asked), |words| words.iter().any(is))
            }
            "const" => value == asked,
            "enum" => asked.as_array().unwrap().contains(value),
            "required" => asked
                .as_array()
                .unwrap()
                .iter()
                .all(|name| value.get(name.as_str().unwrap()).is_some()),
            "properties" => {
                for (name, schema) in asked.as_object().unwrap() {
                    if let Some(inner) = value.get(name) {
                        takes(root, schema, inner, &format!("{at}.{name}"))?;
                    }
                }
                true
            }
            "additionalProperties" => {
                let known = rules.get("properties").and_then(Value::as_object);
                for (name, inner) in value.as_object().into_iter().flatten() {
                    if known.is_none_or(|known| !known.contains_key(name)) {
                        takes(root, asked, inner, &format!("{at}.{name}"))?;
                    }
                }
                true
            }
            "items" => {
                for (index, inner) in value.as_array().into_iter().flatten().enumerate() {
                    takes(root, asked, inner, &format!("{at}[{index}]"))?;
                }
                true
            }
            "anyOf" | "oneOf" | "allOf" => {
                let tries: Vec<Result<(), String>> = asked
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|schema| takes(root, schema, value, at))
                    .collect();
                let passed = tries.iter().filter(|tried| tried.is_ok()).count();
                match rule.as_str() {
                    "anyOf" => passed > 0,
                    "oneOf" => passed == 1,
                    _ => passed == tries.len(),
                }
            }
            "minItems" => value
                .as_array()
                .is_none_or(|items| items.len() as u64 >= asked.as_u64().unwrap()),
            "minLength" => value
                .as_str()
                .is_none_or(|text| text.len() as u64 >= asked.as_u64().unwrap()),
            "minimum" => value
                .as_f64()
                .is_none_or(|number| number >= asked.as_f64().unwrap()),
            "maximum" => value
                .as_f64()
                .is_none_or(|number| number <= asked.as_f64().unwrap()),
            "$schema" | "$defs" | "title" | "description" | "default" | "format" | "pattern" => true,
            other => panic!("the schema uses `{other}`, which this test does not know"),
        };
        if !holds {
            return Err(format!("{at}: {rule} {asked} does not take {value}"));
        }
    }
    Ok(())
}
