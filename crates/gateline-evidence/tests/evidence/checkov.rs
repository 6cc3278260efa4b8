//! Checkov's JSON.

use gateline_evidence::{Format, read};
use test_case::test_case;

use crate::findings::facts;
use crate::{read_as, reason};

fn report(failed: &str, passed: u64, parsing_errors: u64) -> String {
    format!(
        r#"{{"check_type":"terraform","results":{{"failed_checks":[{failed}]}},"summary":{{"passed":{passed},"failed":0,"skipped":2,"parsing_errors":{parsing_errors}}}}}"#
    )
}

#[test]
fn a_run_with_no_check_is_no_pass() {
    let read = read(include_bytes!("../samples/checkov-tfplan.json"), None);
    assert_eq!(read.as_ref().map(|read| read.format), Ok(Format::Checkov));
    assert_eq!(reason(read), "checkov checked nothing: 0 checks ran");
}

#[test]
fn its_sarif_of_nothing_is_no_pass_either() {
    let why = reason(read(include_bytes!("../samples/checkov-nothing.sarif"), None));
    assert!(
        why.starts_with("`Checkov` does not say in SARIF whether it checked anything"),
        "{why}"
    );
}

#[test]
fn a_file_that_it_could_not_read_is_no_pass() {
    let why = reason(read_as(Format::Checkov, &report("", 3, 1)));
    assert_eq!(why, "checkov could not read 1 files");
    let named = r#"{"check_type":"terraform","results":{"passed_checks":[{}],"parsing_errors":["/a.tf"]}}"#;
    assert_eq!(
        reason(read_as(Format::Checkov, named)),
        "checkov could not read `/a.tf`"
    );
}

#[test_case(r#"{"check_type":"t","results":{"failed_checks":[{}]},"summary":{"passed":1,"failed":2}}"#,
    "the report contradicts itself: checkov counts 2 failed checks and lists 1"; "less than it counts")]
#[test_case(r#"{"check_type":"t","summary":{"passed":1}}"#, "the report has no `results` with `failed_checks`"; "no results")]
#[test_case(r#"{"check_type":"t","results":null,"summary":{"passed":1}}"#, "the report has no `results` with `failed_checks`"; "null for results")]
#[test_case(r#"[{"check_type":"t","results":{"failed_checks":[]},"summary":{"passed":1}},{"x":1}]"#,
    "the report has no `results` with `failed_checks`"; "no results after a good report")]
fn failed_checks_that_are_not_listed_are_no_pass(text: &str, why: &str) {
    assert_eq!(reason(read_as(Format::Checkov, text)), why);
}

#[test]
fn a_quiet_report_is_clean_by_its_summary() {
    assert!(reason(read_as(Format::Checkov, &report("", 3, 0))).starts_with("complete: "));
}

#[test]
fn reports_of_several_frameworks_add_up() {
    let failed = r#"{"check_id":"CKV_1","check_name":"n","file_path":"/a.tf","file_line_range":[4,9],"resource":"r.a","severity":"LOW"}"#;
    let both = format!("[{},{}]", report(failed, 0, 0), report(failed, 0, 0));
    assert_eq!(
        read(both.as_bytes(), None).map(|read| read.format),
        Ok(Format::Checkov)
    );
    let facts = facts(Format::Checkov, &both);
    assert_eq!((facts.runs, facts.low), (2, 2));
    assert_eq!(facts.findings[0].to_string(), "a.tf:4: n (r.a) [CKV_1]");
}

#[test]
fn a_check_without_a_severity_is_as_grave_as_in_its_sarif() {
    let facts = facts(Format::Checkov, include_str!("../samples/checkov.json"));
    assert_eq!(facts.high, facts.total());
    assert!(facts.high > 0);
}

#[test_case("passed_checks")]
#[test_case("skipped_checks")]
fn a_check_that_failed_did_not_pass(list: &str) {
    let text = format!(
        r#"{{"check_type":"terraform","results":{{"{list}":[{{"check_result":{{"result":"FAILED"}}}}],"failed_checks":[]}},"summary":{{"passed":1}}}}"#
    );
    assert_eq!(
        reason(read_as(Format::Checkov, &text)),
        format!("the report contradicts itself: a check in `{list}` has the result FAILED")
    );
}
