//! Trivy's JSON.

use gateline_evidence::{Complete, Format, read};
use gateline_model::Severity;

use crate::findings::facts;
use crate::{read_as, reason};

#[test]
fn a_real_report_tells_misconfigurations_and_secrets_by_place() {
    let read = read(include_bytes!("../samples/trivy.json"), None).expect("reads");
    assert_eq!((read.format, read.complete), (Format::Trivy, Complete::Yes));
    let facts = facts(Format::Trivy, include_str!("../samples/trivy.json"));
    let secret = &facts.findings[0];
    assert_eq!(
        secret.to_string(),
        "creds.py:1: AWS Access Key ID [aws-access-key-id]"
    );
    assert_eq!(secret.severity, Severity::Critical);
    let latest = facts
        .findings
        .iter()
        .find(|finding| finding.rule.as_deref() == Some("DS001"));
    assert_eq!(latest.map(|finding| finding.line), Some(Some(1)));
}

#[test]
fn a_vulnerability_has_the_score_of_whoever_gave_its_severity() {
    let text = include_str!("../samples/trivy-vulnerabilities-synthetic.json");
    let facts = facts(Format::Trivy, text);
    let of = |id: &str| {
        facts
            .findings
            .iter()
            .find(|finding| finding.rule.as_deref() == Some(id))
    };
    let libc = of("CVE-2023-4911").expect("is there");
    assert_eq!(
        (libc.score, &libc.cwe[..]),
        (Some(7.8), &["CWE-787".to_owned()][..])
    );
    let package = libc.package.as_ref().expect("a package");
    assert_eq!(package.fixed_in.as_deref(), Some("2.36-9+deb12u3"));
    let licence = of("GPL-3.0-only").expect("is there");
    assert_eq!(
        licence.to_string(),
        "ghost: licence GPL-3.0-only (restricted) [GPL-3.0-only]"
    );
}

#[test]
fn a_system_that_is_no_longer_supported_is_told() {
    let text = include_str!("../samples/trivy-vulnerabilities-synthetic.json");
    let warnings = read(text.as_bytes(), None).expect("reads").warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
}

#[test]
fn what_passed_is_no_finding_and_what_was_excepted_is_suppressed() {
    let text = r#"{"SchemaVersion":2,"ArtifactName":".","Results":[{"Target":"a","Misconfigurations":[
        {"ID":"A","Status":"PASS"},{"ID":"B","Status":"EXCEPTION"},{"ID":"C","Status":"FAIL","Severity":"LOW"}]}]}"#;
    let facts = facts(Format::Trivy, text);
    assert_eq!((facts.total(), facts.low, facts.suppressed), (1, 1, 1));
}

#[test]
fn a_target_without_a_name_or_with_failures_that_are_not_listed_is_no_pass() {
    let report = |result: &str| {
        format!(r#"{{"SchemaVersion":2,"ArtifactName":".","Results":[{{"Target":"a"}},{result}]}}"#)
    };
    for (result, says) in [
        ("{}", "without a name"),
        (r#"{"Vulnerabilities":null}"#, "without a name"),
        (
            r#"{"Target":"main.tf","MisconfSummary":{"Successes":1,"Failures":3}}"#,
            "counts 3 failed checks in `main.tf` and lists 0",
        ),
    ] {
        let read = read(report(result).as_bytes(), None).expect("reads");
        assert!(
            matches!(&read.complete, Complete::No { reason } if reason.contains(says)),
            "{:?}",
            read.complete
        );
    }
    let clean = report(r#"{"Target":"main.tf","MisconfSummary":{"Successes":1,"Failures":0}}"#);
    assert_eq!(
        read(clean.as_bytes(), None).expect("reads").complete,
        Complete::Yes
    );
}

#[test]
fn nesting_and_texts_of_what_nobody_reads_are_bounded_too() {
    let passed = |value: &str| {
        let text = format!(
            r#"{{"SchemaVersion":2,"ArtifactName":".","More":{value},"Results":[{{"Target":"a"}}]}}"#
        );
        read(text.as_bytes(), None)
            .map(drop)
            .map_err(|err| err.to_string())
    };
    assert_eq!(passed(&format!("{}{}", "[".repeat(100), "]".repeat(100))), Ok(()));
    let deep = passed(&format!("{}{}", "[".repeat(200), "]".repeat(200))).unwrap_err();
    assert!(deep.contains("JSON_DEPTH_MAX"), "{deep}");
    let long = passed(&format!("\"{}\"", "a".repeat(17 << 20))).unwrap_err();
    assert!(long.contains("PIECE_BYTES_MAX"), "{long}");
}

#[test]
fn another_layout_is_not_read_as_this_one() {
    let text = r#"{"SchemaVersion":3,"ArtifactName":".","Results":[{"Target":"a"}]}"#;
    let incomplete = Complete::No {
        reason: "its `SchemaVersion` is 3; 2 is read".to_owned(),
    };
    assert_eq!(
        read(text.as_bytes(), None).map(|read| read.complete),
        Ok(incomplete)
    );
}

fn of_target(lists: &str) -> String {
    format!(r#"{{"SchemaVersion":2,"ArtifactName":".","Results":[{{"Target":"a",{lists}}}]}}"#)
}

#[test]
fn what_trivy_gives_no_severity_is_not_passed_over() {
    for (lists, id) in [
        (r#""Vulnerabilities":[{"VulnerabilityID":"CVE-1"}]"#, "CVE-1"),
        (r#""Misconfigurations":[{"ID":"DS001","Status":"FAIL"}]"#, "DS001"),
    ] {
        assert_eq!(
            reason(read_as(Format::Trivy, &of_target(lists))),
            format!("trivy's report has no `Severity` for `{id}`: it does not say how grave that is")
        );
    }
    let unknown = of_target(r#""Vulnerabilities":[{"VulnerabilityID":"CVE-1","Severity":"UNKNOWN"}]"#);
    let why = reason(read_as(Format::Trivy, &unknown));
    assert!(why.starts_with("complete: "), "{why}");
}

#[test]
fn of_a_source_that_is_there_twice_the_higher_score_counts() {
    for scores in [
        r#""nvd":{"V3Score":9.8},"nvd":{"V3Score":0.1}"#,
        r#""nvd":{"V3Score":0.1},"nvd":{"V3Score":9.8}"#,
    ] {
        let text = of_target(&format!(
            r#""Vulnerabilities":[{{"VulnerabilityID":"CVE-1","Severity":"LOW","SeveritySource":"nvd","CVSS":{{{scores}}}}}]"#
        ));
        assert_eq!(facts(Format::Trivy, &text).critical, 1);
    }
}
