//! A JSON Schema's fields as the rows of a table.

use serde_json::Value;

/// The fields of an object's schema: name, form, whether it is needed, meaning. Empty where it has none.
pub fn fields(schema: &Value, definitions: &Value) -> String {
    let schema = resolved(schema, definitions);
    let Some(fields) = schema["properties"]
        .as_object()
        .filter(|fields| !fields.is_empty())
    else {
        return String::new();
    };
    let required = |name: &str| {
        let names = schema["required"].as_array();
        names.is_some_and(|names| names.iter().any(|required| required == name))
    };
    let mut text = "\n| field | form | | meaning |\n|---|---|---|---|\n".to_owned();
    for (name, field) in fields {
        let need = match (&field["default"], required(name)) {
            (_, true) => "required".to_owned(),
            (Value::Null, false) => "optional".to_owned(),
            (default, false) => format!("default `{default}`"),
        };
        let meaning = cell(description(field, definitions));
        text.push_str(&format!(
            "| `{name}` | {} | {need} | {meaning} |\n",
            form(field, definitions)
        ));
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
}
