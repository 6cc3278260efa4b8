//! Each sample is known by its content, and says what its tool saw.

use gateline_evidence::{Complete, Format, ReadError, read};
use test_case::test_case;

/// A sample by its name, with its format and its text.
pub(crate) type Sample = (&'static str, Format, &'static str);

/// Every sample, for the tests that need them all.
pub(crate) const SAMPLES: &[Sample] = &[
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
    (
        "trivy-sarif",
        Format::Sarif,
        include_str!("../samples/trivy.sarif"),
    ),
    (
        "gitleaks-sarif",
        Format::Sarif,
        include_str!("../samples/gitleaks.sarif"),
    ),
    (
        "spectral",
        Format::Sarif,
        include_str!("../samples/spectral.sarif"),
    ),
    (
        "kingfisher",
        Format::Sarif,
        include_str!("../samples/kingfisher.sarif"),
    ),
    ("bandit", Format::Bandit, include_str!("../samples/bandit.json")),
    (
        "checkov-json",
        Format::Checkov,
        include_str!("../samples/checkov.json"),
    ),
    (
        "eslint-json",
        Format::Eslint,
        include_str!("../samples/eslint.json"),
    ),
    (
        "gitleaks",
        Format::Gitleaks,
        include_str!("../samples/gitleaks.json"),
    ),
    (
        "hadolint-json",
        Format::Hadolint,
        include_str!("../samples/hadolint.json"),
    ),
    (
        "semgrep-json",
        Format::Semgrep,
        include_str!("../samples/semgrep.json"),
    ),
    ("trivy", Format::Trivy, include_str!("../samples/trivy.json")),
    (
        "trivy-vulnerabilities-synthetic",
        Format::Trivy,
        include_str!("../samples/trivy-vulnerabilities-synthetic.json"),
    ),
    (
        "grype-synthetic",
        Format::Grype,
        include_str!("../samples/grype-synthetic.json"),
    ),
    (
        "npm-audit-synthetic",
        Format::NpmAudit,
        include_str!("../samples/npm-audit-synthetic.json"),
    ),
    (
        "osv-scanner-synthetic",
        Format::OsvScanner,
        include_str!("../samples/osv-scanner-synthetic.json"),
    ),
    (
        "pip-audit-synthetic",
        Format::PipAudit,
        include_str!("../samples/pip-audit-synthetic.json"),
    ),
    (
        "openvex-synthetic",
        Format::OpenVex,
        include_str!("../samples/openvex-synthetic.json"),
    ),
    (
        "cyclonedx-vex-synthetic",
        Format::CyclonedxVex,
        include_str!("../samples/cyclonedx-vex-synthetic.json"),
    ),
    (
        "cobertura-pytest",
        Format::Cobertura,
        include_str!("../samples/cobertura-pytest.xml"),
    ),
    (
        "cobertura-vitest",
        Format::Cobertura,
        include_str!("../samples/cobertura-vitest.xml"),
    ),
    (
        "cobertura-gcovr",
        Format::Cobertura,
        include_str!("../samples/cobertura-gcovr.xml"),
    ),
    (
        "cobertura-coverlet-synthetic",
        Format::Cobertura,
        include_str!("../samples/cobertura-coverlet-synthetic.xml"),
    ),
    (
        "coverage-py",
        Format::CoveragePy,
        include_str!("../samples/coverage-py.json"),
    ),
    ("git", Format::Diff, include_str!("../samples/git.diff")),
    (
        "git-binary",
        Format::Diff,
        include_str!("../samples/git-binary.diff"),
    ),
    (
        "kev-synthetic",
        Format::Kev,
        include_str!("../samples/kev-synthetic.json"),
    ),
    ("jacoco", Format::Jacoco, include_str!("../samples/jacoco.xml")),
    (
        "libtest",
        Format::Libtest,
        include_str!("../samples/libtest.jsonl"),
    ),
    (
        "libtest-nextest",
        Format::Libtest,
        include_str!("../samples/libtest-nextest.jsonl"),
    ),
    (
        "libtest-nextest-flaky",
        Format::Libtest,
        include_str!("../samples/libtest-nextest-flaky.jsonl"),
    ),
    (
        "cyclonedx-cargo",
        Format::Cyclonedx,
        include_str!("../samples/cyclonedx-cargo.json"),
    ),
    (
        "cyclonedx-py",
        Format::Cyclonedx,
        include_str!("../samples/cyclonedx-py.json"),
    ),
    (
        "cyclonedx-syft",
        Format::Cyclonedx,
        include_str!("../samples/cyclonedx-syft.json"),
    ),
    (
        "cyclonedx-trivy",
        Format::Cyclonedx,
        include_str!("../samples/cyclonedx-trivy.json"),
    ),
    (
        "spdx-syft",
        Format::Spdx,
        include_str!("../samples/spdx-syft.json"),
    ),
    ("k6-data", Format::K6, include_str!("../samples/k6-data.json")),
    ("k6-export", Format::K6, include_str!("../samples/k6-export.json")),
    (
        "k6-export-crossed",
        Format::K6,
        include_str!("../samples/k6-export-crossed.json"),
    ),
    ("oha", Format::Oha, include_str!("../samples/oha.json")),
    ("wrk", Format::Wrk, include_str!("../samples/wrk.txt")),
    (
        "wrk-refused",
        Format::Wrk,
        include_str!("../samples/wrk-refused.txt"),
    ),
    ("hey", Format::Hey, include_str!("../samples/hey.txt")),
    ("hey-csv", Format::Hey, include_str!("../samples/hey.csv")),
    (
        "autocannon",
        Format::Autocannon,
        include_str!("../samples/autocannon.json"),
    ),
    ("locust", Format::Locust, include_str!("../samples/locust.json")),
    (
        "locust-stats",
        Format::Locust,
        include_str!("../samples/locust-stats.csv"),
    ),
    (
        "terraform-plan",
        Format::TerraformPlan,
        include_str!("../samples/terraform-plan.json"),
    ),
    (
        "terraform-plan-replace",
        Format::TerraformPlan,
        include_str!("../samples/terraform-plan-replace.json"),
    ),
    (
        "dsse-synthetic",
        Format::Dsse,
        include_str!("../samples/dsse-synthetic.intoto.jsonl"),
    ),
    (
        "in-toto-synthetic",
        Format::InToto,
        include_str!("../samples/in-toto-synthetic.json"),
    ),
    (
        "sigstore-bundle-key",
        Format::SigstoreBundle,
        include_str!("../samples/sigstore-bundle-key.json"),
    ),
    (
        "sigstore-bundle-provenance",
        Format::SigstoreBundle,
        include_str!("../samples/sigstore-bundle-provenance.json"),
    ),
    (
        "sigstore-bundle-vsa-synthetic",
        Format::SigstoreBundle,
        include_str!("../samples/sigstore-bundle-vsa-synthetic.json"),
    ),
];

#[test]
fn every_sample_says_what_its_tool_saw() {
    for (name, format, text) in SAMPLES.iter().copied() {
        let read = read(text.as_bytes(), None).expect("a sample is whole");
        assert_eq!(read.format, format, "{name}");
        assert_eq!(read.complete, Complete::Yes, "{name}");
        insta::assert_debug_snapshot!(name, read);
    }
}

#[test_case(Format::Cobertura)]
#[test_case(Format::CoveragePy)]
#[test_case(Format::Jacoco)]
#[test_case(Format::Junit)]
#[test_case(Format::Sarif)]
#[test_case(Format::Bandit)]
#[test_case(Format::Checkov)]
#[test_case(Format::CyclonedxVex)]
#[test_case(Format::Eslint)]
#[test_case(Format::Gitleaks)]
#[test_case(Format::Grype)]
#[test_case(Format::Kev)]
#[test_case(Format::Hadolint)]
#[test_case(Format::NpmAudit)]
#[test_case(Format::OpenVex)]
#[test_case(Format::OsvScanner)]
#[test_case(Format::PipAudit)]
#[test_case(Format::Semgrep)]
#[test_case(Format::Trivy)]
#[test_case(Format::Autocannon)]
#[test_case(Format::Cyclonedx)]
#[test_case(Format::K6)]
#[test_case(Format::Locust)]
#[test_case(Format::Oha)]
#[test_case(Format::Spdx)]
#[test_case(Format::TerraformPlan)]
#[test_case(Format::InToto)]
#[test_case(Format::SigstoreBundle)]
#[test_case(Format::Wrk)]
fn no_beginning_of_a_sample_is_read_as_a_whole(format: Format) {
    for (name, _, text) in SAMPLES.iter().copied().filter(|sample| sample.1 == format) {
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
    for (name, format, text) in SAMPLES.iter().copied().filter(|sample| sample.1 == Format::Lcov) {
        for (end, _) in text.char_indices().skip(1) {
            let beginning = &text[..end];
            let whole = beginning.trim_end().ends_with("end_of_record");
            let read = read(beginning.as_bytes(), Some(format));
            assert_eq!(read.is_ok(), whole, "the first {end} bytes of {name}: {read:?}");
        }
    }
}

#[test]
fn a_test_run_is_only_whole_after_a_suite() {
    for (name, format, text) in SAMPLES
        .iter()
        .copied()
        .filter(|sample| sample.1 == Format::Libtest)
    {
        let ends = text.lines().scan(0, |end, line| {
            *end += line.len() + 1;
            Some((*end, line.contains("\"suite\"") && !line.contains("started")))
        });
        let ends: Vec<_> = ends.collect();
        for end in 1..text.len() {
            let whole = ends
                .iter()
                .any(|(at, suite)| *suite && (*at == end || *at == end + 1));
            let read = read(&text.as_bytes()[..end], Some(format));
            assert_eq!(read.is_ok(), whole, "the first {end} bytes of {name}: {read:?}");
        }
    }
}

#[test]
fn a_patch_is_cut_off_inside_of_a_hunk() {
    let text = "--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n one\n+two\n three\n";
    for end in 33..text.len() - 8 {
        let read = read(&text.as_bytes()[..end], Some(Format::Diff));
        assert!(
            matches!(read, Err(ReadError::Truncated { .. })),
            "the first {end} bytes: {read:?}"
        );
    }
}

#[test]
fn every_format_has_its_row_in_the_reference() {
    let page = include_str!("../../../../docs/reference/evidence-formats.md");
    for format in Format::ALL {
        let row = format!("\n| `{format}` | {} | {} |\n", format.kind(), format.title());
        assert!(
            page.contains(&row),
            "docs/reference/evidence-formats.md needs the row {row}"
        );
    }
}
