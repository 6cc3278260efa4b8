//! Rust tests as JSON lines.

use gateline_evidence::{Format, Read, ReadError};
use gateline_model::{Facts, TestFacts};
use test_case::test_case;

use crate::{complaint, read_as, reason};

const BEGIN: &str = r#"{"type":"suite","event":"started","test_count":2}"#;

fn end(passed: u64, failed: u64) -> String {
    let word = if failed > 0 { "failed" } else { "ok" };
    format!(
        r#"{{"type":"suite","event":"{word}","passed":{passed},"failed":{failed},"ignored":0,"measured":0,"filtered_out":0,"exec_time":0.5}}"#
    )
}

fn test(event: &str, name: &str) -> String {
    format!(r#"{{"type":"test","event":"{event}","name":"{name}"}}"#)
}

fn lines(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn tests_in(text: &str) -> TestFacts {
    match read_as(Format::Libtest, text) {
        Ok(Read {
            facts: Facts::Tests(facts),
            ..
        }) => facts,
        other => panic!("no test facts: {other:?}"),
    }
}

#[test]
fn tests_are_counted_by_their_own_events() {
    let failed = r#"{"type":"test","name":"b","event":"failed","stdout":"\nthread 'b' panicked\n"}"#;
    let text = lines(&[BEGIN, &test("started", "a"), &test("ok", "a"), failed, &end(1, 1)]);
    let facts = tests_in(&text);
    assert_eq!((facts.total, facts.passed, facts.failed), (2, 1, 1));
    assert_eq!(
        (
            facts.failed_cases[0].name.as_str(),
            facts.failed_cases[0].message.as_str()
        ),
        ("b", "thread 'b' panicked")
    );
    assert_eq!(facts.duration_secs, 0.5);
}

#[test]
fn a_test_that_passed_on_its_second_try_is_flaky() {
    let text = lines(&[
        BEGIN,
        &test("started", "p$a"),
        &test("ok", "p$a#2"),
        &test("ok", "p$b"),
        &end(2, 0),
    ]);
    let facts = tests_in(&text);
    assert_eq!((facts.passed, facts.flaky), (2, 1));
    assert_eq!(facts.flaky_cases, ["p$a"]);
}

#[test]
fn a_test_that_runs_for_long_is_told_once() {
    let text = lines(&[
        BEGIN,
        &test("timeout", "a"),
        &test("ok", "a"),
        &test("ok", "b"),
        &end(2, 0),
    ]);
    assert_eq!(tests_in(&text).total, 2);
}

#[test_case(&[BEGIN, &end(0, 0).replace("\"ignored\":0", "\"ignored\":2")], "the report has no test case: nothing was tested"; "no test")]
#[test_case(&[BEGIN, &test("ignored", "a"), &end(0, 0).replace("\"ignored\":0", "\"ignored\":2")], "all 1 test cases were skipped"; "nothing but ignored")]
#[test_case(&[BEGIN, &test("ok", "a"), &end(2, 0)], "a suite says 2 passed and 0 failed, but its tests show 1 and 0"; "more passed than tests show")]
#[test_case(&[BEGIN, &test("ok", "a"), &end(1, 0)], "a suite began with 2 tests and ended with 1"; "fewer tests than it began with")]
#[test_case(&[BEGIN, &test("ok", "a"), &test("started", "b"), &end(1, 0)], "1 tests were started and have no end"; "a test without an end")]
#[test_case(&[BEGIN, &test("ok", "a"), &test("ok", "b"), &end(2, 0).replace("\"ok\"", "\"failed\"")], "a suite failed, but none of its tests did"; "a suite that failed by itself")]
#[test_case(&[BEGIN, &test("ok", "a"), &test("crashed", "b"), &end(2, 0)], "`b` ended as `crashed`, which is no outcome that is known"; "an outcome that is not known")]
fn it_is_incomplete_with(all: &[&str], why: &str) {
    assert_eq!(reason(read_as(Format::Libtest, &lines(all))), why);
}

#[test]
fn a_suite_without_an_end_is_cut_off() {
    let error = read_as(Format::Libtest, &lines(&[BEGIN, &test("ok", "a")])).expect_err("cut off");
    assert!(
        matches!(error, ReadError::Truncated { place, .. } if place.byte == 0),
        "{error}"
    );
}

#[test_case(&["running 2 tests"], "line 1, byte 0: `running 2 tests` is no event of a test run: expected value"; "chatter")]
#[test_case(&[BEGIN, BEGIN], "line 2, byte 50: a suite begins before the one above has ended"; "a suite in a suite")]
#[test_case(&[&end(1, 0)], "line 1, byte 0: a suite ends that did not begin"; "an end without a beginning")]
fn it_is_malformed_at(all: &[&str], why: &str) {
    let says = complaint(read_as(Format::Libtest, &lines(all)));
    assert_eq!(says, format!("the libtest report cannot be read at {why}"));
}
