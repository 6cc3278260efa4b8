//! JSON field by field: the paths of its values, and values as people may see them.
//!
//! Knows no kind of fact. What looks like a secret is never shown: decisions are read by many.

use std::collections::BTreeMap;

use serde_json::Value;

/// Characters shown of one value.
const SHOWN_CHARS_MAX: usize = 80;
/// What a secret's name holds, in lower case and without signs. One word too many hides a number; one too few shows a password.
const SECRET_WORDS: [&str; 14] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "credential",
    "authorization",
    "cookie",
    "apikey",
    "accesskey",
    "privatekey",
    "signingkey",
    "encryptionkey",
];

/// The values of an object or list that have nothing below them, by path: `db.hosts[0].port`. A key with a sign in it stands
/// in quotation marks: `labels."app.kubernetes.io/name"`. What is below a path that is left out is left out too.
pub(super) fn leaves<'v>(value: &'v Value, left_out: &dyn Fn(&str) -> bool) -> BTreeMap<String, &'v Value> {
    let mut found = BTreeMap::new();
    collect(value, String::new(), left_out, &mut found);
    found
}

fn collect<'v>(
    value: &'v Value,
    path: String,
    left_out: &dyn Fn(&str) -> bool,
    found: &mut BTreeMap<String, &'v Value>,
) {
    if !path.is_empty() && left_out(&path) {
        return;
    }
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                let dot = if path.is_empty() { "" } else { "." };
                collect(value, format!("{path}{dot}{}", step(key)), left_out, found);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, value) in items.iter().enumerate() {
                collect(value, format!("{path}[{index}]"), left_out, found);
            }
        }
        value => drop(found.insert(path, value)),
    }
}

/// A key as a part of a path: two different paths never read the same.
pub(super) fn step(key: &str) -> String {
    let is_plain = |sign: char| sign.is_alphanumeric() || matches!(sign, '_' | '-');
    if !key.is_empty() && key.chars().all(is_plain) {
        key.to_owned()
    } else {
        Value::from(key).to_string()
    }
}

/// A value for people, shortened; a secret is not shown.
pub(super) fn shown(path: &str, value: &Value) -> String {
    if is_secret(path, value) {
        return "(not shown)".to_owned();
    }
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}..", &text[..end]),
        None => text,
    }
}

/// Whether a part of the path is called like a secret, or the value has the form of one: a private key, or an address with
/// a password in it.
fn is_secret(path: &str, value: &Value) -> bool {
    let name: String = path
        .chars()
        .filter(|sign| sign.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    let in_form = |text: &str| {
        let with_password = text.split_once("://").is_some_and(|(_, rest)| {
            let host = rest.split('/').next().unwrap_or(rest);
            host.contains('@')
        });
        with_password || text.contains("PRIVATE KEY")
    };
    SECRET_WORDS.iter().any(|word| name.contains(word)) || value.as_str().is_some_and(in_form)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use test_case::test_case;

    use super::*;

    #[test]
    fn every_value_has_a_path_of_its_own() {
        let value = json!({"a": {"b": 1, "c": []}, "a.b": 2, "l": [true, {"x": null}], "": 3, "a[0]": 4});
        let leaves = leaves(&value, &|_| false);
        let paths: Vec<&str> = leaves.keys().map(String::as_str).collect();
        assert_eq!(
            paths,
            ["\"\"", "\"a.b\"", "\"a[0]\"", "a.b", "a.c", "l[0]", "l[1].x"]
        );
    }

    #[test]
    fn what_is_below_a_path_that_is_left_out_is_left_out() {
        let value = json!({"build": {"number": 1, "host": {"name": "a"}}, "builds": 2});
        let leaves = leaves(&value, &|path| path == "build");
        assert_eq!(leaves.keys().collect::<Vec<_>>(), ["builds"]);
    }

    #[test_case("db.password", json!("hunter2"), true)]
    #[test_case("payments.API-Key", json!("x"), true)]
    #[test_case("secrets.stripe.id", json!("x"), true; "below a secret")]
    #[test_case("db.url", json!("postgres://app:hunter2@db/pay"), true; "an address with a password")]
    #[test_case("tls.pem", json!("-----BEGIN RSA PRIVATE KEY-----\nMII"), true)]
    #[test_case("db.url", json!("postgres://db/pay?owner=a@b"), false)]
    #[test_case("db.pool", json!(20), false)]
    fn a_secret_is_not_shown(path: &str, value: Value, hidden: bool) {
        assert_eq!(shown(path, &value) == "(not shown)", hidden);
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let text = shown("a", &json!("\u{e4}".repeat(200)));
        assert_eq!(text.chars().count(), SHOWN_CHARS_MAX + 2);
        assert!(text.ends_with(".."));
    }
}
