//! JUnit XML.

use gateline_evidence::{Complete, Format, Read, ReadError, WARNINGS_MAX};
use gateline_model::{Facts, TestFacts};
use test_case::test_case;

use crate::{complaint, read_as, reason};

fn tests_in(text: &str) -> TestFacts {
    match read_as(Format::Junit, text) {
        Ok(Read {
            facts: Facts::Tests(facts),
            ..
        }) => facts,
        other => panic!("no test facts: {other:?}"),
    }
}

/// passed, failed, errored, skipped, flaky
#[test_case("", (1, 0, 0, 0, 0); "a case with nothing in it passed")]
#[test_case("<failure/>", (0, 1, 0, 0, 0); "a failure")]
#[test_case("<error/>", (0, 0, 1, 0, 0); "an error is not a failure")]
#[test_case("<failure/><failure/>", (0, 1, 0, 0, 0); "two failures in one case are one failed case")]
#[test_case("<error/><failure/>", (0, 1, 0, 0, 0); "the world's no outweighs an error")]
#[test_case("<skipped/>", (0, 0, 0, 1, 0); "skipped")]
#[test_case("<skipped/><error/>", (0, 0, 1, 0, 0); "an error in the tear-down of a skipped case")]
#[test_case("<flakyFailure/>", (1, 0, 0, 0, 1); "a flaky case passed in the end")]
#[test_case("<flakyError/><flakyFailure/>", (1, 0, 0, 0, 1); "flaky twice is one flaky case")]
#[test_case("<failure/><rerunFailure/>", (0, 1, 0, 0, 0); "failed again when rerun")]
#[test_case("<error/><rerunError/>", (0, 0, 1, 0, 0); "errored again when rerun")]
#[test_case("<rerunFailure/>", (0, 1, 0, 0, 0); "a rerun that failed and no first failure")]
#[test_case("<system-out><![CDATA[<failure/>]]></system-out>", (1, 0, 0, 0, 0); "output that looks like a failure")]
fn a_case_ends_in_one_way(inside: &str, ends: (u64, u64, u64, u64, u64)) {
    let facts = tests_in(&format!(
        "<testsuite name='s'><testcase name='c'>{inside}</testcase></testsuite>"
    ));
    assert_eq!(
        (
            facts.passed,
            facts.failed,
            facts.errored,
            facts.skipped,
            facts.flaky
        ),
        ends
    );
    assert_eq!(facts.total, 1);
}

#[test]
fn a_case_that_was_not_run_says_so_in_an_attribute() {
    let facts = tests_in(
        "<testsuite><testcase name='a' status='notrun'/><testcase name='b' status='run'/></testsuite>",
    );
    assert_eq!((facts.skipped, facts.passed), (1, 1));
}

#[test_case("status='fail'", (0, 1, 0, 0); "CTest")]
#[test_case("status='disabled'", (0, 0, 0, 1); "CTest, not run")]
#[test_case("status='run' result='completed'", (1, 0, 0, 0); "GoogleTest")]
#[test_case("status='notrun' result='suppressed'", (0, 0, 0, 1); "GoogleTest, disabled")]
#[test_case("status='run' result='skipped'", (0, 0, 0, 1); "GoogleTest, skipped")]
#[test_case("status='FAILED'", (0, 1, 0, 0); "in capitals")]
#[test_case("outcome='failed'", (0, 1, 0, 0); "as an outcome")]
fn an_attribute_can_tell_how_a_case_ended(attributes: &str, ends: (u64, u64, u64, u64)) {
    let facts = tests_in(&format!("<testsuite><testcase {attributes}/></testsuite>"));
    assert_eq!((facts.passed, facts.failed, facts.errored, facts.skipped), ends);
}

#[test]
fn the_slowest_and_the_skipped_cases_are_named() {
    let facts = tests_in(
        "<testsuite><testcase name='quick' time='0.1'/><testcase name='at once' time='0'/>\
         <testcase name='slow' time='9.5'><failure/></testcase><testcase name='left out'><skipped/></testcase></testsuite>",
    );
    let slow: Vec<(&str, f64)> = facts
        .slow_cases
        .iter()
        .map(|slow| (slow.name.as_str(), slow.secs))
        .collect();
    assert_eq!(slow, [("slow", 9.5), ("quick", 0.1)]);
    assert_eq!(facts.skipped_cases, ["left out"]);
}

#[test]
fn flaky_cases_are_named_and_those_that_failed_in_the_end_are_not() {
    let facts = tests_in(
        "<testsuite><testcase classname='a' name='b'><flakyFailure/></testcase>\
         <testcase name='c'><failure/><flakyFailure/></testcase></testsuite>",
    );
    assert_eq!(
        (facts.flaky, facts.flaky_cases.as_slice()),
        (1, &["a b".to_owned()][..])
    );
}

#[test]
fn nested_suites_are_counted_once() {
    let facts = tests_in(
        "<testsuites tests='3' failures='1'><testsuite name='outer' tests='3' failures='1'><testcase name='a'/>\
         <testsuite name='inner' tests='2' failures='1'><testcase name='b'/><testcase name='c'><failure/></testcase>\
         </testsuite></testsuite></testsuites>",
    );
    assert_eq!((facts.total, facts.passed, facts.failed), (3, 2, 1));
    assert_eq!(facts.suites, ["outer", "inner"]);
}

#[test]
fn a_suite_that_cannot_be_set_up_counts_as_errored() {
    let facts =
        tests_in("<testsuite name='s'><error message='no database'/><testcase name='a'/></testsuite>");
    assert_eq!((facts.total, facts.errored, facts.passed), (2, 1, 1));
    assert_eq!(
        (
            facts.failed_cases[0].name.as_str(),
            facts.failed_cases[0].message.as_str()
        ),
        ("s", "no database")
    );
}

#[test_case("<testsuites time='9'><testsuite time='1'><testcase time='2'/></testsuite></testsuites>", 9.0; "the run's own")]
#[test_case("<testsuites><testsuite time='1'/><testsuite time='2'/></testsuites>", 3.0; "else the sum of suites")]
#[test_case("<testsuite><testcase time='2'/><testcase time='0.5'/></testsuite>", 2.5; "else the sum of cases")]
#[test_case("<testsuite time='NaN'><testcase time='2'/></testsuite>", 2.0; "a time that is no number is not given")]
#[test_case("<testsuite time='-1'/>", 0.0; "nor is a negative one")]
#[test_case("<testsuite time='1e300'/>", 0.0; "nor one beyond the limit")]
fn the_duration_is_the_outermost_one_given(text: &str, secs: f64) {
    assert_eq!(tests_in(text).duration_secs, secs);
}

#[test_case("<failure message='a &lt; b'>trace</failure>", "a < b"; "the attribute, unescaped")]
#[test_case("<failure>line 1\n  line 2</failure>", "line 1 line 2"; "else the text")]
#[test_case("<failure message='boom'>boom: the disk &amp; &#x41;</failure>", "boom: the disk & A"; "the longer of the same")]
#[test_case("<failure message='first'/><error message='second'/>", "first"; "of several the first")]
#[test_case("<failure><![CDATA[a <b> c]]></failure>", "a <b> c"; "character data as it stands")]
fn the_message_of_a_failed_case_is(inside: &str, message: &str) {
    let facts = tests_in(&format!(
        "<testsuite><testcase name='c'>{inside}</testcase></testsuite>"
    ));
    assert_eq!(facts.failed_cases[0].message, message);
}

#[test]
fn a_failed_case_has_its_place_where_the_report_names_it() {
    let facts =
        tests_in("<testsuite><testcase name='c' file='a.py' line='7'><failure/></testcase></testsuite>");
    let case = &facts.failed_cases[0];
    assert_eq!((case.file.as_deref(), case.line), (Some("a.py"), Some(7)));
}

#[test_case("<testsuites/>", "the report has no test case: nothing was tested"; "no suite")]
#[test_case("<testsuites tests='0'><testsuite name='a'/></testsuites>", "the report has no test case: nothing was tested"; "an empty suite")]
#[test_case("<testsuite><testcase><skipped/></testcase></testsuite>", "all 1 test cases were skipped"; "nothing but skipped")]
#[test_case("<testsuite name='s' failures='2'><testcase/></testsuite>", "suite `s` says 2 failed or errored, but its cases show 0"; "failures that no case shows")]
fn it_is_incomplete_with(text: &str, why: &str) {
    assert_eq!(reason(read_as(Format::Junit, text)), why);
}

#[test_case("<testsuite name='s' tests='5'><testcase/></testsuite>", "suite `s` says 5 tests, but lists 1"; "more tests than are listed")]
#[test_case("<testsuites name='r' tests='5'><testsuite tests='1'><testcase/></testsuite></testsuites>", "suite `r` says 5 tests, but lists 1"; "more tests than in all suites")]
#[test_case("<testsuite name='s' failures='-1'><testcase/></testsuite>", "suite `s` says `failures` is `-1`, which is no count"; "a negative count")]
#[test_case("<testsuite name='s' skipped='many'><testcase/></testsuite>", "suite `s` says `skipped` is `many`, which is no count"; "a count that is no number")]
#[test_case("<testsuite><testcase name='c'><failed/></testcase></testsuite>", "case `c` has a `failed`, which is no outcome that is known"; "an outcome that is not known")]
#[test_case("<testsuite><testcase name='c'><Failure/></testcase></testsuite>", "case `c` has a `Failure`, which is no outcome that is known"; "an outcome in capitals")]
#[test_case("<testsuite><testcase name='c' status='timedout'/></testsuite>", "case `c` ended as `timedout`, which is no outcome that is known"; "a status that is not known")]
#[test_case("<testsuite name='s' tests='3' skipped='2'><testcase/><testcase/><testcase/></testsuite>", "suite `s` says 2 skipped, but its cases show 0"; "skips that no case shows")]
#[test_case("<testsuite name='s' disabled='1'><testcase/></testsuite>", "suite `s` says 1 skipped, but its cases show 0"; "a disabled case that is not there")]
#[test_case("<testsuite name='s' failed='1'><testcase/></testsuite>", "suite `s` says 1 failed or errored, but its cases show 0"; "failures by another name")]
#[test_case("<testsuite name='s'><testcase name='c' outcome='odd'/></testsuite>", "case `c` ended as `odd`, which is no outcome that is known"; "an outcome in an attribute that is not known")]
fn a_report_that_contradicts_itself_is_incomplete(text: &str, why: &str) {
    assert_eq!(reason(read_as(Format::Junit, text)), why);
}

#[test_case("<testsuite name='pytest' tests='8'><testcase/></testsuite>", "pytest"; "subtests of pytest")]
#[test_case("<testsuites name='pytest tests'><testsuite name='unit' tests='8'><testcase/></testsuite></testsuites>", "unit"; "with a name of its own")]
#[test_case("<testsuite name='c' tests='8' hostname='tbd'><testcase/></testsuite>", "c"; "assertions of Catch2")]
fn a_tool_that_counts_more_than_cases_is_only_warned_of(text: &str, suite: &str) {
    let read = read_as(Format::Junit, text).expect("reads");
    assert_eq!(read.complete, Complete::Yes);
    assert_eq!(
        read.warnings,
        [format!("suite `{suite}` says 8 tests and lists 1")]
    );
}

#[test]
fn an_unknown_child_of_a_case_is_a_warning() {
    let read = read_as(
        Format::Junit,
        "<testsuite><testcase name='c'><owner/></testcase></testsuite>",
    );
    assert_eq!(
        read.expect("reads").warnings,
        ["case `c` has a `owner`, which was passed over"]
    );
}

#[test]
fn warnings_keep_to_their_limit_and_count_the_rest() {
    let case = "<testcase name='c'><owner/></testcase>".repeat(WARNINGS_MAX + 5);
    let read = read_as(Format::Junit, &format!("<testsuite>{case}</testsuite>")).expect("reads");
    assert_eq!(read.warnings.len(), WARNINGS_MAX + 1);
    assert_eq!(read.warnings[WARNINGS_MAX], "and 5 more warnings");
}

#[test_case("<html/>", "the junit report cannot be read at line 1, byte 0: the root element is `html`, not `testsuites`"; "another root")]
#[test_case("<testsuite>\n<testcase></testsuite>", "the junit report cannot be read at line 2, byte 22: ill-formed document: expected `</testcase>`, but `</testsuite>` was found"; "crossed elements")]
#[test_case("<testsuite/><testsuite/>", "the junit report cannot be read at line 1, byte 12: a second root element"; "two reports in one file")]
#[test_case("<testsuite/>warning: x", "the junit report cannot be read at line 1, byte 12: text outside of the root element"; "a tool's chatter after it")]
#[test_case("<testsuite><testcase><testcase/></testcase></testsuite>", "the junit report cannot be read at line 1, byte 21: a `testcase` stands where none may be"; "a case in a case")]
#[test_case("<testsuite name='&x;'/>", "the junit report cannot be read at line 1, byte 0: in attribute `name`: at 1..2: unrecognized entity `x`"; "an unknown entity in an attribute")]
#[test_case("<testsuite>&x;</testsuite>", "the junit report cannot be read at line 1, byte 11: `&x;` is not one of the five predefined entities"; "an unknown entity in a text")]
fn it_is_malformed_with(text: &str, why: &str) {
    assert_eq!(complaint(read_as(Format::Junit, text)), why);
}

#[test_case("<testsuite>\n<testcase name='a'/>\n"; "between elements")]
#[test_case("<testsuite>\n<testcase name='a"; "in an attribute")]
#[test_case("<testsuite>\n<testcase><failure><![CDATA[oh"; "in character data")]
#[test_case("<?xml version='1.0'?>"; "before the root")]
fn a_cut_is_told_apart_from_a_mistake(text: &str) {
    let error = read_as(Format::Junit, text).expect_err("cut off");
    assert!(matches!(error, ReadError::Truncated { .. }), "{error}");
}

#[test]
fn an_entity_bomb_is_refused_before_it_can_expand() {
    let mut bomb = String::from("<?xml version='1.0'?>\n<!DOCTYPE x [<!ENTITY a0 'ha'>");
    for n in 1..30 {
        bomb += &format!("<!ENTITY a{n} '&a{};&a{};'>", n - 1, n - 1);
    }
    bomb += "]>\n<testsuite name='&a29;'/>";
    let why = "the junit report cannot be read at line 2, byte 22: document types (DTD) are refused";
    assert_eq!(complaint(read_as(Format::Junit, &bomb)), why);
}

#[test]
fn an_external_entity_is_refused() {
    let text = "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><testsuite name='&e;'/>";
    assert!(complaint(read_as(Format::Junit, text)).ends_with("document types (DTD) are refused"));
}

#[test_case("status='cancelled'", "", "case `c` ended as `cancelled`, which is no outcome that is known"; "cancelled")]
#[test_case("result='aborted'", "", "case `c` ended as `aborted`, which is no outcome that is known"; "aborted")]
#[test_case("result='gone fishing'", "", "case `c` ended as `gone fishing`, which is no outcome that is known"; "any other word")]
#[test_case("", "<group><failure/></group>", "a `failure` stands where none is known"; "a failure in an unknown child")]
#[test_case("", "<properties><error/></properties>", "a `error` stands where none is known"; "an error among the properties")]
#[test_case("", "<panicked/>", "case `c` has a `panicked`, which is no outcome that is known"; "an unknown outcome")]
fn only_a_known_word_is_a_pass(attributes: &str, inside: &str, why: &str) {
    let text = format!("<testsuite name='s'><testcase name='c' {attributes}>{inside}</testcase></testsuite>");
    assert_eq!(reason(read_as(Format::Junit, &text)), why);
}

#[test]
fn a_failure_in_an_unknown_child_of_a_suite_is_seen() {
    let text = "<testsuite name='s'><results><failure/></results><testcase name='c'/></testsuite>";
    assert_eq!(
        reason(read_as(Format::Junit, text)),
        "a `failure` stands where none is known"
    );
}

/// passed, failed, skipped
#[test_case("status='Not Run'", (0, 0, 1); "not run")]
#[test_case("result='inconclusive'", (0, 0, 1); "inconclusive")]
#[test_case("success='False' executed='false'", (0, 1, 0); "no success")]
#[test_case("success='true' executed='True'", (1, 0, 0); "a success")]
#[test_case("status='run' result='completed'", (1, 0, 0); "as GoogleTest writes it")]
#[test_case("status='SUCCESSFUL'", (1, 0, 0); "in capitals")]
fn a_case_ends_as_its_attributes_say(attributes: &str, ends: (u64, u64, u64)) {
    let facts = tests_in(&format!(
        "<testsuite name='s'><testcase name='c' {attributes}/></testsuite>"
    ));
    assert_eq!((facts.passed, facts.failed, facts.skipped), ends);
}

#[test_case("7,200.5", 7200.5; "thousands set off")]
#[test_case("0,123", 0.0; "a comma for the point is not read")]
#[test_case("7,20", 0.0; "nor is any other comma")]
fn a_comma_in_a_duration(text: &str, secs: f64) {
    let facts = tests_in(&format!(
        "<testsuite name='s' time='{text}'><testcase name='c'/></testsuite>"
    ));
    assert_eq!(facts.duration_secs, secs);
}

#[test_case("<testsuite name='s' skipped='1'><testcase/><testcase><skipped/></testcase></testsuite>"; "by an element")]
#[test_case("<testsuite name='s' disabled='1'><testcase/><testcase status='notrun'/></testsuite>"; "by an attribute")]
#[test_case("<testsuites skipped='1'><testsuite name='s' skipped='1'><testcase/><testcase><failure/><skipped/></testcase></testsuite></testsuites>"; "beside a failure")]
fn skips_that_cases_show_are_believed(text: &str) {
    let why = reason(read_as(Format::Junit, text));
    assert!(why.starts_with("complete: "), "{why}");
}

#[test_case("failed='1'", "outcome='failed'"; "by its outcome")]
#[test_case("failures='1'", "status='fail'"; "by its status")]
#[test_case("errors='1'", "result='error'"; "by its result")]
fn a_case_that_failed_by_an_attribute_alone_is_among_those_that_its_suite_counts(said: &str, ended: &str) {
    let text = format!("<testsuite name='a' tests='1' {said}><testcase name='x' {ended}/></testsuite>");
    let facts = tests_in(&text);
    assert_eq!((facts.failed + facts.errored, facts.passed), (1, 0));
    let why = reason(read_as(Format::Junit, &text));
    assert!(why.starts_with("complete: "), "{why}");
}
