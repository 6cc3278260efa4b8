//! Every named limit, from both sides, and input that is no report at all.

use gateline_evidence::{
    EVIDENCE_BYTES_MAX, Format, Read, ReadError, XML_ATTRIBUTES_MAX, XML_DEPTH_MAX, read,
};
use gateline_model::{
    FAILED_CASES_MAX, FINDINGS_MAX, Facts, MESSAGE_CHARS_MAX, NAME_CHARS_MAX, SUITES_MAX, TOOLS_MAX,
};
use test_case::test_case;

use crate::{complaint, read_as};

#[test]
fn a_report_over_the_byte_limit_is_refused_unread() {
    let spaces = vec![b' '; EVIDENCE_BYTES_MAX + 1];
    assert_eq!(
        read(&spaces, None),
        Err(ReadError::TooLarge {
            bytes: EVIDENCE_BYTES_MAX + 1
        })
    );
    assert!(matches!(
        read(&spaces[1..], None),
        Err(ReadError::Unrecognised { .. })
    ));
}

#[test_case(b"", "the report is empty; see whether the tool ran to its end"; "nothing")]
#[test_case(b"%PDF-1.7", "the format is not known by its content, which begins with `%PDF-1.7`;"; "another format")]
fn what_is_no_report_is_told(bytes: &[u8], why: &str) {
    let says = complaint(read(bytes, None));
    assert!(says.starts_with(why.trim_end_matches(';')), "{says}");
}

#[test_case(r#"{"dependencies":[{"name":"a","version":"1","vul"#; "pip-audit")]
#[test_case(r#"{"vulnerabilities":{"a":{"severity":"high","via":["#; "npm audit")]
#[test_case(r#"{"summary":{"total":2,"#; "oha")]
#[test_case("["; "a list that only begins")]
fn json_that_is_cut_before_it_tells_its_format_is_told_to_be_cut(text: &str) {
    let says = complaint(read(text.as_bytes(), None));
    assert!(says.starts_with("the JSON is cut off"), "{says}");
    assert!(!says.contains("name it"), "{says}");
}

#[test_case(r#"{"a":1}"#; "an object")]
#[test_case("{a"; "what is against the rules of JSON")]
fn json_that_is_not_cut_is_to_be_named(text: &str) {
    let says = complaint(read(text.as_bytes(), None));
    assert!(says.contains("name it, one of"), "{says}");
}

#[test]
fn xml_depth_is_limited() {
    let nested = |depth: usize| "<testsuite>".repeat(depth) + &"</testsuite>".repeat(depth);
    assert!(read_as(Format::Junit, &nested(XML_DEPTH_MAX)).is_ok());
    let why = complaint(read_as(Format::Junit, &nested(XML_DEPTH_MAX + 1)));
    assert!(why.ends_with("elements nested deeper than 64"), "{why}");
}

#[test]
fn countless_open_elements_are_refused_at_the_depth_limit() {
    let why = complaint(read_as(Format::Junit, &"<testsuite>".repeat(500_000)));
    assert!(why.contains("line 1, byte 704"), "{why}");
}

#[test]
fn attributes_of_one_element_are_limited() {
    let with = |count: usize| {
        let attributes: String = (0..count).map(|n| format!(" a{n}=''")).collect();
        format!("<testsuite{attributes}/>")
    };
    assert!(read_as(Format::Junit, &with(XML_ATTRIBUTES_MAX)).is_ok());
    let why = complaint(read_as(Format::Junit, &with(XML_ATTRIBUTES_MAX + 1)));
    assert!(why.ends_with("more than 64 attributes"), "{why}");
}

#[test]
fn lists_and_texts_of_tests_keep_to_their_limits_and_counts_do_not() {
    let long = "n".repeat(10_000);
    let case = format!("<testcase name='{long}' file='{long}'><failure message='{long}'/></testcase>");
    let suites: String = (0..SUITES_MAX + 50)
        .map(|n| format!("<testsuite name='{n}{long}'>{case}</testsuite>"))
        .collect();
    let Ok(Read {
        facts: Facts::Tests(facts),
        ..
    }) = read_as(Format::Junit, &format!("<testsuites>{suites}</testsuites>"))
    else {
        panic!("reads");
    };
    assert_eq!(facts.failed, SUITES_MAX as u64 + 50);
    assert_eq!(
        (facts.suites.len(), facts.failed_cases.len()),
        (SUITES_MAX, FAILED_CASES_MAX)
    );
    let first = &facts.failed_cases[0];
    assert_eq!(facts.suites[0].chars().count(), NAME_CHARS_MAX);
    assert_eq!(first.name.chars().count(), NAME_CHARS_MAX);
    assert_eq!(
        first.file.as_deref().map(|file| file.chars().count()),
        Some(NAME_CHARS_MAX)
    );
    assert_eq!(first.message.chars().count(), MESSAGE_CHARS_MAX);
}

#[test]
fn lists_and_texts_of_findings_keep_to_their_limits_and_counts_do_not() {
    let long = "n".repeat(1_000);
    let result = format!(r#"{{"ruleId":"{long}","message":{{"text":"{long}"}}}}"#);
    let runs: Vec<_> = (0..TOOLS_MAX + FINDINGS_MAX)
        .map(|n| format!(r#"{{"tool":{{"driver":{{"name":"{n}{long}"}}}},"results":[{result}]}}"#))
        .collect();
    let text = format!(r#"{{"version":"2.1.0","runs":[{}]}}"#, runs.join(","));
    let Ok(Read {
        facts: Facts::Findings(facts),
        ..
    }) = read_as(Format::Sarif, &text)
    else {
        panic!("reads")
    };
    assert_eq!(facts.warnings, (TOOLS_MAX + FINDINGS_MAX) as u64);
    assert_eq!(
        (facts.tools.len(), facts.findings.len()),
        (TOOLS_MAX, FINDINGS_MAX)
    );
    assert_eq!(
        facts.findings[0].rule.as_deref().map(|rule| rule.chars().count()),
        Some(NAME_CHARS_MAX)
    );
    assert_eq!(facts.findings[0].message.chars().count(), MESSAGE_CHARS_MAX);
}

#[test_case(b"\xff\xfe{\0\"\0", "it is UTF-16: write it as UTF-8"; "UTF-16 with a mark")]
#[test_case(b"\xfe\xff\0{\0\"", "it is UTF-16: write it as UTF-8"; "UTF-16 with a mark, the other way round")]
#[test_case(b"{\0\"\0", "it is UTF-16: write it as UTF-8"; "UTF-16 without a mark")]
#[test_case(b"\0<\0?", "it is UTF-16: write it as UTF-8"; "UTF-16 without a mark, the other way round")]
#[test_case(b"\x1f\x8b\x08\x00", "it is compressed (gzip): unpack it first"; "gzip")]
#[test_case(b"PK\x03\x04\x14", "it is compressed (zip): unpack it first"; "zip")]
#[test_case(b"\x28\xb5\x2f\xfd\x04", "it is compressed (zstd): unpack it first"; "zstd")]
fn what_is_no_text_of_utf_8_tells_what_to_do_first(bytes: &[u8], why: &str) {
    for format in [None, Some(Format::Bandit), Some(Format::Junit), Some(Format::Wrk)] {
        let says = complaint(read(bytes, format));
        assert!(says.ends_with(why), "{format:?}: {says}");
    }
    assert!(read(bytes, Some(Format::SignedFile)).is_ok());
}
