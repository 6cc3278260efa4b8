//! A fact of a kind that only its reporter and its gate know.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{FactRow, SHOWN_MAX, row};

/// Bytes of JSON kept of one custom fact.
pub const CUSTOM_BYTES_MAX: usize = 64 * 1024;

/// A JSON value with the word for what it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CustomFacts {
    /// What it is, as the reporter calls it: `chaos`, `config`, `change-record`.
    pub of: String,
    /// The value; at most [`CUSTOM_BYTES_MAX`] bytes of JSON.
    pub value: Value,
}

impl CustomFacts {
    pub(super) fn says(&self) -> String {
        match &self.value {
            Value::Object(fields) => format!("{} with {} fields", self.of, fields.len()),
            Value::Array(items) => format!("{} with {} items", self.of, items.len()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                format!("{}: {}", self.of, self.value)
            }
        }
    }

    pub(super) fn rows(&self) -> Vec<FactRow> {
        let mut rows = vec![row("type", &self.of)];
        match &self.value {
            Value::Object(fields) => rows.extend(
                fields
                    .iter()
                    .take(SHOWN_MAX)
                    .map(|(name, value)| row(name, value)),
            ),
            value => rows.push(row("value", value)),
        }
        rows
    }
}
