//! Modules that would take the process with them: each limit holds, and is named where it is passed.

use std::time::Instant;

use gateline_model::POLICY_REASONS_MAX;
use gateline_policy::{
    BRACKETS_DEPTH_MAX, FILE_BYTES_MAX, INPUT_BYTES_MAX, INPUT_DEPTH_MAX, MODULE_BYTES_MAX, MODULE_FILES_MAX,
    Module, ModuleFiles, PATH_BYTES_MAX, PolicyOutcome, RULES_MAX,
};
use jiff::Timestamp;
use serde_json::{Value, json};

fn load(text: &str) -> Result<Module, String> {
    let files =
        ModuleFiles::of([("a.rego".to_owned(), text.as_bytes().to_vec())]).map_err(|err| err.to_string())?;
    Module::load(&files).map_err(|err| err.to_string())
}

fn ask(module: &Module, input: &Value) -> PolicyOutcome {
    module.ask(input, Timestamp::UNIX_EPOCH)
}

fn why(outcome: PolicyOutcome) -> String {
    match outcome {
        PolicyOutcome::Errored(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn files_have_a_number_a_size_and_a_path_of_some_length() {
    let of = |files: Vec<(String, Vec<u8>)>| ModuleFiles::of(files).map(drop).map_err(|err| err.to_string());
    let many = |count: usize, bytes: usize| {
        (0..count)
            .map(|at| (format!("{at}.rego"), vec![b'#'; bytes]))
            .collect::<Vec<_>>()
    };
    assert!(of(many(MODULE_FILES_MAX, 10)).is_ok());
    assert!(
        of(many(MODULE_FILES_MAX + 1, 10))
            .unwrap_err()
            .contains("at most 200")
    );
    assert!(of(many(1, FILE_BYTES_MAX)).is_ok());
    assert!(of(many(1, FILE_BYTES_MAX + 1)).unwrap_err().starts_with("0.rego"));
    assert!(of(many(4, MODULE_BYTES_MAX / 4)).is_ok());
    assert!(
        of(many(5, MODULE_BYTES_MAX / 4))
            .unwrap_err()
            .contains("together")
    );
    let long = |bytes: usize| vec![(format!("{}.rego", "a".repeat(bytes - 5)), Vec::new())];
    assert!(of(long(PATH_BYTES_MAX)).is_ok());
    assert!(of(long(PATH_BYTES_MAX + 1)).unwrap_err().contains("path"));
    assert!(
        of(vec![("a.rego".to_owned(), vec![0xff])])
            .unwrap_err()
            .contains("UTF-8")
    );
    assert!(
        of(vec![("data.json".to_owned(), b"{}".to_vec())])
            .unwrap_err()
            .contains("look at nothing")
    );
}

#[test]
fn brackets_are_counted_before_the_parser_sees_them() {
    for (open, close) in [
        ("[", "]"),
        ("{", "}"),
        ("(", ")"),
        ("count([", "])"),
        ("{\"a\":", "}"),
    ] {
        let nested = |depth: usize| format!("package a\nx := {}1{}", open.repeat(depth), close.repeat(depth));
        let begun = Instant::now();
        let err = load(&nested(500)).unwrap_err();
        assert!(err.contains("nest more than 12"), "{err}");
        assert!(begun.elapsed().as_secs() < 60, "it was parsed");
    }
    let deepest = format!(
        "package a\nx := {}1{}",
        "[".repeat(BRACKETS_DEPTH_MAX),
        "]".repeat(BRACKETS_DEPTH_MAX)
    );
    assert!(load(&deepest).is_ok());
}

#[test]
fn the_most_rules_in_a_row_fit_the_stack_and_more_are_refused() {
    let row = |rules: usize| {
        let mut text = "package a\ndeny contains \"x\" if p0\n".to_owned();
        for at in 0..rules - 2 {
            text.push_str(&format!("p{at} if p{}\n", at + 1));
        }
        text + &format!("p{} if input.x", rules - 2)
    };
    let module = load(&row(RULES_MAX)).unwrap();
    assert!(matches!(
        ask(&module, &json!({"x": true})),
        PolicyOutcome::Failed { .. }
    ));
    assert!(matches!(
        ask(&module, &json!({"x": false})),
        PolicyOutcome::Passed { .. }
    ));
    assert!(load(&row(RULES_MAX + 1)).unwrap_err().contains("at most 1000"));
}

#[test]
fn the_deepest_chain_fits_the_stack() {
    let text = format!("package a\ndeny contains \"x\" if input{} == 1", ".a".repeat(36));
    assert!(matches!(
        ask(&load(&text).unwrap(), &json!({})),
        PolicyOutcome::Passed { .. }
    ));
}

#[test]
fn inputs_have_a_size_and_a_depth() {
    let module = load("package a\ndeny contains \"x\" if input.x").unwrap();
    let text = |bytes: usize| json!({"y": "a".repeat(bytes)});
    assert!(matches!(
        ask(&module, &text(INPUT_BYTES_MAX - 8)),
        PolicyOutcome::Passed { .. }
    ));
    assert!(why(ask(&module, &text(INPUT_BYTES_MAX))).contains("at most"));
    let nested = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!([inner]));
    assert!(matches!(
        ask(&module, &nested(INPUT_DEPTH_MAX)),
        PolicyOutcome::Passed { .. }
    ));
    assert!(why(ask(&module, &nested(INPUT_DEPTH_MAX + 1))).contains("nests more than"));
}

#[test]
fn of_many_reasons_the_first_are_kept_and_all_are_counted() {
    let module =
        load("package a\ndeny contains sprintf(\"%v\", [n]) if some n in numbers.range(1, 5000)").unwrap();
    let PolicyOutcome::Failed { denied, .. } = ask(&module, &json!({})) else {
        panic!("it denies")
    };
    assert_eq!((denied.first.len(), denied.all), (POLICY_REASONS_MAX, 5000));
}

#[test]
fn a_long_message_is_cut() {
    let module = load("package a\ndeny contains input.long").unwrap();
    let PolicyOutcome::Failed { denied, .. } = ask(&module, &json!({"long": "\u{e4}".repeat(10_000)})) else {
        panic!("it denies")
    };
    assert!(denied.first[0].message.len() <= 1_000);
}
