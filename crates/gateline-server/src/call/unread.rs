//! What of a request could not be read, in a caller's words: which field, what is asked, what came.
//!
//! Knows how serde and its formats say it, and no endpoint: their own words would name our types.

use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

/// Most characters of a caller's text that an answer repeats.
const REPEATED_CHARS_MAX: usize = 80;

/// Reads a JSON body: an object, for every endpoint.
pub(super) fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let (place, says) = match serde_path_to_error::deserialize(&mut reader) {
        Ok(value) => return reader.end().map(|()| value).map_err(|err| malformed(&err)),
        Err(err) => (err.path().clone(), err.into_inner().to_string()),
    };
    // Read again, as what it is: what it should be is of no use to a body that is not JSON.
    let came: Value = serde_json::from_slice(bytes).map_err(|err| malformed(&err))?;
    if !came.is_object() {
        return Err(must_be("the body", "", "an object", &value_words(&came)));
    }
    let came = place.iter().try_fold(&came, |value, segment| match segment {
        Segment::Seq { index } => value.get(index),
        Segment::Map { key } => value.get(key),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    let came = came.map(value_words);
    Err(unread(
        "the body",
        &place.to_string(),
        came.as_deref(),
        without_position(&says),
    ))
}

/// Reads the pairs of a query or a form.
pub(super) fn pairs<T: DeserializeOwned>(bytes: &[u8], of: &str) -> Result<T, String> {
    let reader = serde_urlencoded::Deserializer::new(form_urlencoded::parse(bytes));
    serde_path_to_error::deserialize(reader).map_err(|err| {
        let place = err.path().to_string();
        let came = form_urlencoded::parse(bytes).find(|(name, _)| *name == place);
        let came = came.map(|(_, value)| text(&value));
        unread(of, &place, came.as_deref(), &err.into_inner().to_string())
    })
}

/// Says what a path lacks.
pub(super) fn path(err: &PathRejection) -> String {
    let PathRejection::FailedToDeserializePathParams(err) = err else {
        return err.body_text();
    };
    match err.kind() {
        ErrorKind::ParseErrorAtKey {
            key,
            value,
            expected_type,
        } => must_be("the path", key, asked(expected_type), &text(value)),
        ErrorKind::DeserializeError { key, value, message } => {
            unread("the path", key, Some(&text(value)), message)
        }
        ErrorKind::InvalidUtf8InPathParam { key } => {
            format!("`{key}` in the path is not UTF-8 once its `%` signs are decoded")
        }
        other => format!("the path cannot be read: {other}"),
    }
}

fn malformed(err: &serde_json::Error) -> String {
    let said = err.to_string();
    let why = match without_position(&said) {
        _ if err.is_eof() => "it ends too early",
        "recursion limit exceeded" => "it is nested too deeply",
        "trailing characters" => "something follows its end",
        "expected value" => "a value is missing or not written as JSON",
        why => why,
    };
    format!(
        "the body is not JSON: {why}, at line {} column {}",
        err.line(),
        err.column()
    )
}

/// The sentence for what serde says of the field at `place`.
fn unread(of: &str, place: &str, came: Option<&str>, says: &str) -> String {
    if let Some(name) = quoted_after(says, "missing field ") {
        return format!("{of} lacks {}", field(&within(place, name)));
    }
    if let Some(name) = quoted_after(says, "duplicate field ") {
        return format!("{of} has {} twice", field(&within(place, name)));
    }
    if let Some(name) = quoted_after(says, "unknown field ") {
        let name = field(&within(place, name));
        return match alternatives(says) {
            Some(known) => format!("{of} has {name}, which is not known here; known are {known}"),
            None => format!("{of} has {name}, but no field is known here"),
        };
    }
    if let Some(value) = quoted_after(says, "unknown variant ") {
        let known = alternatives(says).unwrap_or_default();
        return must_be(of, place, &format!("one of {known}"), &text(value));
    }
    let came = came.unwrap_or("something else");
    let invalid = ["invalid type: ", "invalid value: ", "invalid length "];
    let invalid = invalid.iter().find_map(|class| says.strip_prefix(class));
    let wanted = match says {
        // A sentence of our own readers: it says what came and what is asked.
        _ if says.starts_with('`') => {
            return format!(
                "{} of {of} cannot be used: {}",
                field(place),
                short(says, 4 * REPEATED_CHARS_MAX)
            );
        }
        _ if let Some((_, wanted)) = invalid.and_then(|says| says.rsplit_once(", expected ")) => {
            asked(wanted)
        }
        "invalid digit found in string" | "cannot parse integer from empty string" => "a whole number from 0",
        "number too large to fit in target type" => "a smaller whole number",
        "provided string was not `true` or `false`" => "`true` or `false`",
        // What serde_json says of an enum that is no string.
        "expected value" => "a word that is known here",
        _ if says.starts_with("data did not match any variant") => "in one of the forms that are taken here",
        // All that is left is the reader of times, which writes a paragraph about its grammar.
        _ => TIME,
    };
    must_be(of, place, wanted, came)
}

const TIME: &str = "a time with its offset, such as `2026-11-23T08:00:00Z`";

fn must_be(of: &str, place: &str, wanted: &str, came: &str) -> String {
    if place.is_empty() || place == "." {
        return format!("{of} must be {wanted}; {came} came");
    }
    format!("{} of {of} must be {wanted}; {came} came", field(place))
}

/// What a Rust type's own description means to somebody who writes JSON.
fn asked(wanted: &str) -> &str {
    match wanted {
        "a map" => "an object",
        "a sequence" => "a list",
        "a boolean" | "bool" => "`true` or `false`",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number from 0",
        "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        "a borrowed string" | "a character" => "a string",
        other if other.starts_with("struct ") || other.contains("enum ") => "an object",
        other if other.contains("timestamp") || other.contains("datetime") => TIME,
        other => other,
    }
}

/// A value as a caller would call it.
fn value_words(value: &Value) -> String {
    match value {
        Value::Null => "`null`".to_owned(),
        Value::Bool(value) => format!("`{value}`"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(value) => text(value),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// The name between back quotes behind a prefix.
fn quoted_after<'a>(says: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = says.strip_prefix(prefix)?.strip_prefix('`')?;
    // A name may hold back quotes of its own; what follows it never begins like this.
    let end = rest
        .rfind("`, expected ")
        .or_else(|| rest.find("`, there are"))
        .or_else(|| rest.rfind('`'))?;
    Some(&rest[..end])
}

/// The names that would have been known, joined by commas.
fn alternatives(says: &str) -> Option<&str> {
    let (_, known) = says.rsplit_once(", expected ")?;
    Some(known.strip_prefix("one of ").unwrap_or(known))
}

/// The place of a field, given the place where its lack or surplus was noticed.
fn within(place: &str, name: &str) -> String {
    if place.is_empty() || place == "." || place == name {
        return name.to_owned();
    }
    if place.ends_with(&format!(".{name}")) {
        return place.to_owned();
    }
    format!("{place}.{name}")
}

fn field(place: &str) -> String {
    format!("`{}`", short(place, REPEATED_CHARS_MAX))
}

fn text(came: &str) -> String {
    if came.is_empty() {
        return "an empty text".to_owned();
    }
    format!("`{}`", short(came, REPEATED_CHARS_MAX))
}

fn short(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}..", &text[..end]),
        None => text.to_owned(),
    }
}

/// What serde says before ` at line 1 column 2`: the field's place is a better address.
fn without_position(says: &str) -> &str {
    says.rsplit_once(" at line ").map_or(says, |(says, _)| says)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use gateline_api::{BoardQuery, LogQuery, PromoteRequest, PromotionQuery, RegisterRequest, TokenRequest};

    use super::*;

    const RELEASE: &str = r#"{"of":{"project":"p","pipeline":"a"},"version":"1","artifacts":{},"change":"#;

    fn said<T: DeserializeOwned>(shown: &mut String, body: &str) {
        let says = json::<T>(body.as_bytes()).err().unwrap();
        let _ = writeln!(shown, "{}\n    {says}", short(body, 120));
    }

    fn asked_with<T: DeserializeOwned>(shown: &mut String, query: &str) {
        let says = pairs::<T>(query.as_bytes(), "the query").err().unwrap();
        let _ = writeln!(shown, "?{query}\n    {says}");
    }

    #[test]
    fn every_bad_body_is_answered_with_the_field_what_is_asked_and_what_came() {
        let mut shown = String::new();
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        for body in [
            "{",
            "{\"release\":}",
            "{} {}",
            &deep,
            "[]",
            "\"text\"",
            "{}",
            r#"{"release":"a@1"}"#,
            r#"{"release":3,"stage":"dev"}"#,
            r#"{"release":null,"stage":"dev"}"#,
            r#"{"release":"a@1","stage":{"name":"dev"}}"#,
            r#"{"release":"a@1","stage":"Dev!"}"#,
            r#"{"release":"a","stage":"dev"}"#,
            r#"{"release":"a@1","stage":"dev","stage":"dev"}"#,
            r#"{"release":"a@1","stage":"dev","why":1}"#,
        ] {
            said::<PromoteRequest>(&mut shown, body);
        }
        for body in [
            r#"{"id":"ci","actor":"ci","scopes":"admin"}"#,
            r#"{"id":"ci","actor":"ci","scopes":["read","root"]}"#,
            r#"{"id":"ci","actor":"ci","scopes":[true]}"#,
            r#"{"id":"ci","actor":"ci","scopes":[],"expires":"tomorrow"}"#,
            r#"{"id":"ci","actor":"ci","scopes":[],"expires":"2026-11-21T10:00:00"}"#,
            r#"{"id":"ci","actor":"ci","scopes":[],"expires":12}"#,
        ] {
            said::<TokenRequest>(&mut shown, body);
        }
        for change in [
            r#"{"labels":[{}]}"#,
            r#"{"irreversible":1.5}"#,
            r#"{"commits":-1}"#,
            r#"{"kind":"chore"}"#,
        ] {
            said::<RegisterRequest>(&mut shown, &format!("{RELEASE}{change}}}"));
        }
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn every_bad_parameter_is_answered_with_its_name_what_is_asked_and_what_came() {
        let mut shown = String::new();
        for query in [
            "from=abc",
            "from=12",
            "from=",
            "before=abc",
            "before=-1",
            "before=99999999999999999999",
            "stream=team/x",
            "prefx=a",
            "limit=0",
            "limit=-1",
            "limit=501",
            "limit=abc",
            "from=2026-11-21T10:00:00Z&from=1",
        ] {
            asked_with::<LogQuery>(&mut shown, query);
        }
        asked_with::<BoardQuery>(&mut shown, "show=broken");
        asked_with::<PromotionQuery>(&mut shown, "ended=maybe");
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn what_a_caller_sent_is_repeated_within_a_limit() {
        let long = "x".repeat(100_000);
        for body in [
            format!(r#"{{"release":"a@1","stage":"dev","{long}":1}}"#),
            format!(r#"{{"release":["{long}"],"stage":"dev"}}"#),
            format!(r#"{{"release":"a@1","stage":"{long}"}}"#),
            format!(r#""{long}""#),
        ] {
            let says = json::<PromoteRequest>(body.as_bytes()).err().unwrap();
            assert!(says.len() < 1_000, "{}", says.len());
        }
    }

    #[test]
    fn a_spoilt_request_harms_nobody_and_is_repeated_within_a_limit() {
        use gateline_api::{ApplyRequest, EraseRequest, LogQuery, RegisterRequest, TokenRequest};
        let bodies: [&[u8]; 3] = [
            br#"{"of":{"project":"a","pipeline":"b"},"version":"1.0.0","artifacts":{"app":"file:/a@sha256:00"},"change":{"kind":"fix","labels":{"a":"b"}},"text":{"authors":["Ana"],"notes":"n"}}"#,
            br#"{"id":"ci","actor":"ci","scopes":["admin","read"],"groups":["a"],"expires":"2026-11-21T10:00:00Z"}"#,
            br#"{"file_name":"a.yaml","text":"apiVersion: x","events":[1,2],"reason":"r","dry_run":true}"#,
        ];
        let short = |said: Option<String>| assert!(said.is_none_or(|said| said.len() < 5_000));
        crate::spoilt::spoilt(&bodies, |bytes| {
            short(json::<RegisterRequest>(bytes).err());
            short(json::<TokenRequest>(bytes).err());
            short(json::<ApplyRequest>(bytes).err());
            short(json::<EraseRequest>(bytes).err());
        });
        crate::spoilt::spoilt(
            &[b"stream=project%2Fa&before=7&limit=500&from=2026-11-21T10%3A00%3A00Z"],
            |bytes| {
                short(pairs::<LogQuery>(bytes, "the query").err());
            },
        );
    }
}
