//! The OpenAPI 3.1 document, made from the table of endpoints.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::{
    ENDPOINTS, ERRORS, EndpointInfo, IDEMPOTENCY_HEADER, IDEMPOTENCY_KEY_BYTES_MAX, Media, OPENMETRICS_MEDIA,
    PROBLEM_MEDIA, REPR_DIGEST_HEADER, UPLOAD_OFFSET_HEADER,
};
use crate::{Problem, Rule, Schemas};

/// The document that `/api/openapi.json` gives.
pub fn openapi() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let problem = generator.subschema_for::<Problem>();
    let mut paths = Map::new();
    for endpoint in ENDPOINTS {
        let schemas = (endpoint.schemas)(&mut generator);
        let operation = operation(endpoint, &schemas);
        let path = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        path[endpoint.method.as_str().to_lowercase()] = operation;
    }
    let errors: Vec<Value> = ERRORS
        .iter()
        .map(|entry| json!({"code": entry.code, "status": entry.status, "title": entry.title, "hint": entry.hint}))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Gateline",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Decides when a release may move to the next stage, records why, and moves it.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "responses": {"problem": {
                "description": "Why the request was not fulfilled (RFC 9457).",
                "content": {PROBLEM_MEDIA: {"schema": problem}},
            }},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "x-errors": errors,
    })
}

fn operation(endpoint: &EndpointInfo, schemas: &Schemas) -> Value {
    let mut operation = json!({
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "responses": {"200": reply(endpoint, schemas), "default": {"$ref": "#/components/responses/problem"}},
        "security": match endpoint.rule {
            Rule::Open => json!([]),
            Rule::Scope(scope) => json!([{"token": [scope]}]),
        },
    });
    let mut parameters = parameters("path", schemas.path.as_value());
    parameters.extend(self::parameters("query", schemas.query.as_value()));
    if endpoint.takes_key {
        parameters.push(json!({
            "name": IDEMPOTENCY_HEADER,
            "in": "header",
            "description": "Recognises the request when it is sent again: it then happens once.",
            "schema": {"type": "string", "maxLength": IDEMPOTENCY_KEY_BYTES_MAX},
        }));
    }
    if endpoint.takes_key && endpoint.body == Media::Bytes {
        parameters.extend(upload_headers());
    }
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some(content) = content(endpoint.body, schemas.body.as_value()) {
        operation["requestBody"] = json!({"required": true, "content": content});
    }
    operation
}

/// The headers of a body that can be gone on with where it broke off.
fn upload_headers() -> [Value; 2] {
    [
        json!({
            "name": REPR_DIGEST_HEADER,
            "in": "header",
            "description": "The SHA-256 of the whole, as `sha-256=:BASE64:`. With it and a key, what arrived is kept when \
                the body breaks off.",
            "schema": {"type": "string"},
        }),
        json!({
            "name": UPLOAD_OFFSET_HEADER,
            "in": "header",
            "description": "The byte of the whole that the body begins with, as `GetUpload` told it; 0 without.",
            "schema": {"type": "integer", "minimum": 0},
        }),
    ]
}

fn reply(endpoint: &EndpointInfo, schemas: &Schemas) -> Value {
    let mut reply = json!({"description": endpoint.summary});
    if let Some(content) = content(endpoint.reply, schemas.reply.as_value()) {
        reply["content"] = content;
    }
    reply
}

fn content(media: Media, schema: &Value) -> Option<Value> {
    let described = match media {
        Media::None => return None,
        Media::Json | Media::Secret | Media::Form => json!({"schema": schema}),
        Media::Events => json!({"schema": event(schema)}),
        Media::Bytes => json!({}),
        Media::Text => {
            let plain = media.media_type().unwrap_or_default();
            return Some(json!({plain: {}, OPENMETRICS_MEDIA: {}}));
        }
    };
    media.media_type().map(|kind| json!({kind: described}))
}

/// One server-sent event, as OpenAPI 3.2 describes such streams: what it says is JSON in its `data`.
fn event(data: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["id", "data"],
        "properties": {
            "id": {"type": "string", "description": "Its log number: what `Last-Event-ID` resumes after."},
            "event": {"type": "string"},
            "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": data},
        },
    })
}

/// The fields of an object's schema as parameters.
fn parameters(place: &str, schema: &Value) -> Vec<Value> {
    let Some(fields) = schema["properties"].as_object() else {
        return Vec::new();
    };
    let required = schema["required"].as_array();
    let is_required =
        |name: &str| required.is_some_and(|names| names.iter().any(|required| required == name));
    fields
        .iter()
        .map(|(name, field)| json!({"name": name, "in": place, "required": is_required(name), "schema": field}))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_as_it_was_read_last() {
        insta::assert_json_snapshot!(openapi());
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn walk(value: &Value, document: &Value) {
            match value {
                Value::Object(fields) => {
                    if let Some(Value::String(reference)) = fields.get("$ref") {
                        let pointer = reference.strip_prefix('#').unwrap();
                        assert!(document.pointer(pointer).is_some(), "{reference}");
                    }
                    fields.values().for_each(|value| walk(value, document));
                }
                Value::Array(items) => items.iter().for_each(|value| walk(value, document)),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        let document = openapi();
        walk(&document, &document);
    }

    #[test]
    fn every_parameter_of_a_path_is_described() {
        let document = openapi();
        for endpoint in ENDPOINTS {
            let operation = &document["paths"][endpoint.path][endpoint.method.as_str().to_lowercase()];
            for name in endpoint.path.split(['{', '}']).skip(1).step_by(2) {
                let described = operation["parameters"].as_array().unwrap();
                assert!(
                    described
                        .iter()
                        .any(|one| one["name"] == name && one["required"] == true),
                    "{name}"
                );
            }
        }
    }
}
