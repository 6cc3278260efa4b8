//! Facts as CEL values. Done by hand: cel's own conversion makes positive integers unsigned, and `1 - 2` an error.
//! Knows no condition, only the names of the facts that are wanted.

use std::collections::{BTreeSet, HashMap};

use cel::Value;
use serde_json::Value as Json;

/// Most values (of lists and objects, and plain ones) in the facts that one condition reads.
pub const FACTS_ITEMS_MAX: usize = 20_000;

/// Most bytes of text, names of members included, in the facts that one condition reads.
pub const FACTS_BYTES_MAX: usize = 1 << 20;

/// Deepest nesting of lists and objects in a fact.
pub const FACTS_DEPTH_MAX: usize = 32;

/// The facts named in `wanted`; those that are absent are left out, and reading them errors.
pub(crate) fn read(facts: &Json, wanted: &BTreeSet<String>) -> Result<Vec<(String, Value)>, String> {
    let members = facts.as_object().ok_or("the facts are not an object")?;
    let mut room = Room {
        items: FACTS_ITEMS_MAX,
        bytes: FACTS_BYTES_MAX,
    };
    wanted
        .iter()
        .filter_map(|name| members.get(name).map(|fact| (name, fact)))
        .map(|(name, fact)| match room.value(fact, 0) {
            Ok(value) => Ok((name.clone(), value)),
            Err(reason) => Err(format!("fact `{name}` {reason}")),
        })
        .collect()
}

/// What may still be taken in.
struct Room {
    items: usize,
    bytes: usize,
}

impl Room {
    fn value(&mut self, fact: &Json, depth: usize) -> Result<Value, String> {
        if depth > FACTS_DEPTH_MAX {
            return Err(format!("nests more than {FACTS_DEPTH_MAX} deep"));
        }
        self.items = self
            .items
            .checked_sub(1)
            .ok_or_else(|| format!("is too large: at most {FACTS_ITEMS_MAX} values are read"))?;
        Ok(match fact {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => number_value(number)?,
            Json::String(text) => Value::String(self.text(text)?.into()),
            Json::Array(items) => Value::List(
                items
                    .iter()
                    .map(|item| self.value(item, depth + 1))
                    .collect::<Result<Vec<_>, _>>()?
                    .into(),
            ),
            Json::Object(members) => {
                let mut map = HashMap::with_capacity(members.len());
                for (name, member) in members {
                    map.insert(self.text(name)?, self.value(member, depth + 1)?);
                }
                Value::Map(map.into())
            }
        })
    }

    fn text(&mut self, text: &str) -> Result<String, String> {
        self.bytes = self
            .bytes
            .checked_sub(text.len())
            .ok_or_else(|| format!("is too large: at most {FACTS_BYTES_MAX} bytes of text are read"))?;
        Ok(text.to_owned())
    }
}

fn number_value(number: &serde_json::Number) -> Result<Value, String> {
    match (number.as_i64(), number.as_u64()) {
        (Some(integer), _) => Ok(Value::Int(integer)),
        // Rounding it to a float would make unequal numbers equal.
        (None, Some(_)) => Err(format!("holds the integer {number}, which is above {}", i64::MAX)),
        (None, None) => number
            .as_f64()
            .map(Value::Float)
            .ok_or_else(|| format!("holds {number}, which is out of range")),
    }
}
