//! Every rule of the pipeline file, shown by a file that breaks it, as a person sees it.
#![expect(clippy::unwrap_used, reason = "a test that cannot read its file has failed")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use gateline_spec::{Diagnostics, read, read_document};

/// Rules that a file of a person's size cannot break; their own tests do.
const BROKEN_ELSEWHERE: [&str; 9] = [
    "notifications.limit",
    "roles.limit",
    "yaml.size",
    "yaml.values",
    "stages.limit",
    "gates.limit",
    "rollout.limit",
    "artifacts.limit",
    "watch.noise",
];

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    files
}

/// What is found in a file, errors or warnings.
fn found(name: &str, text: &str) -> Diagnostics {
    match read_document(name, text) {
        Ok(read) => Diagnostics(read.warnings().to_vec()),
        Err(found) => found,
    }
}

#[test]
fn each_bad_file_is_explained() {
    for file in files() {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.file_stem().unwrap().to_str().unwrap();
        let found = found(&format!("{name}.yaml"), &text);
        assert!(!found.0.is_empty(), "nothing found in {name}");
        insta::assert_snapshot!(name, found.render(&text, false));
    }
}

/// All files below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| if path.is_dir() { sources(&path) } else { vec![path] };
    paths.flat_map(below).collect()
}

#[test]
fn every_rule_is_broken_by_a_file() {
    let mut broken: BTreeSet<String> = BROKEN_ELSEWHERE.iter().map(|code| (*code).to_owned()).collect();
    for file in files() {
        let text = std::fs::read_to_string(&file).unwrap();
        broken.extend(
            found("f.yaml", &text)
                .0
                .iter()
                .map(|diagnostic| diagnostic.code.to_owned()),
        );
    }
    let families: BTreeSet<&str> = broken
        .iter()
        .map(|code| code.split_once('.').unwrap().0)
        .collect();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut unbroken = BTreeSet::new();
    for file in sources(&source) {
        let text = std::fs::read_to_string(file).unwrap();
        for word in text.split('"') {
            let is_code = word.split_once('.').is_some_and(|(family, rule)| {
                families.contains(family)
                    && !rule.is_empty()
                    && rule.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
            });
            if is_code && word != "t.yaml" && !broken.contains(word) {
                unbroken.insert(word.to_owned());
            }
        }
    }
    assert!(unbroken.is_empty(), "no file in tests/bad breaks {unbroken:?}");
}

#[test]
fn a_secret_is_shown_nowhere() {
    for name in ["secret-literal", "secret-environment"] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/bad/{name}.yaml"));
        let text = std::fs::read_to_string(file).unwrap();
        let found = found("f.yaml", &text);
        let shown = format!(
            "{found}\n{}\n{}",
            found.render(&text, true),
            serde_json::to_string(&found).unwrap()
        );
        for secret in ["hunter2", "12345"] {
            assert!(!shown.contains(secret), "{secret} in:\n{shown}");
        }
    }
}

#[test]
fn a_secret_is_shown_nowhere_even_in_what_is_no_yaml() {
    for line in [
        "token: hunter2: ]",
        "token: \"hunter2",
        "a: {token: 'hunter2', token: hunter2, b: [}",
        "{\"token\": hunter2",
        "{token: env:TOKEN, token: hunter2, kind: x}",
    ] {
        let found = found("f.yaml", line);
        assert!(!found.0.is_empty(), "{line}");
        let shown = found.render(line, false);
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn the_json_form_has_code_place_and_help() {
    let text = "apiVersion: gateline.dev/v1\nkind: Pipelin\n";
    let found = read("p.yaml", text).unwrap_err();
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(
        json.as_array()
            .unwrap()
            .iter()
            .find(|one| one["code"] == "file.header")
            .unwrap(),
        &serde_json::json!({
            "code": "file.header", "severity": "error", "message": "`kind` is not known", "file": "p.yaml",
            "line": 2, "column": 7, "span": {"start": 34, "end": 41}, "help": "write `kind: Pipeline`; the kinds are Pipeline, Roles, Notifications, Server",
        })
    );
}
