//! Bills of materials.

use gateline_evidence::{Complete, Format, Read};
use gateline_model::{COMPONENTS_MAX, Facts, LICENCES_MAX, SbomFacts};
use test_case::test_case;

use crate::{complaint, read_as, reason};

fn bill_in(format: Format, text: &str) -> SbomFacts {
    match read_as(format, text) {
        Ok(Read {
            facts: Facts::Sbom(facts),
            ..
        }) => facts,
        other => panic!("no bill: {other:?}"),
    }
}

fn cyclonedx(more: &str) -> String {
    format!(r#"{{"bomFormat":"CycloneDX","specVersion":"1.6",{more}}}"#)
}

#[test]
fn components_in_components_are_components() {
    let bill = bill_in(
        Format::Cyclonedx,
        &cyclonedx(
            r#""components":[{"name":"a","components":[{"group":"@x","name":"b","version":"1"}]},{"name":"c"}]"#,
        ),
    );
    let mut names: Vec<_> = bill.components.iter().map(|one| one.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["@x/b", "a", "c"]);
    assert_eq!((bill.total, bill.without_version, bill.without_purl), (3, 2, 3));
}

#[test_case(r#"[{"license":{"id":"MIT"}}]"#, &["MIT"]; "by id")]
#[test_case(r#"[{"license":{"name":"Our own"}}]"#, &["Our own"]; "by name")]
#[test_case(r#"[{"expression":"MIT OR Apache-2.0"}]"#, &["MIT OR Apache-2.0"]; "as an expression")]
#[test_case(r#"[{"license":{"id":"MIT"}},{"license":{"name":"NOASSERTION"}}]"#, &["MIT"]; "a word that says nothing is none")]
#[test_case("[]", &[]; "none")]
fn licences_of_cyclonedx_are_read(json: &str, licences: &[&str]) {
    let bill = bill_in(
        Format::Cyclonedx,
        &cyclonedx(&format!(r#""components":[{{"name":"a","licenses":{json}}}]"#)),
    );
    assert_eq!(bill.components[0].licences, licences);
    assert_eq!(bill.without_licence, u64::from(licences.is_empty()));
}

#[test_case(r#""tools":[{"vendor":"x","name":"t","version":"1"}]"#; "as a list")]
#[test_case(r#""tools":{"components":[{"name":"t","version":"1"}]}"#; "as components")]
fn the_tools_and_the_subject_are_named(tools: &str) {
    let metadata = format!(r#""metadata":{{{tools},"component":{{"name":"app","version":"2"}}}}"#);
    let bill = bill_in(
        Format::Cyclonedx,
        &cyclonedx(&format!(r#"{metadata},"components":[{{"name":"a"}}]"#)),
    );
    assert_eq!(bill.tools, ["t 1"]);
    assert_eq!((bill.subject.as_deref(), bill.total), (Some("app 2"), 1));
}

#[test]
fn dependencies_are_told_where_one_thing_depends_on_another() {
    let with = |json: &str| {
        let more = format!(r#""components":[{{"name":"a"}}],"dependencies":{json}"#);
        bill_in(Format::Cyclonedx, &cyclonedx(&more)).relations
    };
    assert!(with(r#"[{"ref":"x","dependsOn":["a"]}]"#));
    assert!(!with(r#"[{"ref":"x"},{"ref":"a","dependsOn":[]}]"#));
}

#[test]
fn a_list_that_is_called_incomplete_is_a_warning() {
    let text = cyclonedx(r#""components":[{"name":"a"}],"compositions":[{"aggregate":"incomplete"}]"#);
    let read = read_as(Format::Cyclonedx, &text).expect("reads");
    assert_eq!(
        read.warnings,
        ["the document calls one of its lists `incomplete`"]
    );
}

fn spdx(packages: &str, relationships: &str) -> String {
    format!(
        r#"{{"spdxVersion":"SPDX-2.3","name":"doc","packages":[{packages}],"relationships":[{relationships}]}}"#
    )
}

const DESCRIBES_ROOT: &str =
    r#"{"spdxElementId":"SPDXRef-DOCUMENT","relatedSpdxElement":"r","relationshipType":"DESCRIBES"}"#;

#[test]
fn the_one_package_that_is_described_is_no_component() {
    let packages = r#"{"SPDXID":"r","name":"app","versionInfo":"1"},{"SPDXID":"a","name":"a"}"#;
    let bill = bill_in(Format::Spdx, &spdx(packages, DESCRIBES_ROOT));
    assert_eq!((bill.total, bill.subject.as_deref()), (1, Some("app 1")));
    let several = format!("{DESCRIBES_ROOT},{}", DESCRIBES_ROOT.replace("\"r\"", "\"a\""));
    let bill = bill_in(Format::Spdx, &spdx(packages, &several));
    assert_eq!((bill.total, bill.subject.as_deref()), (2, Some("doc")));
}

#[test_case("MIT", "Apache-2.0", &["MIT"]; "what was concluded wins")]
#[test_case("NOASSERTION", "Apache-2.0", &["Apache-2.0"]; "what was declared stands in")]
#[test_case("NONE", "NOASSERTION", &[]; "neither says anything")]
fn licences_of_spdx_are_read(concluded: &str, declared: &str, licences: &[&str]) {
    let package =
        format!(r#"{{"name":"a","licenseConcluded":"{concluded}","licenseDeclared":"{declared}"}}"#);
    let bill = bill_in(Format::Spdx, &spdx(&package, ""));
    assert_eq!(bill.components[0].licences, licences);
}

#[test]
fn the_package_url_is_found_behind_many_other_references() {
    let cpe = r#"{"referenceType":"cpe23Type","referenceLocator":"cpe:x"},"#.repeat(500);
    let package = format!(
        r#"{{"name":"a","externalRefs":[{cpe}{{"referenceType":"purl","referenceLocator":"pkg:npm/a@1"}}]}}"#
    );
    let bill = bill_in(Format::Spdx, &spdx(&package, ""));
    assert_eq!(bill.components[0].purl.as_deref(), Some("pkg:npm/a@1"));
}

#[test_case(Format::Cyclonedx, r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[]}"#; "an empty list")]
#[test_case(Format::Cyclonedx, r#"{"bomFormat":"CycloneDX","specVersion":"1.5"}"#; "no list")]
#[test_case(Format::Spdx, r#"{"spdxVersion":"SPDX-2.3","packages":[]}"#; "no package")]
fn it_is_incomplete_with(format: Format, text: &str) {
    assert_eq!(
        reason(read_as(format, text)),
        "the bill of materials lists no component: nobody looked, or nothing was found"
    );
}

#[test_case(Format::Cyclonedx, r#"{"bomFormat":"CycloneDX","specVersion":"9.9","components":[]}"#, "its `specVersion` is 9.9; CycloneDX 1.2, 1.3, 1.4, 1.5, 1.6, 1.7 are read"; "cyclonedx of the future")]
#[test_case(Format::Cyclonedx, r#"{"components":[]}"#, "its `bomFormat` is none, not CycloneDX"; "no cyclonedx")]
#[test_case(Format::Spdx, r#"{"spdxVersion":"SPDX-3.0"}"#, "its `spdxVersion` is SPDX-3.0; SPDX-2.2 and SPDX-2.3 are read"; "spdx of the future")]
fn it_is_malformed_with(format: Format, text: &str, why: &str) {
    let says = complaint(read_as(format, text));
    assert!(says.ends_with(why), "{says}");
}

#[test]
fn components_and_their_licences_keep_to_their_limits_and_counts_do_not() {
    let licences = [r#"{"license":{"id":"MIT"}}"#; LICENCES_MAX + 1].join(",");
    let component = format!(r#"{{"name":"a","licenses":[{licences}]}}"#);
    let components = vec![component; COMPONENTS_MAX + 1].join(",");
    let text = cyclonedx(&format!(r#""components":[{components}]"#));
    let bill = bill_in(Format::Cyclonedx, &text);
    assert_eq!(
        (bill.total, bill.components.len()),
        (COMPONENTS_MAX as u64 + 1, COMPONENTS_MAX)
    );
    assert_eq!(bill.components[0].licences.len(), LICENCES_MAX);
    assert!(!bill.all_kept());
}

#[test]
fn components_nested_without_end_are_refused() {
    let text = cyclonedx(&format!(
        r#""components":{}"#,
        r#"[{"components":"#.repeat(100_000)
    ));
    assert!(read_as(Format::Cyclonedx, &text).is_err());
}

#[test]
fn a_bill_with_vulnerabilities_is_still_a_bill() {
    let text = cyclonedx(r#""components":[{"name":"a"}],"vulnerabilities":[]"#);
    let read = gateline_evidence::read(text.as_bytes(), None).expect("reads");
    assert_eq!((read.format, read.complete), (Format::Cyclonedx, Complete::Yes));
}

#[test]
fn the_parts_of_what_a_bill_describes_are_components() {
    let text = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"component":{"name":"app","version":"1","components":[{"name":"hidden","licenses":[{"license":{"id":"AGPL-3.0-only"}}]}]}},"components":[{"name":"a"}]}"#;
    let read = crate::read_as(gateline_evidence::Format::Cyclonedx, text).expect("reads");
    let gateline_model::Facts::Sbom(facts) = read.facts else {
        panic!("no bill")
    };
    assert_eq!((facts.total, facts.subject.as_deref()), (2, Some("app 1")));
    assert_eq!(facts.components[0].licences, ["AGPL-3.0-only"]);
}

#[test_case(r#""components":{}"#; "an object")]
#[test_case(r#""components":{"name":"a"}"#; "one component without its list")]
#[test_case(r#""components":[[]]"#; "a list in the list")]
#[test_case(r#""components":[null]"#; "a list of nothing")]
#[test_case(r#""components":[{"name":"a","components":{}}]"#; "an object further in")]
fn what_is_no_list_of_components_is_refused(components: &str) {
    let says = complaint(read_as(Format::Cyclonedx, &cyclonedx(components)));
    assert!(
        says.starts_with("the cyclonedx report cannot be read at line 1"),
        "{says}"
    );
}

#[test_case(Format::Cyclonedx, &cyclonedx(r#""components":[{"name":"a"},{"version":"1","purl":"pkg:npm/b@1"}]"#); "cyclonedx")]
#[test_case(Format::Spdx, &spdx(r#"{"name":"a"},{"versionInfo":"1","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:npm/b@1"}]}"#, ""); "spdx")]
fn a_component_without_a_name_is_no_component(format: Format, text: &str) {
    assert_eq!(
        reason(read_as(format, text)),
        "a component (`pkg:npm/b@1`) has no `name`"
    );
}

#[test]
fn a_component_of_two_versions_contradicts_itself() {
    let text = cyclonedx(
        r#""components":[{"name":"log4j-core","version":"2.20.0","purl":"pkg:maven/org.apache.logging.log4j/log4j-core@2.14.0"}]"#,
    );
    assert_eq!(
        reason(read_as(Format::Cyclonedx, &text)),
        "the report contradicts itself: `log4j-core` has the version 2.20.0, and its package URL 2.14.0"
    );
}
