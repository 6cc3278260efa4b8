//! Policy modules as people write them, for Conftest and for us, and as nobody should.
#![expect(clippy::unwrap_used, reason = "a test may panic, and so may what helps it")]

use std::path::Path;

use gateline_policy::{Module, ModuleFiles, PolicyError, PolicyOutcome, TestOutcome};
use jiff::Timestamp;
use serde_json::{Value, json};
use test_case::test_case;

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn module_files(files: &[(&str, &str)]) -> Result<ModuleFiles, PolicyError> {
    ModuleFiles::of(
        files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())),
    )
}

fn load(files: &[(&str, &str)]) -> Result<Module, PolicyError> {
    Module::load(&module_files(files)?)
}

fn one(text: &str) -> Module {
    load(&[("policy.rego", text)]).unwrap()
}

/// The messages of denials and of warnings, or why there are none.
fn said(module: &Module, input: Value) -> Result<(Vec<String>, Vec<String>), String> {
    let messages = |reasons: gateline_policy::Reasons| {
        let message = |reason: gateline_model::PolicyReason| {
            format!("{}.{}: {}", reason.package, reason.rule, reason.message)
        };
        reasons.first.into_iter().map(message).collect::<Vec<_>>()
    };
    match module.ask(&input, now()) {
        PolicyOutcome::Passed { warned, .. } => Ok((Vec::new(), messages(warned))),
        PolicyOutcome::Failed { denied, warned, .. } => Ok((messages(denied), messages(warned))),
        PolicyOutcome::Errored(why) => Err(why),
    }
}

fn denials(text: &str, input: Value) -> Result<Vec<String>, String> {
    said(&one(text), input).map(|(denied, _)| denied)
}

const WORKLOAD: &str = r#"package main

deny[msg] {
  input.kind == "StatefulSet"
  not input.spec.template.spec.securityContext.runAsNonRoot
  msg = "containers must not run as root"
}

deny[msg] {
  input.kind == "StatefulSet"
  not input.spec.selector.matchLabels.app
  msg := sprintf("%s has no label app", [input.metadata.name])
}

violation[{"msg": msg, "details": {"image": image}}] {
  image := input.spec.template.spec.containers[_].image
  endswith(image, ":latest")
  msg := sprintf("image %v is not pinned", [image])
}

warn_replicas[msg] {
  input.spec.replicas < 2
  msg := "one replica is no replica"
}
"#;

#[test]
fn rules_as_conftest_writes_them_run_unchanged() {
    let input = json!({"kind": "StatefulSet", "metadata": {"name": "shop"}, "spec": {"replicas": 1,
        "template": {"spec": {"containers": [{"image": "shop:latest"}, {"image": "proxy:1.2"}]}}}});
    let (denied, warned) = said(&one(WORKLOAD), input).unwrap();
    assert_eq!(
        denied,
        [
            "main.deny: containers must not run as root",
            "main.deny: shop has no label app",
            "main.violation: image shop:latest is not pinned",
        ]
    );
    assert_eq!(warned, ["main.warn_replicas: one replica is no replica"]);
    let (denied, warned) = said(&one(WORKLOAD), json!({"kind": "Service"})).unwrap();
    assert_eq!((denied.len(), warned.len()), (0, 0));
}

#[test_case("package a\ndeny[msg] { msg := input.m }", "a.deny: x"; "the older language")]
#[test_case("package a\nimport rego.v1\ndeny contains msg if { msg := input.m }", "a.deny: x"; "the newer by import")]
#[test_case("package a\ndeny contains msg if msg := input.m", "a.deny: x"; "the newer")]
#[test_case("package a\nimport future.keywords\ndeny contains msg if { msg := input.m }", "a.deny: x"; "between both")]
#[test_case("package a.b\nviolation contains {\"msg\": input.m}", "a.b.violation: x"; "an object with msg")]
#[test_case("package a[\"b-c\"]\ndeny_it contains input.m", "a.b-c.deny_it: x"; "a package that is no word")]
#[test_case("package a\ndeny = msgs { msgs := {input.m} }", "a.deny: x"; "a complete rule that gives a set")]
#[test_case("package a\ndeny := [input.m]", "a.deny: x"; "a list")]
fn each_form_of_a_rule_denies(text: &str, says: &str) {
    assert_eq!(denials(text, json!({"m": "x"})).unwrap(), [says]);
}

#[test_case("package a\ndeny := true", "not a set"; "a boolean")]
#[test_case("package a\ndeny contains 3", "no message"; "a number")]
#[test_case("package a\ndeny contains {\"text\": \"x\"}", "`msg`"; "an object without msg")]
#[test_case("package a\ndeny contains {\"msg\": \"x\", \"effective_on\": \"soon\"}", "RFC 3339"; "a date that is none")]
#[test_case("package a\ndeny contains \"x\" if p\np if q\nq if p", "recursion"; "rules that read each other")]
#[test_case("package a\ndeny contains \"x\" if 1 / input.zero == 1", "policy.rego:2"; "a division by zero")]
#[test_case("package a\ndeny contains \"x\" if startswith(input.zero, \"a\")", "policy.rego:2"; "a type that does not fit")]
#[test_case("package a\nf(x) := x\nf(x) := x + 1\ndeny contains \"x\" if f(input.zero) == 0", "policy.rego"; "a function with two answers")]
#[test_case("package a\ndeny contains \"x\" if numbers.range(0, 1000000000)[_] == -1", "at most 100000"; "a range without end")]
#[test_case("package a\na := concat(\"\", [input.long, input.long])\ndeny contains \"x\" if replace(a, \"a\", input.long)", "1048576 bytes"; "a text without end")]
#[test_case("package a\nd := [0,1,2,3,4,5,6,7,8,9]\ndeny contains \"x\" if { d[a]; d[b]; d[c]; d[e]; d[f]; d[g]; d[h]; d[i]; d[j]; d[k]; a+b+c+e+f+g+h+i+j+k == -1 }", "longer than 5 s"; "a search without end")]
fn what_goes_wrong_is_errored_and_never_a_pass(text: &str, why: &str) {
    let input = json!({"zero": 0, "long": "a".repeat(10_000)});
    let said = denials(text, input).unwrap_err();
    assert!(said.contains(why), "{said}");
}

#[test]
fn a_module_that_asks_nothing_has_not_looked() {
    let why = denials("package a\nallow := true", json!({})).unwrap_err();
    assert!(why.contains("looked at nothing"), "{why}");
    let module = one("package a\ndeny contains \"x\" if false");
    let outcome = module.ask_in(Some("b"), &json!({}), now());
    assert!(matches!(outcome, PolicyOutcome::Errored(why) if why.contains("package `b`")));
}

#[test]
fn a_denial_warns_until_it_is_effective() {
    let at =
        |from: &str| format!("package a\ndeny contains {{\"msg\": \"x\", \"effective_on\": \"{from}\"}}");
    let (denied, warned) = said(&one(&at("2026-11-21T12:00:01Z")), json!({})).unwrap();
    assert_eq!((denied.len(), warned.len()), (0, 1));
    let (denied, warned) = said(&one(&at("2026-11-21T13:00:00+01:00")), json!({})).unwrap();
    assert_eq!((denied.len(), warned.len()), (1, 0));
}

#[test]
fn an_exception_excuses_the_rules_that_it_names() {
    let text = "package main\ndeny_root[msg] { msg := \"root\" }\ndeny_tag[msg] { msg := \"tag\" }\n\
                exception[rules] { input.name == \"legacy\"; rules := [\"root\"] }";
    let (denied, warned) = said(&one(text), json!({"name": "legacy"})).unwrap();
    assert_eq!(
        (denied, warned),
        (
            vec!["main.deny_tag: tag".to_owned()],
            vec!["main.deny_root: root".to_owned()]
        )
    );
    assert_eq!(said(&one(text), json!({"name": "new"})).unwrap().0.len(), 2);
}

#[test]
fn the_time_is_the_one_that_is_given() {
    let text = "package a\ndeny contains msg if { msg := sprintf(\"%v\", [time.now_ns()]) }";
    assert_eq!(denials(text, json!({})).unwrap(), ["a.deny: 1795262400000000000"]);
}

#[test_case("crypto.sha256(\"a\") == input.x", "`crypto.sha256`"; "cryptography")]
#[test_case("http.send({\"url\": input.x}).status_code == 200", "`http.send`"; "the network")]
#[test_case("io.jwt.decode(input.x)", "`io.jwt.decode`"; "tokens")]
#[test_case("net.cidr_expand(input.x)", "`net.cidr_expand`"; "what makes values without end")]
#[test_case("rand.intn(\"a\", 3) == 1", "`rand.intn`"; "chance")]
#[test_case("nonsense(input.x)", "`nonsense`"; "what nobody has")]
#[test_case("data.lib.nonsense(input.x)", "`data.lib.nonsense`"; "what no file has")]
#[test_case("[y | y := crypto.md5(input.x[_])][0]", "`crypto.md5`"; "inside a comprehension")]
fn a_function_that_is_not_there_is_refused_with_its_name_and_line(body: &str, name: &str) {
    let text = format!("package a\n\ndeny contains \"x\" if {{\n  input.y\n  {body}\n}}");
    let err = load(&[("rules/a.rego", text.as_str())]).unwrap_err();
    assert_eq!(
        (err.file.as_deref(), err.line),
        (Some("rules/a.rego"), Some(5)),
        "{err}"
    );
    assert!(err.says.contains(name), "{err}");
}

#[test]
fn functions_of_other_files_are_found() {
    let lib = "package lib.text\nis_long(text) if count(text) > 3";
    let main = "package main\nimport data.lib.text\nimport data.lib.text as t\nown(x) := x\ndeny contains msg if {\n\
                text.is_long(input.m)\nt.is_long(input.m)\ndata.lib.text.is_long(input.m)\nmsg := own(input.m)\n}";
    let module = load(&[("lib.rego", lib), ("main.rego", main)]).unwrap();
    assert_eq!(
        said(&module, json!({"m": "long"})).unwrap().0,
        ["main.deny: long"]
    );
}

#[test]
fn data_lies_at_the_path_of_its_directory() {
    let files = [
        ("data.json", "{\"top\": {\"a\": 1}}"),
        ("rules/limits/data.yaml", "most: 3\nnames: [a, b]"),
        (
            "rules/a.rego",
            "package rules\ndeny contains sprintf(\"%v %v\", [data.top.a, data.rules.limits.names[1]]) if {\n\
          input.n > data.rules.limits.most }",
        ),
    ];
    let module = load(&files).unwrap();
    assert_eq!(said(&module, json!({"n": 4})).unwrap().0, ["rules.deny: 1 b"]);
    assert_eq!(said(&module, json!({"n": 3})).unwrap().0.len(), 0);
}

#[test_case(".manifest", "{\"roots\": [\"b\"]}", "a.rego: package `a` is outside the roots"; "a package outside the roots")]
#[test_case(".manifest", "{\"roots\": [\"a\", \"a/b\"]}", "overlap"; "roots in each other")]
#[test_case(".manifest", "{\"rego_version\": 2}", "rego_version"; "a version to come")]
#[test_case(".manifest", "{\"wasm\": [{}]}", "WebAssembly"; "compiled modules")]
#[test_case(".manifest", "{", "cannot be read"; "a manifest that is cut off")]
#[test_case("data.json", "[1]", "not an object"; "data that is no object")]
#[test_case("data.json", "{", "cannot be read"; "data that is cut off")]
#[test_case("data.yaml", "a: [", "cannot be read"; "yaml that is cut off")]
#[test_case("../data.json", "{}", "no module has such a file"; "a path that leads out")]
#[test_case("readme.md", "", "no module has such a file"; "another file")]
#[test_case("b.rego", "package b\ndeny contains \"x\" if {", "b.rego:2"; "a source that is cut off")]
#[test_case("b.rego", "package b\ndeny contains x if y == 1", "b.rego:2"; "a variable from nowhere")]
#[test_case("b.rego", "", "b.rego"; "an empty source")]
fn a_file_that_does_not_fit_refuses_the_module(path: &str, text: &str, why: &str) {
    let err = load(&[
        ("a.rego", "package a\ndeny contains \"x\" if input.x"),
        (path, text),
    ])
    .unwrap_err();
    assert!(err.to_string().contains(why), "{err}");
}

#[test]
fn data_outside_the_roots_is_refused_and_inside_is_not() {
    let with = |data: &'static str| {
        load(&[
            (".manifest", "{\"roots\": [\"a\", \"c/d\"]}"),
            ("a.rego", "package a\ndeny contains \"x\" if input.x"),
            ("data.json", data),
        ])
    };
    assert!(with("{\"a\": {\"b\": 1}, \"c\": {\"d\": 2}}").is_ok());
    let err = with("{\"c\": {\"e\": 2}}").unwrap_err().to_string();
    assert!(err.contains("`c/e` is outside the roots"), "{err}");
}

#[test]
fn the_digest_is_of_paths_and_contents_and_of_nothing_else() {
    let one = [("b.rego", "package b"), ("a.rego", "package a")];
    let digest = |files: &[(&str, &str)]| module_files(files).unwrap().digest();
    assert_eq!(digest(&one), digest(&[one[1], one[0]]));
    assert_ne!(
        digest(&one),
        digest(&[("b.rego", "package b"), ("c.rego", "package a")])
    );
    assert_ne!(
        digest(&one),
        digest(&[("b.rego", "package b "), ("a.rego", "package a")])
    );
    let kept = module_files(&one).unwrap();
    assert_eq!(ModuleFiles::from_bytes(&kept.to_bytes()).unwrap(), kept);
    assert_eq!(gateline_model::Digest::of(&kept.to_bytes()), kept.digest());
    assert!(ModuleFiles::from_bytes(b"{\"files\": {\"../a.rego\": \"\"}}").is_err());
    assert!(ModuleFiles::from_bytes(b"{\"files\": {").is_err());
}

fn example() -> Module {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/policies/release-rules");
    let mut files = Vec::new();
    let mut dirs = vec![top.clone()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => dirs.push(path),
                false => files.push((
                    path.strip_prefix(&top).unwrap().to_str().unwrap().to_owned(),
                    std::fs::read(&path).unwrap(),
                )),
            }
        }
    }
    Module::load(&ModuleFiles::of(files).unwrap()).unwrap()
}

#[test]
fn the_example_passes_its_own_tests_and_they_cover_it() {
    let suite = example().test(now()).unwrap();
    assert!(suite.passed(), "{suite:#?}");
    let (covered, all) = suite.lines();
    assert!(
        suite.tests.len() == 6 && covered == all && all > 10,
        "{:#?}",
        suite.coverage
    );
}

#[test]
fn tests_pass_fail_err_and_are_skipped() {
    let text = "package a\nf(x) := 1 if x > 1\ndeny contains \"x\" if {\n  input.x\n  f(input.x) == 2\n}\n\
                test_true if 1 == 1\ntest_false := false\ntest_none if input.nothing\ntest_err if 1 / 0 == 1\n\
                todo_test_later if false\ntest_deny if { print(\"hello\"); count(deny) == 0 with input as {\"x\": 1} }";
    let suite = load(&[("a.rego", text)]).unwrap().test(now()).unwrap();
    let outcomes: Vec<_> = suite
        .tests
        .iter()
        .map(|run| match &run.outcome {
            TestOutcome::Passed => "passed",
            TestOutcome::Failed => "failed",
            TestOutcome::Errored { .. } => "errored",
            TestOutcome::Skipped => "skipped",
        })
        .collect();
    assert_eq!(
        outcomes,
        ["passed", "failed", "failed", "errored", "skipped", "passed"]
    );
    assert!(!suite.passed());
    assert!(suite.tests[5].output[0].contains("hello"), "{:?}", suite.tests[5]);
    let covered = &suite.coverage[0];
    assert!(
        covered.covered.contains(&4) && covered.not_covered.contains(&11),
        "{covered:?}"
    );
}

#[test]
fn a_module_without_a_test_has_not_passed() {
    let suite = one("package a\ndeny contains \"x\" if input.x")
        .test(now())
        .unwrap();
    assert!(!suite.passed());
}
