//! SARIF 2.1.0.

use gateline_evidence::{Complete, Format, Read, ReadError};
use gateline_model::{Facts, FindingFacts, FindingLevel};
use test_case::test_case;

use crate::{complaint, read_as, reason};

fn log(runs: &str) -> String {
    format!(r#"{{"version":"2.1.0","runs":[{runs}]}}"#)
}

/// A run of a tool with one rule at level `note` in its driver and one at `error` in an extension.
fn run_with(results: &str) -> String {
    log(&format!(
        r#"{{"tool":{{"driver":{{"name":"t","rules":[{{"id":"A1","defaultConfiguration":{{"level":"note"}}}},{{"id":"A2"}}]}},
        "extensions":[{{"name":"x","rules":[{{"id":"B1","defaultConfiguration":{{"level":"error"}}}}]}}]}},"results":[{results}]}}"#
    ))
}

fn findings_in(text: &str) -> FindingFacts {
    match read_as(Format::Sarif, text) {
        Ok(Read {
            facts: Facts::Findings(facts),
            ..
        }) => facts,
        other => panic!("no findings: {other:?}"),
    }
}

#[test_case(r#"{"ruleId":"A1","level":"error"}"#, FindingLevel::Error; "its own")]
#[test_case(r#"{"ruleId":"A1"}"#, FindingLevel::Note; "else that of its rule by id")]
#[test_case(r#"{"ruleId":"A1/sub"}"#, FindingLevel::Note; "or by the id of the parent rule")]
#[test_case(r#"{"ruleIndex":0}"#, FindingLevel::Note; "or by index")]
#[test_case(r#"{"ruleId":"A1","ruleIndex":-1}"#, FindingLevel::Note; "where minus one is no index")]
#[test_case(r#"{"rule":{"index":0,"toolComponent":{"index":0}}}"#, FindingLevel::Error; "or by index in an extension")]
#[test_case(r#"{"ruleId":"B1"}"#, FindingLevel::Error; "or by id in an extension")]
#[test_case(r#"{"ruleId":"A2"}"#, FindingLevel::Warning; "a rule without a level gives warning")]
#[test_case(r#"{}"#, FindingLevel::Warning; "as does no rule")]
#[test_case(r#"{"kind":"pass","level":"error"}"#, FindingLevel::None; "what did not fail has none")]
#[test_case(r#"{"kind":"fail","level":"note"}"#, FindingLevel::Note; "what failed keeps its own")]
#[test_case(r#"{"level":"critical"}"#, FindingLevel::Error; "an unknown word is taken for the gravest")]
fn the_level_of_a_finding_is(result: &str, level: FindingLevel) {
    let facts = findings_in(&run_with(result));
    assert_eq!(facts.findings[0].level, level);
    assert_eq!(facts.count(level), 1);
}

#[test]
fn an_unknown_level_is_told() {
    let read = read_as(Format::Sarif, &run_with(r#"{"level":"critical"}"#)).expect("reads");
    assert_eq!(
        read.warnings,
        ["`critical` is not a level of SARIF and was counted as `error`"]
    );
}

#[test_case(r#"[{"kind":"inSource"}]"#, 1; "in the source")]
#[test_case(r#"[{"kind":"external","status":"accepted"}]"#, 1; "accepted elsewhere")]
#[test_case(r#"[{"kind":"external","status":"underReview"}]"#, 0; "under review does not count")]
#[test_case(r#"[{"kind":"inSource"},{"kind":"external","status":"rejected"}]"#, 0; "one rejection undoes the others")]
#[test_case("[]", 0; "an empty list accepts nothing")]
fn a_finding_is_suppressed_by(suppressions: &str, suppressed: u64) {
    let facts = findings_in(&run_with(&format!(
        r#"{{"level":"error","suppressions":{suppressions}}}"#
    )));
    assert_eq!((facts.suppressed, facts.errors), (suppressed, 1 - suppressed));
}

#[test]
fn what_a_baseline_had_and_the_run_has_not_is_not_found() {
    let facts = findings_in(&run_with(r#"{"level":"error","baselineState":"absent"}"#));
    assert_eq!((facts.errors, facts.suppressed), (0, 0));
}

#[test]
fn the_gravest_findings_come_first() {
    let facts = findings_in(&run_with(
        r#"{"level":"note","message":{"text":"n"}},{"level":"error","message":{"text":"e"}},{"level":"none","message":{"id":"0"}}"#,
    ));
    let messages: Vec<_> = facts
        .findings
        .iter()
        .map(|finding| finding.message.as_str())
        .collect();
    assert_eq!(messages, ["e", "n", "0"]);
}

#[test]
fn runs_of_several_tools_add_up() {
    let run = |tool: &str| {
        format!(r#"{{"tool":{{"driver":{{"name":"{tool}"}}}},"results":[{{"level":"error"}}]}}"#)
    };
    let facts = findings_in(&log(&[run("a"), run("b"), run("a")].join(",")));
    assert_eq!((facts.runs, facts.errors), (3, 3));
    assert_eq!(facts.tools, ["a", "b"]);
}

#[test]
fn a_tool_that_looked_and_found_nothing_is_complete() {
    let read = read_as(Format::Sarif, &run_with("")).expect("reads");
    assert_eq!(read.complete, Complete::Yes);
}

#[test_case("", "the report has no runs: no tool looked"; "no run")]
#[test_case(r#"{"tool":{"driver":{"name":"t"}}}"#, "`t` left no list of results: it did not look"; "no list of results")]
#[test_case(
    r#"{"tool":{"driver":{"name":"t"}},"results":[],"invocations":[{"executionSuccessful":false}]}"#,
    "`t` says that it was not successful"; "not successful")]
#[test_case(
    r#"{"tool":{"driver":{"name":"t"}},"results":[],"invocations":[{"executionSuccessful":true,
        "toolExecutionNotifications":[{"level":"warning"},{"level":"error","message":{"text":"no rules"}}]}]}"#,
    "`t` reported an error of its own: no rules"; "an error while it ran")]
#[test_case(
    r#"{"tool":{"driver":{"name":"t"}},"results":[],"invocations":[{"executionSuccessful":true,
        "toolConfigurationNotifications":[{"level":"error","message":{"text":"bad rule"}}]}]}"#,
    "`t` reported an error of its own: bad rule"; "an error in its settings")]
#[test_case(
    r#"{"tool":{"driver":{"name":"t"}},"results":[],"externalPropertyFileReferences":{"results":[{"itemCount":3}]}}"#,
    "`t` keeps results in other files, which are not read"; "results elsewhere")]
fn it_is_incomplete_with(run: &str, why: &str) {
    assert_eq!(reason(read_as(Format::Sarif, &log(run))), why);
}

#[test]
fn one_bad_run_of_several_makes_it_incomplete() {
    let good = r#"{"tool":{"driver":{"name":"good"}},"results":[]}"#;
    let bad = r#"{"tool":{"driver":{"name":"bad"}}}"#;
    let why = "`bad` left no list of results: it did not look";
    assert_eq!(
        reason(read_as(Format::Sarif, &log(&format!("{good},{bad}")))),
        why
    );
}

#[test_case(r#"{"runs":[]}"#, "line 1, byte 0: its version is none; only 2.1.0 is read"; "no version")]
#[test_case(r#"{"version":"2.0.0","runs":[]}"#, "line 1, byte 0: its version is 2.0.0; only 2.1.0 is read"; "another version")]
#[test_case("{\"version\":\"2.1.0\",\n\"runs\":7}", "line 2, byte 27: invalid type: integer `7`, expected a sequence"; "runs that are no list")]
#[test_case(r#"{"version":"2.1.0","runs":[]}{}"#, "line 1, byte 29: trailing characters"; "two reports in one file")]
#[test_case(r#"{"version":"2.1.0","runs":[],"runs":[]}"#, "line 1, byte 34: duplicate field `runs`"; "runs said twice")]
fn it_is_malformed_at(text: &str, why: &str) {
    assert_eq!(
        complaint(read_as(Format::Sarif, text)),
        format!("the sarif report cannot be read at {why}")
    );
}

#[test]
fn a_cut_is_told_apart_from_a_mistake() {
    let error = read_as(Format::Sarif, "{\"version\":\"2.1.0\",\n\"runs\":[").expect_err("cut off");
    assert!(
        matches!(error, ReadError::Truncated { place, .. } if place.line == 2),
        "{error}"
    );
}
