//! Lists of exploited vulnerabilities, whole and wanting.

use gateline_evidence::{Complete, Format, Read, read};
use gateline_model::{EXPLOITED_MAX, ExploitedFacts, Facts};
use serde_json::{Value, json};
use test_case::test_case;

const SAMPLE: &str = include_str!("../samples/kev-synthetic.json");

fn facts(read: Read) -> ExploitedFacts {
    match read.facts {
        Facts::Exploited(facts) => facts,
        other => panic!("no list: {other:?}"),
    }
}

fn changed(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut list: Value = serde_json::from_str(SAMPLE).expect("the sample is JSON");
    change(&mut list);
    list.to_string().into_bytes()
}

#[test]
fn what_is_known_of_each_is_told() {
    let facts = facts(read(SAMPLE.as_bytes(), None).expect("reads"));
    let said: Vec<String> = facts.vulnerabilities.iter().map(|one| one.says()).collect();
    assert_eq!(
        said,
        [
            "exploited since 2026-11-03, to be mended by 2026-11-24, also in ransomware",
            "exploited since 2026-11-20, to be mended by 2026-12-11",
        ]
    );
}

#[test_case(|list| list["vulnerabilities"] = json!([]), "no vulnerability"; "an empty list")]
#[test_case(|list| list["count"] = json!(1500), "says that it has 1500 vulnerabilities, and has 2"; "a list that is cut short")]
#[test_case(|list| list["dateReleased"] = Value::Null, "how old it is"; "a list of no date")]
fn a_list_that_says_too_little_is_no_pass(change: fn(&mut Value), why: &str) {
    let Complete::No { reason } = read(&changed(change), None).expect("reads").complete else {
        panic!("it is taken as whole");
    };
    assert!(reason.contains(why), "{reason}");
}

#[test_case(|list| list["dateReleased"] = json!("yesterday"); "a date that is none")]
#[test_case(|list| drop(list["vulnerabilities"][0].as_object_mut().map(|one| one.remove("cveID"))); "a vulnerability without a name")]
#[test_case(|list| list["vulnerabilities"] = json!({"a": 1}); "no list at all")]
fn a_list_against_its_schema_is_refused(change: fn(&mut Value)) {
    let read = read(&changed(change), Some(Format::Kev));
    assert!(read.is_err(), "{read:?}");
}

#[test]
fn a_list_beyond_the_limit_is_no_pass() {
    let many = changed(|list| {
        let one = json!({"cveID": "CVE-2026-1"});
        list["count"] = json!(EXPLOITED_MAX + 1);
        list["vulnerabilities"] = Value::Array(vec![one; EXPLOITED_MAX + 1]);
    });
    let read = read(&many, None).expect("reads");
    assert!(matches!(read.complete, Complete::No { .. }));
    assert_eq!(facts(read).vulnerabilities.len(), EXPLOITED_MAX);
}
