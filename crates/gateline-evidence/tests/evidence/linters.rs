//! The own formats of semgrep, bandit, ESLint and hadolint: what they could not look at.

use gateline_evidence::{Format, read};
use gateline_model::Severity;
use test_case::test_case;

use crate::findings::{facts, only};
use crate::{complaint, read_as, reason};

#[test_case(Format::Bandit, r#"{"errors":[{"filename":"a.py","reason":"syntax error while parsing AST from file"}],"generated_at":"x","metrics":{"_totals":{"loc":3}},"results":[]}"#,
    "bandit could not look at `a.py`: syntax error while parsing AST from file"; "bandit")]
#[test_case(Format::Semgrep, r#"{"results":[],"errors":[{"level":"error","type":"Timeout","message":"took too long","path":"a.py"}],"paths":{"scanned":["a.py"]}}"#,
    "semgrep reported a problem of its own at `a.py`: took too long"; "semgrep")]
#[test_case(Format::Semgrep, r#"{"results":[],"errors":[],"paths":{"scanned":[]}}"#,
    "semgrep looked at no file"; "semgrep, that found no file")]
#[test_case(Format::Eslint, include_str!("../samples/eslint-broken.json"),
    "ESLint could not look at `/src/js/broken.js`: Parsing error: The keyword 'let' is reserved"; "ESLint")]
#[test_case(Format::Hadolint, r#"[{"code":"DL1000","column":1,"file":"Dockerfile","level":"error","line":2,"message":"unexpected 'x'"}]"#,
    "hadolint could not parse `Dockerfile`: unexpected 'x'"; "hadolint")]
fn a_file_that_was_not_looked_at_makes_it_incomplete(format: Format, text: &str, why: &str) {
    let read = read(text.as_bytes(), None);
    assert_eq!(read.as_ref().map(|read| read.format), Ok(format));
    assert_eq!(reason(read), why);
}

#[test]
fn eslint_lists_clean_files_too_so_that_an_empty_list_looked_at_none() {
    assert_eq!(reason(read_as(Format::Eslint, "[]")), "ESLint looked at no file");
}

#[test_case("{}"; "an object")]
#[test_case("[1]"; "a list of numbers")]
#[test_case("[null]"; "a list of nothing")]
#[test_case("[[]]"; "a list of lists")]
#[test_case(include_str!("../samples/npm-audit-synthetic.json"); "another tool's object")]
#[test_case(r#"[{"filePath":7,"messages":[]}]"#; "a path that is no text")]
#[test_case(r#"[{"filePath":"a","messages":{}}]"#; "messages that are no list")]
fn what_is_no_list_of_files_is_not_eslint_s(text: &str) {
    let says = complaint(read_as(Format::Eslint, text));
    assert!(
        says.starts_with("the eslint report cannot be read at line"),
        "{says}"
    );
}

#[test_case(r#"[{"a":1}]"#, "an entry of the report has no `filePath`: it is not ESLint's"; "no file")]
#[test_case(r#"[{"filePath":"a.js","messages":[]},{"x":1}]"#, "an entry of the report has no `filePath`: it is not ESLint's"; "no file after a good one")]
#[test_case(include_str!("../samples/gitleaks.json"), "an entry of the report has no `filePath`: it is not ESLint's"; "another tool's list")]
#[test_case(r#"[{"filePath":"a.js","messages":null}]"#, "the report has no `messages` for `a.js`"; "null for messages")]
#[test_case(r#"[{"filePath":"a.js"}]"#, "the report has no `messages` for `a.js`"; "no messages")]
#[test_case(r#"[{"filePath":"a.js","messages":[{"severity":1}],"errorCount":2}]"#, "the report contradicts itself: `a.js` counts 2 errors and lists 0"; "errors that are not listed")]
#[test_case(r#"[{"filePath":"a.js","messages":[],"errorCount":0,"fatalErrorCount":1}]"#, "the report contradicts itself: `a.js` counts 1 fatal errors and lists 0"; "fatal errors that are not listed")]
#[test_case(r#"[{"filePath":"a.js","messages":[],"warningCount":1}]"#, "the report contradicts itself: `a.js` counts 1 warnings and lists 0"; "warnings that are not listed")]
fn an_entry_of_eslint_that_says_too_little_is_no_clean_file(text: &str, why: &str) {
    assert_eq!(reason(read_as(Format::Eslint, text)), why);
}

#[test_case(Format::Bandit, r#"{"errors":[],"metrics":{"_totals":{"loc":3}},"results":null}"#, "the report has no `results`"; "bandit with null")]
#[test_case(Format::Bandit, r#"{"errors":[],"metrics":{"_totals":{"loc":3}}}"#, "the report has no `results`"; "bandit without")]
#[test_case(Format::Semgrep, r#"{"results":null,"errors":[],"paths":{"scanned":["a.py"]}}"#, "the report has no `results`"; "semgrep with null")]
#[test_case(Format::Semgrep, r#"{"errors":[],"paths":{"scanned":["a.py"]}}"#, "the report has no `results`"; "semgrep without")]
fn results_that_are_not_there_are_no_clean_ones(format: Format, text: &str, why: &str) {
    assert_eq!(reason(read_as(format, text)), why);
}

#[test]
fn a_warning_of_semgrep_about_itself_is_passed_on() {
    let text = r#"{"results":[],"errors":[{"level":"warn","message":"partly parsed"}],"paths":{"scanned":["a"]},"skipped_rules":[{"rule_id":"r"}]}"#;
    let read = read_as(Format::Semgrep, text).expect("reads");
    assert_eq!(
        read.warnings,
        [
            "semgrep reported a problem of its own: partly parsed",
            "`r` was skipped"
        ]
    );
}

#[test_case("ERROR", Severity::High)]
#[test_case("INFO", Severity::Low; "a level and no severity")]
#[test_case("CRITICAL", Severity::Critical)]
fn semgrep_s_words_are(word: &str, severity: Severity) {
    let text = format!(
        r#"{{"results":[{{"check_id":"r","path":"a.py","start":{{"line":3}},"extra":{{"message":"m","severity":"{word}","fingerprint":"requires login","metadata":{{"cwe":["CWE-78: x"]}}}}}}],"errors":[],"paths":{{"scanned":["a.py"]}}}}"#
    );
    let finding = only(Format::Semgrep, &text);
    assert_eq!(
        (finding.severity, &finding.cwe[..]),
        (severity, &["CWE-78".to_owned()][..])
    );
}

#[test]
fn what_the_tool_was_told_to_ignore_is_suppressed() {
    let bandit = r#"{"errors":[],"generated_at":"x","metrics":{"_totals":{"loc":3,"nosec":2,"skipped_tests":1}},"results":[]}"#;
    let semgrep = r#"{"results":[{"extra":{"is_ignored":true}}],"errors":[],"paths":{"scanned":["a"]}}"#;
    let eslint = r#"[{"filePath":"a.js","messages":[],"suppressedMessages":[{"ruleId":"x"}]}]"#;
    for (format, text, count) in [
        (Format::Bandit, bandit, 3),
        (
            Format::Bandit,
            r#"{"errors":[],"metrics":{"_totals":{"loc":3,"nosec":2,"SEVERITY.LOW":2.0}},"results":[]}"#,
            4,
        ),
        (Format::Semgrep, semgrep, 1),
        (Format::Eslint, eslint, 1),
    ] {
        let facts = facts(format, text);
        assert_eq!((facts.suppressed, facts.total()), (count, 0), "{format}");
    }
}

#[test_case("2.0", "the report contradicts itself: bandit counts 2 issues and lists none"; "more than it lists")]
#[test_case("1e10", "bandit counts 10000000000 issues of one severity, which is no count"; "too many")]
#[test_case("0.5", "bandit counts 0.5 issues of one severity, which is no count"; "a half")]
#[test_case("-1", "bandit counts -1 issues of one severity, which is no count"; "fewer than none")]
fn issues_that_bandit_counts_are_not_lost(count: &str, why: &str) {
    let text = format!(
        r#"{{"errors":[],"metrics":{{"_totals":{{"loc":3,"SEVERITY.HIGH":{count}}}}},"results":[]}}"#
    );
    assert_eq!(reason(read_as(Format::Bandit, &text)), why);
}

#[test_case("", "bandit's report has no `issue_severity` for `B602`: it does not say how grave that is"; "none")]
#[test_case(r#","issue_severity":null"#, "bandit's report has no `issue_severity` for `B602`: it does not say how grave that is"; "null")]
#[test_case(r#","issue_severity":"""#, "bandit's report has no `issue_severity` for `B602`: it does not say how grave that is"; "an empty one")]
fn an_issue_of_bandit_without_a_severity_is_not_passed_over(severity: &str, why: &str) {
    let text = format!(
        r#"{{"errors":[],"metrics":{{"_totals":{{"loc":3}}}},"results":[{{"test_id":"B602","issue_text":"t"{severity}}}]}}"#
    );
    assert_eq!(reason(read_as(Format::Bandit, &text)), why);
}

#[test]
fn a_result_of_semgrep_without_a_severity_is_not_passed_over() {
    let text =
        r#"{"results":[{"check_id":"r","extra":{"message":"m"}}],"errors":[],"paths":{"scanned":["a.py"]}}"#;
    assert_eq!(
        reason(read_as(Format::Semgrep, text)),
        "semgrep's report has no `extra.severity` for `r`: it does not say how grave that is"
    );
}

#[test]
fn a_severity_that_bandit_calls_undefined_is_whole() {
    let text = r#"{"errors":[],"metrics":{"_totals":{"loc":3}},"results":[{"test_id":"B602","issue_text":"t","issue_severity":"UNDEFINED"}]}"#;
    assert_eq!(only(Format::Bandit, text).severity, Severity::Medium);
    let why = reason(read_as(Format::Bandit, text));
    assert!(why.starts_with("complete: "), "{why}");
}
