//! In-toto statements, DSSE envelopes and Sigstore bundles: what they say, before anybody looks at a signature.

use gateline_evidence::{Format, Read, WHOLE_BYTES_MAX};
use gateline_model::{
    AttestationFacts, Facts, PARAMETERS_BYTES_MAX, Provenance, STATEMENTS_MAX, SUBJECTS_MAX, Signature,
};
use serde_json::{Value, json};
use test_case::test_case;

use crate::signing::{SUBJECT, envelope, provenance, statement};
use crate::{complaint, read_as, reason};

fn facts(read: Read) -> AttestationFacts {
    match read.facts {
        Facts::Attestation(facts) => facts,
        other => panic!("no attestation: {other:?}"),
    }
}

fn told(statement: &Value) -> Provenance {
    let read = read_as(Format::InToto, &statement.to_string()).expect("reads");
    let statements = facts(read).statements;
    statements[0].provenance.clone().expect("a provenance")
}

#[test]
fn what_is_merely_read_is_unchecked() {
    let read = read_as(Format::Dsse, &envelope(&statement(json!({}))).to_string()).expect("reads");
    assert_eq!(facts(read).statements[0].signature, Signature::Unchecked);
}

#[test]
fn inputs_are_the_same_whoever_built_and_whenever() {
    let mut other = provenance();
    other["predicate"]["runDetails"] = json!({"builder": {"id": "https://elsewhere.example"}, "metadata": {"invocationId": "2", "startedOn": "2026-01-01T00:00:00Z"}});
    assert_ne!(told(&provenance()).builder, told(&other).builder);
    assert_eq!(told(&provenance()).inputs, told(&other).inputs);
    assert!(told(&other).inputs.is_some());
}

#[test_case("/predicate/buildDefinition/buildType", json!("https://acme.example/other"); "the build type")]
#[test_case("/predicate/buildDefinition/externalParameters/workflow/path", json!("other.yml"); "a parameter")]
#[test_case("/predicate/buildDefinition/resolvedDependencies/0/digest/gitCommit", json!("00"); "the commit")]
fn inputs_differ_with(path: &str, value: Value) {
    let mut other = provenance();
    *other.pointer_mut(path).expect("is there") = value;
    assert_ne!(told(&provenance()).inputs, told(&other).inputs);
}

#[test]
fn inputs_do_not_depend_on_the_order_of_dependencies() {
    let with = |dependencies: Value| {
        let mut statement = provenance();
        statement["predicate"]["buildDefinition"]["resolvedDependencies"] = dependencies;
        told(&statement).inputs
    };
    let (one, other) = (
        json!({"digest": {"sha256": "aa"}}),
        json!({"digest": {"sha256": "bb"}}),
    );
    assert_eq!(with(json!([one, other])), with(json!([other, one])));
    assert_eq!(
        with(json!([{"uri": "git+https://acme.example/app"}])),
        None,
        "nothing is pinned"
    );
    assert_eq!(with(json!(null)), None);
}

#[test]
fn source_ref_and_commit_are_told() {
    let told = told(&provenance());
    assert_eq!(told.source.as_deref(), Some("https://github.com/acme/app"));
    assert_eq!(told.source_ref.as_deref(), Some("refs/heads/main"));
    assert_eq!(
        told.commit.as_deref(),
        Some("f0b49a04e5a62250e0f60fb128004a73110fe311")
    );
    assert_eq!(told.parameters.keys().collect::<Vec<_>>(), ["workflow"]);
}

#[test_case("{\"a\":1}", "no in-toto statement"; "another document")]
#[test_case("{\"_type\":\"https://example.com/x\",\"subject\":[]}", "`https://example.com/x`, which is no in-toto statement"; "another type")]
#[test_case("{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{\"digest\":{\"sha1\":\"aa\"}}],\"predicateType\":\"x\"}", "no subject has a SHA-256 digest"; "no digest that counts")]
#[test_case("{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{\"digest\":{\"sha256\":\"aa\"}}],\"predicateType\":\"x\"}", "no subject has a SHA-256 digest"; "half a digest")]
#[test_case("{\"_type\":\"https://in-toto.io/Statement/v1\",\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[]}", "duplicate field"; "a key twice")]
fn a_payload_that_says_too_little_is_incomplete(payload: &str, why: &str) {
    let text = envelope(payload).to_string();
    let says = reason(read_as(Format::Dsse, &text));
    // The first row has no `_type` at all, which the parser words.
    assert!(
        says.contains(why) || says.contains("missing field `_type`"),
        "{says}"
    );
}

#[test_case(json!({"builder": {"id": ""}}), "the provenance names no builder"; "no builder")]
#[test_case(json!({}), "missing field `builder`"; "not even an empty one")]
fn provenance_without_a_builder_is_incomplete(run: Value, why: &str) {
    let mut statement = provenance();
    statement["predicate"]["runDetails"] = run;
    let says = reason(read_as(Format::InToto, &statement.to_string()));
    assert_eq!(says, format!("statement 1: {why}"));
}

#[test_case("https://in-toto.io/attestation/test-result/v0.1", json!({"result": "FAILED", "configuration": []}), "FAILED")]
#[test_case("https://in-toto.io/attestation/test-result/v0.1", json!({"result": "PASSED", "failedTests": []}), "PASSED"; "no failed test")]
#[test_case("https://in-toto.io/attestation/test-result/v0.1", json!({"result": "PASSED", "failedTests": ["a"]}), "FAILED"; "a failed test beside a pass")]
#[test_case("https://slsa.dev/verification_summary/v1", json!({"verificationResult": "PASSED"}), "PASSED")]
#[test_case("https://slsa.dev/verification_summary/v2", json!({"verificationResult": "FAILED"}), "FAILED"; "a version to come")]
#[test_case("https://slsa.dev/verification_summary/v0.2", json!({"verification_result": "FAILED"}), "FAILED"; "a version before")]
#[test_case("https://in-toto.io/attestation/vulns/v0.2", json!({"scanner": {"result": []}}), "0 vulnerabilities")]
fn a_result_is_kept(of: &str, predicate: Value, result: &str) {
    let text = json!({"_type": "https://in-toto.io/Statement/v1", "subject": [{"digest": {"sha256": SUBJECT}}], "predicateType": of, "predicate": predicate});
    let read = read_as(Format::InToto, &text.to_string()).expect("reads");
    assert_eq!(facts(read).statements[0].result.as_deref(), Some(result));
}

#[test]
fn a_scanner_without_a_list_did_not_look() {
    let text = json!({"_type": "https://in-toto.io/Statement/v1", "subject": [{"digest": {"sha256": SUBJECT}}], "predicateType": "https://in-toto.io/attestation/vulns/v0.2", "predicate": {"scanner": {"uri": "x"}}});
    let says = reason(read_as(Format::InToto, &text.to_string()));
    assert!(says.ends_with("it did not look"), "{says}");
}

#[test]
fn parameters_are_limited() {
    let with = |bytes: usize| {
        let mut statement = provenance();
        statement["predicate"]["buildDefinition"]["externalParameters"] = json!({"a": "x".repeat(bytes - 8)});
        read_as(Format::InToto, &statement.to_string())
    };
    assert_eq!(
        facts(with(PARAMETERS_BYTES_MAX).expect("reads")).statements[0]
            .provenance
            .as_ref()
            .map(|told| told.parameters.len()),
        Some(1)
    );
    let says = reason(with(PARAMETERS_BYTES_MAX + 1));
    assert!(says.ends_with("bytes of JSON; 65536 are read"), "{says}");
}

#[test]
fn statements_and_subjects_are_limited() {
    let one = envelope(&statement(json!({}))).to_string();
    let many = |count: usize| read_as(Format::Dsse, &vec![one.as_str(); count].join("\n"));
    assert!(reason(many(STATEMENTS_MAX)).starts_with("complete"));
    let says = reason(many(STATEMENTS_MAX + 1));
    assert!(
        says.starts_with("the file has 101 statements; 100 are read"),
        "{says}"
    );

    let mut wide: Value = serde_json::from_str(&statement(json!({}))).expect("is JSON");
    wide["subject"] = Value::Array(vec![json!({"digest": {"sha256": SUBJECT}}); SUBJECTS_MAX + 1]);
    let read = read_as(Format::InToto, &wide.to_string()).expect("reads");
    assert_eq!(
        read.warnings,
        ["statement 1: of 101 subjects the first 100 are shown"]
    );
    assert_eq!(facts(read).statements[0].subjects.len(), SUBJECTS_MAX);
}

#[test]
fn a_huge_payload_is_refused_unread() {
    let text = envelope(&"x".repeat(WHOLE_BYTES_MAX)).to_string();
    let says = complaint(read_as(Format::Dsse, &text));
    assert!(says.contains("this format is read up to"), "{says}");
}

#[test_case("application/vnd.dev.sigstore.bundle+json;version=0.1", true)]
#[test_case("application/vnd.dev.sigstore.bundle.v0.3+json", true)]
#[test_case("application/vnd.dev.sigstore.bundle.v0.9+json", false)]
fn bundles_are_known_by_their_version(of: &str, is_known: bool) {
    let text = json!({"mediaType": of, "verificationMaterial": {"publicKey": {"hint": ""}}, "dsseEnvelope": envelope(&statement(json!({})))});
    let says = reason(read_as(Format::SigstoreBundle, &text.to_string()));
    assert_eq!(says.starts_with("complete"), is_known, "{says}");
}

#[test]
fn deep_nesting_is_refused() {
    let deep = "[".repeat(100_000);
    let says = complaint(read_as(Format::InToto, &format!("{{\"_type\":{deep}")));
    assert!(says.contains("recursion limit"), "{says}");
}
