//! A JSON Schema's fields as the rows of a table.

use serde_json::Value;

/// How deep fields are told; what is further in is told by its form alone.
const DEPTH_MAX: usize = 4;

/// The fields of an object's schema, those further in below the one that has them: name, form, whether it is needed,
/// meaning. `[]` stands for each item of a list, `*` for each name of a map. Empty where it has none.
pub fn fields(schema: &Value, definitions: &Value) -> String {
    let mut rows = String::new();
    add_rows(
        &mut rows,
        "",
        resolved(schema, definitions),
        definitions,
        DEPTH_MAX,
    );
    if rows.is_empty() {
        return rows;
    }
    format!("\n| field | form | | meaning |\n|---|---|---|---|\n{rows}")
}

fn add_rows(rows: &mut String, under: &str, schema: &Value, definitions: &Value, depth: usize) {
    let required = |name: &str| {
        let names = schema["required"].as_array();
        names.is_some_and(|names| names.iter().any(|required| required == name))
    };
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let need = match (&field["default"], required(name)) {
            (_, true) => "required".to_owned(),
            (Value::Null, false) => "optional".to_owned(),
            (default, false) => format!("default `{default}`"),
        };
        let meaning = cell(description(field, definitions));
        let path = format!("{under}{name}");
        rows.push_str(&format!(
            "| `{path}` | {} | {need} | {meaning} |\n",
            form(field, definitions)
        ));
        if depth > 0 {
            for (inside, schema) in objects(field, definitions) {
                add_rows(rows, &format!("{path}{inside}."), schema, definitions, depth - 1);
            }
        }
    }
}

/// The objects with fields of their own that a field may hold, and how each is reached.
fn objects<'a>(field: &'a Value, definitions: &'a Value) -> Vec<(String, &'a Value)> {
    let schema = resolved(field, definitions);
    if schema["properties"].is_object() {
        return vec![(String::new(), schema)];
    }
    let within = |sign: &str, inner: &'a Value| {
        let inner = objects(inner, definitions).into_iter();
        inner
            .map(|(path, schema)| (format!("{sign}{path}"), schema))
            .collect()
    };
    if schema["items"].is_object() {
        return within("[]", &schema["items"]);
    }
    if schema["additionalProperties"].is_object() {
        return within(".*", &schema["additionalProperties"]);
    }
    let choices = ["anyOf", "oneOf", "allOf"]
        .iter()
        .filter_map(|key| schema[key].as_array());
    choices
        .flatten()
        .flat_map(|choice| objects(choice, definitions))
        .collect()
}

/// The named forms that are no objects and no choice of words, with what each is.
pub fn forms(definitions: &Value) -> String {
    let mut text = String::new();
    for (name, schema) in definitions.as_object().into_iter().flatten() {
        let about = schema["description"].as_str().unwrap_or_default();
        if !about.is_empty() && named(name, definitions) == *name {
            text.push_str(&format!("| {name} | {} |\n", cell(about)));
        }
    }
    text
}

/// A description on one line, safe in a table.
pub fn cell(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
}

fn description<'a>(field: &'a Value, definitions: &'a Value) -> &'a str {
    let own = field["description"].as_str();
    own.or_else(|| resolved(field, definitions)["description"].as_str())
        .unwrap_or_default()
}

/// The schema that a reference means.
fn resolved<'a>(schema: &'a Value, definitions: &'a Value) -> &'a Value {
    match schema["$ref"]
        .as_str()
        .and_then(|reference| reference.rsplit('/').next())
    {
        Some(name) => &definitions[name],
        None => schema,
    }
}

/// What a field may hold, in few words.
fn form(field: &Value, definitions: &Value) -> String {
    if let Some(name) = field["$ref"]
        .as_str()
        .and_then(|reference| reference.rsplit('/').next())
    {
        return named(name, definitions);
    }
    if let Some(words) = field["enum"].as_array() {
        return words
            .iter()
            .map(|word| format!("`{}`", word.as_str().unwrap_or_default()))
            .collect::<Vec<_>>()
            .join(", ");
    }
    if let Some(word) = field["const"].as_str() {
        return format!("`{word}`");
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        if let Some(choices) = field[key].as_array() {
            let forms = choices
                .iter()
                .filter(|choice| choice["type"] != "null")
                .map(|choice| form(choice, definitions));
            return forms.collect::<Vec<_>>().join(" or ");
        }
    }
    let kind = match &field["type"] {
        Value::Array(kinds) => kinds
            .iter()
            .find_map(|kind| kind.as_str().filter(|kind| *kind != "null")),
        kind => kind.as_str(),
    };
    match kind {
        Some("array") => format!("list of {}", form(&field["items"], definitions)),
        Some("object") if field["additionalProperties"].is_object() => {
            format!("map to {}", form(&field["additionalProperties"], definitions))
        }
        Some(kind) => kind.to_owned(),
        None => "any".to_owned(),
    }
}

/// A named form: its words, where it is a short choice; else its name.
fn named(name: &str, definitions: &Value) -> String {
    let schema = &definitions[name];
    let choices = schema["oneOf"]
        .as_array()
        .filter(|choices| choices.iter().all(|choice| choice["const"].is_string()));
    match (choices, schema["enum"].as_array()) {
        (Some(choices), _) => choices
            .iter()
            .map(|choice| form(choice, definitions))
            .collect::<Vec<_>>()
            .join(", "),
        (None, Some(_)) => form(schema, definitions),
        (None, None) if !objects(schema, definitions).is_empty() => "object".to_owned(),
        (None, None) => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_tells_its_form_and_whether_it_is_needed() {
        let definitions = json!({"Span": {"type": "string"}, "Mode": {"enum": ["queue", "parallel"]}});
        let schema = json!({"required": ["for"], "properties": {
            "for": {"$ref": "#/$defs/Span", "description": "How\nlong."},
            "lane": {"anyOf": [{"$ref": "#/$defs/Mode"}, {"type": "null"}]},
            "names": {"type": ["array", "null"], "items": {"type": "string"}, "default": []},
        }});
        let text = fields(&schema, &definitions);
        assert!(text.contains("| `for` | Span | required | How long. |"), "{text}");
        assert!(
            text.contains("| `lane` | `queue`, `parallel` | optional |"),
            "{text}"
        );
        assert!(
            text.contains("| `names` | list of string | default `[]` |"),
            "{text}"
        );
    }

    #[test]
    fn what_is_further_in_is_told_below_its_field() {
        let definitions = json!({
            "Only": {"type": "object", "properties": {"rules": {"type": "array", "items": {"type": "string"}}}},
            "Row": {"type": "object", "required": ["with"], "properties": {"with": {"type": "string", "description": "Its partner."}}},
        });
        let schema = json!({"properties": {
            "only": {"anyOf": [{"$ref": "#/$defs/Only"}, {"type": "null"}]},
            "table": {"type": "array", "items": {"$ref": "#/$defs/Row"}},
            "named": {"type": "object", "additionalProperties": {"$ref": "#/$defs/Row"}},
        }});
        let text = fields(&schema, &definitions);
        for row in [
            "| `only` | object | optional |",
            "| `only.rules` | list of string | optional |",
            "| `table` | list of object | optional |",
            "| `table[].with` | string | required | Its partner. |",
            "| `named` | map to object | optional |",
            "| `named.*.with` | string | required | Its partner. |",
        ] {
            assert!(text.contains(row), "{row} is not in {text}");
        }
    }
}
