//! Any JSON, with a type and a path.

use gateline_evidence::{Ask, Complete, Format, Read, ReadError, read};
use gateline_model::{CUSTOM_BYTES_MAX, Facts};
use serde_json::{Value, json};
use test_case::test_case;

use crate::{complaint, reason};

fn read_at(text: &str, path: &str) -> Result<Read, ReadError> {
    let ask = Ask {
        format: Some(Format::Json),
        of: Some("chaos"),
        path: Some(path),
    };
    read(text.as_bytes(), ask)
}

const DRILL: &str = r#"{"a":1,"result":{"runs":[{"ok":true},{"a.b":[1.5,null,"x"]}]}}"#;

#[test_case(".result.runs[0]", json!({"ok": true}); "keys and an index")]
#[test_case("result.runs[1][\"a.b\"][2]", json!("x"); "a quoted key")]
#[test_case("a", json!(1); "a number")]
fn the_value_at_the_path_is_kept(path: &str, value: Value) {
    match read_at(DRILL, path) {
        Ok(Read {
            facts: Facts::Custom(facts),
            complete: Complete::Yes,
            ..
        }) => assert_eq!((facts.of.as_str(), facts.value), ("chaos", value)),
        other => panic!("not kept: {other:?}"),
    }
}

#[test_case(".result.none", "the path ends at `.result`: there is an object with `runs`, and no `.none`"; "a key that is not there")]
#[test_case(".result.runs[2]", "the path ends at `.result.runs`: there is a list of 2, and no `[2]`"; "an index past the end")]
#[test_case(".result.runs.ok", "the path ends at `.result.runs`: there is a list, and no `.ok`"; "a key of a list")]
#[test_case(".a.b", "the path ends at `.a`: there is a number, and no `.b`"; "into a number")]
fn where_the_path_ends_is_told(path: &str, why: &str) {
    let says = complaint(read_at(DRILL, path));
    assert!(says.ends_with(why), "{says}");
}

#[test]
fn a_null_is_nothing() {
    let why = reason(read_at(DRILL, ".result.runs[1][\"a.b\"][1]"));
    assert!(why.ends_with("is null: nothing was reported"), "{why}");
}

#[test]
fn what_was_asked_is_refused_where_it_makes_no_sense() {
    let asked = |format, of, path| complaint(read(DRILL.as_bytes(), Ask { format, of, path }));
    assert!(asked(Some(Format::Json), None, None).contains("`--type chaos`"));
    assert!(asked(None, None, Some(".a")).contains("`--type chaos`"));
    assert!(asked(Some(Format::Junit), Some("chaos"), None).ends_with("not for `junit`"));
    assert!(asked(None, Some("chaos"), Some("a[")).contains("cannot be read at `[`"));
}

#[test]
fn a_type_alone_means_any_json() {
    let ask = Ask {
        of: Some("chaos"),
        ..Ask::default()
    };
    assert!(read(DRILL.as_bytes(), ask).is_ok_and(|read| read.format == Format::Json));
}

#[test]
fn the_value_keeps_to_its_limit_and_what_stands_beside_it_does_not_count() {
    let text = |length: usize| {
        format!(
            r#"{{"beside":"{}","v":"{}"}}"#,
            "y".repeat(200_000),
            "x".repeat(length)
        )
    };
    assert!(read_at(&text(CUSTOM_BYTES_MAX - 2), "v").is_ok());
    let says = complaint(read_at(&text(CUSTOM_BYTES_MAX - 1), "v"));
    assert!(
        says.contains(&format!("more than {CUSTOM_BYTES_MAX} bytes")),
        "{says}"
    );
    let many = format!("[{}1]", "1,".repeat(CUSTOM_BYTES_MAX));
    assert!(read_at(&many, ".").is_err());
}

#[test]
fn no_beginning_is_read_as_a_whole() {
    for end in 1..DRILL.len() {
        assert!(read_at(&DRILL[..end], ".a").is_err(), "the first {end} bytes");
    }
}
