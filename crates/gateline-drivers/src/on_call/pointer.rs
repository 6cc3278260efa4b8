//! JSON pointers (RFC 6901) in which `*` stands for each element. Knows nothing of names.

use serde_json::Value;

/// Every value that a pointer leads to, in order. A list without elements leads to none.
///
/// # Errors
/// Where the way ends before its end, in words.
pub(super) fn find<'v>(root: &'v Value, pointer: &str) -> Result<Vec<&'v Value>, String> {
    let mut found = vec![(String::new(), root)];
    for part in pointer.split('/').skip(1) {
        let name = part.replace("~1", "/").replace("~0", "~");
        let mut next = Vec::new();
        for (at, value) in found {
            if part == "*" {
                each(&at, value, &mut next)?;
                continue;
            }
            let child = match value {
                Value::Object(entries) => entries.get(&name),
                Value::Array(items) => name.parse().ok().and_then(|index: usize| items.get(index)),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
            };
            let child = child.ok_or_else(|| format!("its answer has no `{name:.64}` at `{at:.200}/`"))?;
            next.push((format!("{at}/{name}"), child));
        }
        found = next;
    }
    Ok(found.into_iter().map(|(_, value)| value).collect())
}

fn each<'v>(at: &str, value: &'v Value, into: &mut Vec<(String, &'v Value)>) -> Result<(), String> {
    match value {
        Value::Array(items) => {
            into.extend(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| (format!("{at}/{index}"), item)),
            );
        }
        Value::Object(entries) => {
            into.extend(
                entries
                    .iter()
                    .map(|(name, entry)| (format!("{at}/{name}"), entry)),
            );
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return Err(format!(
                "its answer is {} at `{at:.200}/`, and no list",
                word(value)
            ));
        }
    }
    Ok(())
}

/// What a value is, in words.
pub(super) fn word(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "yes or no",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pointer_leads_to_each_value_that_it_means() {
        let root = json!({"a/b": {"~": 1}, "list": [{"x": 1}, {"x": 2}], "map": {"p": 3, "q": 4}, "": 5});
        for (pointer, wanted) in [
            ("/a~1b/~0", json!([1])),
            ("/list/*/x", json!([1, 2])),
            ("/list/1/x", json!([2])),
            ("/map/*", json!([3, 4])),
            ("/", json!([5])),
        ] {
            let found = find(&root, pointer).unwrap();
            assert_eq!(json!(found), wanted, "{pointer}");
        }
        for (pointer, says) in [
            ("/list/2/x", "no `2` at `/list/`"),
            ("/list/-1", "no `-1`"),
            ("/map/r", "no `r` at `/map/`"),
            ("/map/p/*", "is a number at `/map/p/`"),
            ("/list/*/y", "no `y` at `/list/0/`"),
        ] {
            let err = find(&root, pointer).unwrap_err();
            assert!(err.contains(says), "{pointer}: {err}");
        }
    }
}
