//! SARIF 2.1.0.

use gateline_evidence::{Complete, Format, RULES_MAX, RUNS_MAX, Read, ReadError};
use gateline_model::{Facts, Finding, FindingFacts, FindingLevel, Severity};
use test_case::test_case;

use crate::{complaint, read_as, reason};

fn log(runs: &str) -> String {
    format!(r#"{{"version":"2.1.0","runs":[{runs}]}}"#)
}

/// A run of a tool with one rule at level `note` in its driver and one at `error` in an extension.
fn run_with(results: &str) -> String {
    log(&format!(
        r#"{{"tool":{{"driver":{{"name":"t","rules":[{{"id":"A1","defaultConfiguration":{{"level":"note"}}}},{{"id":"A2"}}]}},
        "extensions":[{{"name":"x","guid":"aa","rules":[{{"id":"B1","defaultConfiguration":{{"level":"error"}}}}]}}]}},"results":[{results}]}}"#
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
#[test_case(r#"{"ruleId":"B1","ruleIndex":0}"#, FindingLevel::Error; "by id where the rule at the index has another")]
#[test_case(r#"{"ruleId":"A1/sub","ruleIndex":0}"#, FindingLevel::Note; "by index where the id is of a part of the rule there")]
#[test_case(r#"{"ruleId":"A10","ruleIndex":0,"level":"error"}"#, FindingLevel::Error; "its own where its id is of no rule")]
#[test_case(r#"{"ruleId":"A10","ruleIndex":0}"#, FindingLevel::Warning; "an id of no rule is no rule")]
#[test_case(r#"{"ruleId":"B1","rule":{"index":0,"toolComponent":{"name":"gone"}}}"#, FindingLevel::Error; "no index in a part that is not there")]
#[test_case(r#"{"rule":{"index":0,"toolComponent":{"name":"x"}}}"#, FindingLevel::Error; "by index in an extension by its name")]
#[test_case(r#"{"rule":{"index":0,"toolComponent":{"guid":"AA"}}}"#, FindingLevel::Error; "by index in an extension by its guid")]
#[test_case(r#"{"rule":{"index":0,"toolComponent":{"name":"t"}}}"#, FindingLevel::Note; "by index in the driver by its name")]
#[test_case(r#"{"kind":"pass","level":"error"}"#, FindingLevel::Error; "one that passed with a level has it")]
#[test_case(r#"{"kind":"notApplicable","level":"warning"}"#, FindingLevel::Warning; "as has one that does not apply")]
#[test_case(r#"{"ruleId":"A2"}"#, FindingLevel::Warning; "a rule without a level gives warning")]
#[test_case(r#"{}"#, FindingLevel::Warning; "as does no rule")]
#[test_case(r#"{"kind":"informational","level":"error"}"#, FindingLevel::None; "what only tells has none")]
#[test_case(r#"{"kind":"open"}"#, FindingLevel::Warning; "what the tool could not tell is a warning")]
#[test_case(r#"{"kind":"review","level":"error"}"#, FindingLevel::Error; "what a person is to look at keeps its own")]
#[test_case(r#"{"kind":"fail","level":"note"}"#, FindingLevel::Note; "what failed keeps its own")]
#[test_case(r#"{"kind":"Pass","level":"error"}"#, FindingLevel::Error; "an unknown kind keeps its own")]
#[test_case(r#"{"kind":"bogus"}"#, FindingLevel::Warning; "an unknown kind without a level is as one that failed")]
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

#[test]
fn an_unknown_kind_is_told() {
    let read = read_as(Format::Sarif, &run_with(r#"{"kind":"Pass","level":"error"}"#)).expect("reads");
    assert_eq!(
        read.warnings,
        ["`Pass` is not a kind of SARIF and was counted by its level"]
    );
}

#[test_case(r#"[{"kind":"inSource"}]"#, 1; "in the source")]
#[test_case(r#"[{"kind":"external","status":"accepted"}]"#, 1; "accepted elsewhere")]
#[test_case(r#"[{"kind":"external","status":"underReview"}]"#, 0; "under review does not count")]
#[test_case(r#"[{"kind":"inSource"},{"kind":"external","status":"rejected"}]"#, 0; "one rejection undoes the others")]
#[test_case("[{}]", 0; "one without a kind does not count")]
#[test_case(r#"[{"kind":"InSource"}]"#, 0; "nor does one of an unknown kind")]
#[test_case(r#"[{"kind":"external","status":"Accepted"}]"#, 0; "nor one of an unknown status")]
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

#[test_case("pass")]
#[test_case("notApplicable")]
fn what_was_looked_at_and_is_good_is_no_finding(kind: &str) {
    assert_eq!(
        findings_in(&run_with(&format!(r#"{{"kind":"{kind}"}}"#))).total(),
        0
    );
}

#[test_case("new", Some(false))]
#[test_case("unchanged", Some(true))]
#[test_case("updated", Some(true))]
fn the_tool_compared_with_a_baseline(state: &str, known: Option<bool>) {
    let facts = findings_in(&run_with(&format!(r#"{{"baselineState":"{state}"}}"#)));
    assert_eq!(facts.findings[0].known, known);
}

/// A report as semgrep orders it: results before the tool.
fn backwards(result: &str, invocation: &str, tool: &str) -> String {
    format!(
        r#"{{"runs":[{{"results":[{result}],"invocations":[{invocation}],"tool":{{"driver":{tool}}}}}],"version":"2.1.0"}}"#
    )
}

#[test]
fn results_may_come_before_their_rules() {
    let rules = r#"{"name":"t","rules":[{"id":"A","defaultConfiguration":{"level":"note"}}]}"#;
    let facts = findings_in(&backwards(r#"{"ruleId":"A"},{"ruleId":"A"}"#, "", rules));
    assert_eq!((facts.total(), facts.notes, facts.runs), (2, 2, 1));
}

#[test_case(r#"{"id":"A"}"#; "by id")]
#[test_case(r#"{"index":0}"#; "by index")]
fn an_invocation_sets_the_level_of_a_rule(descriptor: &str) {
    let set = format!(
        r#"{{"ruleConfigurationOverrides":[{{"descriptor":{descriptor},"configuration":{{"level":"error"}}}}]}}"#
    );
    let rules = r#"{"name":"t","rules":[{"id":"A","defaultConfiguration":{"level":"note"}}]}"#;
    assert_eq!(
        findings_in(&backwards(r#"{"ruleId":"A"}"#, &set, rules)).errors,
        1
    );
    let forwards =
        format!(r#"{{"tool":{{"driver":{rules}}},"results":[{{"ruleId":"A"}}],"invocations":[{set}]}}"#);
    assert_eq!(findings_in(&log(&forwards)).errors, 1);
}

/// The one finding of a rule with these properties, and more keys.
fn of_rule(rule: &str) -> Finding {
    let run = format!(
        r#"{{"tool":{{"driver":{{"name":"t","rules":[{{"id":"A",{rule}}}]}}}},"results":[{{"ruleId":"A"}}]}}"#
    );
    findings_in(&log(&run)).findings.remove(0)
}

#[test_case(r#""9.8""#, Some(9.8), Severity::Critical; "as a text")]
#[test_case("7.5", Some(7.5), Severity::High; "as a number")]
#[test_case(r#""0.0""#, None, Severity::Medium; "nought is not known")]
#[test_case(r#"" ""#, None, Severity::Medium; "nor is an empty text")]
#[test_case(r#""high""#, None, Severity::Critical; "a word is none and may mean anything")]
#[test_case(r#""9,8""#, None, Severity::Critical; "nor is a comma")]
#[test_case("99", None, Severity::Critical; "nor more than ten")]
#[test_case(r#""-1""#, None, Severity::Critical; "nor less than none")]
fn the_security_severity_is_a_score(written: &str, score: Option<f64>, severity: Severity) {
    let finding = of_rule(&format!(r#""properties":{{"security-severity":{written}}}"#));
    assert_eq!((finding.score, finding.severity), (score, severity));
}

#[test_case(r#""properties":{"tags":["CWE-78: OS command","x"]}"#; "in a tag")]
#[test_case(r#""properties":{"tags":["external/cwe/cwe-078"]}"#; "in a tag of CodeQL")]
#[test_case(r#""properties":{"cwe":"CWE-78"}"#; "in a property")]
#[test_case(r#""relationships":[{"target":{"id":"78","toolComponent":{"name":"CWE"}}}]"#; "in a relationship")]
fn the_weakness_of_a_rule_is_told(rule: &str) {
    assert_eq!(of_rule(rule).cwe, ["CWE-78"]);
}

#[test]
fn a_fingerprint_over_the_line_s_text_is_the_identity() {
    let identity = |fingerprints: &str, message: &str| {
        let result = format!(r#"{{"ruleId":"A1","message":{{"text":"{message}"}},{fingerprints}}}"#);
        findings_in(&run_with(&result)).findings.remove(0).identity
    };
    let hash = r#""partialFingerprints":{"primaryLocationLineHash":"39fa:1"}"#;
    assert_eq!(identity(hash, "a"), identity(hash, "b"));
    let of_a_commit = r#""partialFingerprints":{"commitSha":"440891b"}"#;
    assert_ne!(identity(of_a_commit, "a"), identity(of_a_commit, "b"));
    let nobody = r#""fingerprints":{"matchBasedId/v1":"requires login"}"#;
    assert_ne!(identity(nobody, "a"), identity(nobody, "b"));
}

#[test]
fn a_secret_is_grave_though_its_scanner_gives_no_level() {
    let run = r#"{"tool":{"driver":{"name":"gitleaks"}},"results":[{"ruleId":"aws"}]}"#;
    assert_eq!(findings_in(&log(run)).high, 1);
}

#[test]
fn trivy_names_the_package_in_its_message() {
    let run = r#"{"tool":{"driver":{"name":"Trivy"}},"results":[{"ruleId":"CVE-2020-8203","message":{
        "text":"Package: lodash\nInstalled Version: 4.17.15\nVulnerability CVE-2020-8203\nFixed Version: 4.17.19\nLink: x"}}]}"#;
    let package = findings_in(&log(run))
        .findings
        .remove(0)
        .package
        .expect("a package");
    assert_eq!((&*package.name, &*package.version), ("lodash", "4.17.15"));
    assert_eq!(package.fixed_in.as_deref(), Some("4.17.19"));
}

#[test]
fn more_rules_than_are_kept_leave_their_results_readable() {
    let rules = r#"{"defaultConfiguration":{"level":"note"}},"#.repeat(RULES_MAX + 5);
    let run = format!(
        r#"{{"tool":{{"driver":{{"name":"t","rules":[{rules}{{"id":"Z"}}]}}}},"results":[{{"ruleIndex":{}}},{{"ruleIndex":0}}]}}"#,
        RULES_MAX + 2
    );
    let facts = findings_in(&log(&run));
    assert_eq!((facts.warnings, facts.notes), (1, 1));
}

#[test]
fn more_runs_than_are_read_are_refused() {
    let why = complaint(read_as(Format::Sarif, &log(&vec!["{}"; RUNS_MAX + 1].join(","))));
    assert!(why.ends_with("more than 10000 runs"), "{why}");
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
    r#"{"tool":{"driver":{"name":"t"}},"results":[],"invocations":[{"exitSignalName":"SIGKILL"}]}"#,
    "`t` was ended by SIGKILL"; "a signal")]
#[test_case(
    r#"{"tool":{"driver":{"name":"Checkov","rules":[]}},"results":[]}"#,
    "`Checkov` does not say in SARIF whether it checked anything; report what `checkov -o json` writes"; "checkov that may have checked nothing")]
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
#[test_case("{\"version\":\"2.1.0\",\n\"runs\":7}", "line 2, byte 28: invalid type: integer `7`, expected an object or a list of objects"; "runs that are no list")]
#[test_case(r#"{"version":"2.1.0","runs":[]}{}"#, "line 1, byte 29: trailing characters"; "two reports in one file")]
#[test_case(r#"{"version":"2.1.0","runs":[],"runs":[]}"#, "line 1, byte 35: duplicate field `runs`"; "runs said twice")]
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

#[test_case(r#"{"id":"A2","index":0}"#, 1, 0; "the id beats the index of another rule")]
#[test_case(r#"{"index":0,"toolComponent":{"index":0}}"#, 0, 0; "a rule of an extension is none of the driver")]
#[test_case(r#"{"id":"A1","index":0}"#, 0, 1; "where both agree it is the rule")]
fn an_invocation_sets_the_level_of_no_other_rule(descriptor: &str, of_a2: u64, of_a1: u64) {
    let text = log(&format!(
        r#"{{"tool":{{"driver":{{"name":"t","rules":[{{"id":"A1","defaultConfiguration":{{"level":"error"}}}},{{"id":"A2"}}]}},
        "extensions":[{{"name":"x","rules":[{{"id":"B1"}}]}}]}},
        "invocations":[{{"ruleConfigurationOverrides":[{{"descriptor":{descriptor},"configuration":{{"level":"note"}}}}]}}],
        "results":[{{"ruleId":"A1"}},{{"ruleId":"A2"}}]}}"#
    ));
    let facts = findings_in(&text);
    let noted = |rule: &str| {
        let of = |one: &&Finding| one.rule.as_deref() == Some(rule) && one.level == FindingLevel::Note;
        facts.findings.iter().filter(of).count() as u64
    };
    assert_eq!((noted("A2"), noted("A1")), (of_a2, of_a1));
}

#[test]
fn a_suppression_that_is_not_read_may_be_rejected() {
    let accepted = |count: usize| vec![r#"{"kind":"inSource"}"#; count].join(",");
    let with = |list: &str| findings_in(&run_with(&format!(r#"{{"suppressions":[{list}]}}"#)));
    assert_eq!(with(&accepted(100)).suppressed, 1);
    let rejected = format!(r#"{},{{"kind":"external","status":"rejected"}}"#, accepted(100));
    let facts = with(&rejected);
    assert_eq!((facts.suppressed, facts.total()), (0, 1));
}

#[test]
fn results_beside_the_runs_are_not_passed_over() {
    let text = |results: &str| {
        format!(
            r#"{{"version":"2.1.0","inlineExternalProperties":[{{"results":[{results}]}}],"runs":[{{"tool":{{"driver":{{"name":"t"}}}},"results":[]}}]}}"#
        )
    };
    assert_eq!(
        reason(read_as(Format::Sarif, &text(r#"{"ruleId":"x","level":"error"}"#))),
        "the report keeps 1 results in `inlineExternalProperties`, which are not read"
    );
    assert!(reason(read_as(Format::Sarif, &text(""))).starts_with("complete: "));
}

#[test_case("Error", true; "in another case")]
#[test_case("fatal", true; "an unknown word")]
#[test_case("Warning", false; "a warning in another case")]
fn a_tool_s_own_trouble_is_told_by_its_level(level: &str, is_trouble: bool) {
    let text = log(&format!(
        r#"{{"tool":{{"driver":{{"name":"t"}}}},"invocations":[{{"toolExecutionNotifications":[{{"level":"{level}","message":{{"text":"it broke"}}}}]}}],"results":[]}}"#
    ));
    let why = reason(read_as(Format::Sarif, &text));
    assert_eq!(
        why == "`t` reported an error of its own: it broke",
        is_trouble,
        "{why}"
    );
}

#[test]
fn an_empty_fingerprint_makes_no_two_findings_one() {
    let of = |text: &str| {
        let result = format!(
            r#"{{"ruleId":"A2","message":{{"text":"{text}"}},"partialFingerprints":{{"primaryLocationLineHash":""}}}}"#
        );
        findings_in(&run_with(&result)).findings[0].identity.clone()
    };
    assert_ne!(of("sql in A"), of("rce in B"));
}

#[test]
fn a_security_severity_that_is_none_is_told_and_outweighs_the_level() {
    let run = r#"{"tool":{"driver":{"name":"t","rules":[{"id":"A","properties":{"security-severity":"9,8"}}]}},"results":[{"ruleId":"A","level":"note"}]}"#;
    let read = read_as(Format::Sarif, &log(run)).expect("reads");
    assert_eq!(
        read.warnings,
        ["the `security-severity` `9,8` is no number from 0 to 10 and was counted as critical"]
    );
    assert_eq!(findings_in(&log(run)).critical, 1);
}

#[test_case(r#"{"executionSuccessful":true,"exitSignalNumber":11}"#, "`t` was ended by signal 11"; "its number")]
#[test_case(r#"{"exitSignalNumber":11,"exitSignalName":"SIGSEGV"}"#, "`t` was ended by SIGSEGV"; "its name, which tells more")]
fn a_run_that_a_signal_ended_did_not_look(invocation: &str, why: &str) {
    let run = format!(r#"{{"tool":{{"driver":{{"name":"t"}}}},"invocations":[{invocation}],"results":[]}}"#);
    assert_eq!(reason(read_as(Format::Sarif, &log(&run))), why);
}

#[test]
fn the_signal_nought_is_none() {
    let run = r#"{"tool":{"driver":{"name":"t"}},"invocations":[{"exitSignalNumber":0}],"results":[]}"#;
    let why = reason(read_as(Format::Sarif, &log(run)));
    assert!(why.starts_with("complete: "), "{why}");
}

#[test_case("[[]]"; "a list for a result")]
#[test_case("[7]"; "a number for a result")]
fn what_is_no_result_is_told_without_the_names_of_the_program(results: &str) {
    let run = format!(r#"{{"tool":{{"driver":{{"name":"t"}}}},"results":{results}}}"#);
    let says = complaint(read_as(Format::Sarif, &log(&run)));
    assert!(says.ends_with(", expected an object"), "{says}");
}
