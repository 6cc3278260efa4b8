//! Each sample is known by its content, and says what its tool saw.

use gateline_evidence::{Complete, Format, read};
use test_case::test_case;

/// Every sample, for the tests that need them all.
pub(crate) const SAMPLES: [(&str, Format, &str); 12] = [
    (
        "junit-pytest",
        Format::Junit,
        include_str!("../samples/junit-pytest.xml"),
    ),
    (
        "junit-pytest-subtests",
        Format::Junit,
        include_str!("../samples/junit-pytest-subtests.xml"),
    ),
    (
        "junit-nextest",
        Format::Junit,
        include_str!("../samples/junit-nextest.xml"),
    ),
    (
        "junit-nextest-flaky",
        Format::Junit,
        include_str!("../samples/junit-nextest-flaky.xml"),
    ),
    (
        "junit-vitest",
        Format::Junit,
        include_str!("../samples/junit-vitest.xml"),
    ),
    (
        "pytest-cov",
        Format::Lcov,
        include_str!("../samples/pytest-cov.lcov"),
    ),
    ("llvmcov", Format::Lcov, include_str!("../samples/llvmcov.lcov")),
    ("ruff", Format::Sarif, include_str!("../samples/ruff.sarif")),
    ("semgrep", Format::Sarif, include_str!("../samples/semgrep.sarif")),
    ("eslint", Format::Sarif, include_str!("../samples/eslint.sarif")),
    (
        "hadolint",
        Format::Sarif,
        include_str!("../samples/hadolint.sarif"),
    ),
    ("checkov", Format::Sarif, include_str!("../samples/checkov.sarif")),
];

#[test]
fn every_sample_says_what_its_tool_saw() {
    for (name, format, text) in SAMPLES {
        let read = read(text.as_bytes(), None).expect("a sample is whole");
        assert_eq!(read.format, format, "{name}");
        assert_eq!(read.complete, Complete::Yes, "{name}");
        insta::assert_debug_snapshot!(name, read);
    }
}

#[test_case(Format::Junit)]
#[test_case(Format::Sarif)]
fn no_beginning_of_a_sample_is_read_as_a_whole(format: Format) {
    for (name, _, text) in SAMPLES.into_iter().filter(|sample| sample.1 == format) {
        let text = text.trim_end();
        // Every seventh: all of them would take the square of the length.
        for end in (0..text.len()).step_by(7) {
            let read = read(&text.as_bytes()[..end], Some(format));
            assert!(
                read.is_err(),
                "the first {end} bytes of {name} were read: {read:?}"
            );
        }
    }
}

#[test]
fn an_lcov_report_is_only_whole_after_a_record() {
    for (name, format, text) in SAMPLES.into_iter().filter(|sample| sample.1 == Format::Lcov) {
        for (end, _) in text.char_indices().skip(1) {
            let beginning = &text[..end];
            let whole = beginning.trim_end().ends_with("end_of_record");
            let read = read(beginning.as_bytes(), Some(format));
            assert_eq!(read.is_ok(), whole, "the first {end} bytes of {name}: {read:?}");
        }
    }
}
