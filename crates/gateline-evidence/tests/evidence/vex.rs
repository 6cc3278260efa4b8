//! OpenVEX, and CycloneDX as VEX.

use gateline_evidence::{Format, Read, read};
use gateline_model::{Facts, VEX_STATEMENTS_MAX, VexFacts, VexStatus};
use test_case::test_case;

use crate::{complaint, read_as, reason};

fn vex(format: Format, text: &str) -> VexFacts {
    match read_as(format, text) {
        Ok(Read {
            facts: Facts::Vex(facts),
            ..
        }) => facts,
        other => panic!("no VEX: {other:?}"),
    }
}

fn openvex(statements: &str) -> String {
    format!(r#"{{"@context":"https://openvex.dev/ns/v0.2.0","statements":[{statements}]}}"#)
}

#[test_case(include_str!("../samples/openvex-synthetic.json"), Format::OpenVex)]
#[test_case(include_str!("../samples/cyclonedx-vex-synthetic.json"), Format::CyclonedxVex)]
fn it_is_known_by_its_content(text: &str, format: Format) {
    assert_eq!(read(text.as_bytes(), None).map(|read| read.format), Ok(format));
    let facts = vex(format, text);
    assert_eq!(facts.author.as_deref(), Some("payments team"));
    let first = &facts.statements[0];
    assert_eq!(first.vulnerability, ["CVE-2021-23337", "GHSA-35jh-r3h4-6jhm"]);
    assert_eq!(first.status, VexStatus::NotAffected);
    assert!(first.justification.is_some());
    let names = first.products.iter().chain(&first.parts);
    assert_eq!(names.last().map(String::as_str), Some("pkg:npm/lodash@4.17.15"));
}

#[test]
fn a_cyclonedx_reference_is_the_package_that_it_names() {
    let facts = vex(
        Format::CyclonedxVex,
        include_str!("../samples/cyclonedx-vex-synthetic.json"),
    );
    assert_eq!(facts.statements[1].products, ["pkg:oci/app"]);
    assert_eq!(facts.statements[1].status, VexStatus::Affected);
    assert_eq!(
        facts.statements[2].status,
        VexStatus::UnderInvestigation,
        "no analysis clears nothing"
    );
}

#[test]
fn a_statement_about_parts_is_about_them_in_that_product_only() {
    let text = openvex(
        r#"{"vulnerability":"CVE-1","status":"fixed","products":[
            {"@id":"pkg:oci/app","subcomponents":[{"@id":"pkg:npm/a@1"},{"@id":"pkg:npm/b@1"}]},
            {"@id":"pkg:npm/c@1"}]}"#,
    );
    let told: Vec<_> = vex(Format::OpenVex, &text)
        .statements
        .into_iter()
        .map(|statement| (statement.products, statement.parts))
        .collect();
    let words = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        told,
        [
            (words(&["pkg:npm/c@1"]), words(&[])),
            (words(&["pkg:oci/app"]), words(&["pkg:npm/a@1", "pkg:npm/b@1"])),
        ]
    );
}

#[test]
fn names_may_stand_where_objects_do() {
    let old = openvex(r#"{"vulnerability":"CVE-1","products":["pkg:npm/a"],"status":"fixed"}"#);
    let facts = vex(Format::OpenVex, &old);
    assert_eq!(facts.statements[0].vulnerability, ["CVE-1"]);
    assert_eq!(facts.statements[0].products, ["pkg:npm/a"]);
}

#[test_case("not_affected", VexStatus::UnderInvestigation, "`CVE-1` is said not to matter, without a reason, which clears nothing"; "no reason")]
#[test_case("fixed", VexStatus::UnderInvestigation, "`CVE-1` is cleared for no product that is named, which clears nothing"; "no product")]
#[test_case("harmless", VexStatus::UnderInvestigation, "`harmless` is not a status of OpenVEX and clears nothing"; "an unknown status")]
fn what_is_odd_is_told(word: &str, status: VexStatus, warning: &str) {
    let text = openvex(&format!(
        r#"{{"vulnerability":{{"name":"CVE-1"}},"status":"{word}"}}"#
    ));
    assert_eq!(vex(Format::OpenVex, &text).statements[0].status, status);
    assert_eq!(
        read_as(Format::OpenVex, &text).expect("reads").warnings,
        [warning]
    );
}

#[test]
fn more_statements_than_are_kept_make_it_incomplete() {
    let one = r#"{"vulnerability":"CVE-1","status":"fixed"}"#;
    let text = |count: usize| openvex(&vec![one; count].join(","));
    assert!(reason(read_as(Format::OpenVex, &text(VEX_STATEMENTS_MAX))).starts_with("complete: "));
    assert_eq!(
        reason(read_as(Format::OpenVex, &text(VEX_STATEMENTS_MAX + 1))),
        "the document has 5001 statements; 5000 are read"
    );
    assert_eq!(
        reason(read_as(Format::OpenVex, &openvex(""))),
        "the document says nothing of any vulnerability"
    );
}

#[test]
fn another_document_is_refused() {
    let other = r#"{"@context":"https://schema.org","statements":[]}"#;
    let why = complaint(read(other.as_bytes(), None));
    assert!(
        why.ends_with("its `@context` is none of https://openvex.dev/ns"),
        "{why}"
    );
    let sbom = r#"{"bomFormat":"SPDX","vulnerabilities":[]}"#;
    let why = complaint(read_as(Format::CyclonedxVex, sbom));
    assert!(why.ends_with("its `bomFormat` is not CycloneDX"), "{why}");
}

#[test_case(r#""productsX":[{"@id":"pkg:npm/other@1"}]"#; "a misspelled list")]
#[test_case(r#""products":[]"#; "an empty list")]
#[test_case(r#""products":[{"name":"other"}]"#; "a product without a name that is known")]
#[test_case(r#""products":[""]"#; "an empty name")]
fn a_statement_about_no_product_is_not_about_every_one(products: &str) {
    let statement = |status: &str| {
        openvex(&format!(
            r#"{{"vulnerability":"CVE-1","status":"{status}","justification":"component_not_present",{products}}}"#
        ))
    };
    for status in ["not_affected", "fixed"] {
        let facts = vex(Format::OpenVex, &statement(status));
        assert_eq!(facts.statements[0].status, VexStatus::UnderInvestigation);
    }
    let facts = vex(Format::OpenVex, &statement("affected"));
    assert_eq!(facts.statements[0].status, VexStatus::Affected);
}

#[test]
fn nor_is_one_of_cyclonedx() {
    let text =
        r#"{"bomFormat":"CycloneDX","vulnerabilities":[{"id":"CVE-1","analysis":{"state":"resolved"}}]}"#;
    let facts = vex(Format::CyclonedxVex, text);
    assert_eq!(facts.statements[0].status, VexStatus::UnderInvestigation);
}
