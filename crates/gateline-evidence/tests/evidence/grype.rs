//! Grype's JSON.

use gateline_evidence::Format;
use test_case::test_case;

use crate::findings::facts;
use crate::{read_as, reason};

fn with_database(db: &str) -> String {
    format!(r#"{{"matches":[],"descriptor":{{"name":"grype","db":{db}}}}}"#)
}

#[test_case(r#"{"status":{"built":"2026-11-20T06:12:00Z","valid":true}}"#; "as of version 0.88")]
#[test_case(r#"{"built":"2023-11-20T06:12:00Z","schemaVersion":5,"error":null}"#; "before")]
fn no_match_in_a_good_database_is_clean(db: &str) {
    let read = reason(read_as(Format::Grype, &with_database(db)));
    assert!(read.starts_with("complete: "), "{read}");
}

#[test_case("null", "grype does not say which database it asked"; "none")]
#[test_case(r#"{"status":{"built":"2026-11-20T06:12:00Z","valid":false}}"#, "grype says that its database is not valid"; "not valid")]
#[test_case(r#"{"status":{"built":"2026-11-20T06:12:00Z","error":"too old"}}"#, "grype's database is not good: too old"; "too old")]
#[test_case(r#"{"status":{"valid":true}}"#, "grype does not say when its database was built"; "of no date")]
fn it_is_incomplete_with_a_database(db: &str, why: &str) {
    assert_eq!(reason(read_as(Format::Grype, &with_database(db))), why);
}

#[test]
fn what_is_known_to_be_exploited_is_told() {
    let facts = facts(Format::Grype, include_str!("../samples/grype-synthetic.json"));
    let exploited = |finding: &gateline_model::Finding| finding.exploited;
    assert_eq!(
        facts.findings.iter().map(exploited).collect::<Vec<_>>(),
        [Some(true), None]
    );
    assert_eq!(facts.findings[0].cwe, ["CWE-94"]);
    assert_eq!(facts.findings[0].aliases, ["CVE-2021-23337"]);
}
