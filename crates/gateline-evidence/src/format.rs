//! The table of formats: one file and one line each, and how a report is known by its content.

use std::fmt;
use std::str::FromStr;

use crate::error::Fault;
use crate::head::Head;
use crate::input::Input;
use crate::read::Body;

/// What one format is.
pub(crate) struct FormatRow {
    /// The word for it on the command line and in the API.
    pub(crate) name: &'static str,
    /// The kind of facts that it has, as [`Facts::kind`](gateline_model::Facts::kind) calls it.
    pub(crate) kind: &'static str,
    /// What it is, for the reference: `JUnit XML, as pytest, nextest, vitest and most test runners write it`.
    pub(crate) title: &'static str,
    /// Whether a report that begins like this is of this format. At most one format may say so.
    pub(crate) knows: fn(&Head<'_>) -> bool,
    /// Reads a report.
    pub(crate) read: fn(&mut Input<'_>) -> Result<Body, Fault>,
}

macro_rules! formats {
    ($($format:ident = $($file:ident)::+),* $(,)?) => {
        /// A format of tool output.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Format {
            $(#[doc = concat!("See `", stringify!($($file)::+), "`.")] $format),*
        }

        impl Format {
            /// Every format, in the order in which messages name them.
            pub const ALL: &[Format] = &[$(Format::$format),*];

            pub(crate) fn row(self) -> &'static FormatRow {
                match self {
                    $(Format::$format => &crate::$($file)::+::FORMAT),*
                }
            }
        }
    };
}

formats! {
    Autocannon = performance::autocannon,
    Bandit = bandit,
    Checkov = checkov,
    Cobertura = cobertura,
    CosignSignature = attestation::cosign,
    CoveragePy = coverage_py,
    Cyclonedx = sbom::cyclonedx,
    CyclonedxVex = vex::cyclonedx,
    Diff = diff,
    Dsse = attestation::dsse,
    Eslint = eslint,
    Gitleaks = gitleaks,
    Grype = grype,
    Hadolint = hadolint,
    Hey = performance::hey,
    InToto = attestation::in_toto,
    Jacoco = jacoco,
    Json = custom,
    Junit = junit,
    K6 = performance::k6,
    Kev = kev,
    Lcov = lcov,
    Libtest = libtest,
    Locust = performance::locust,
    Minisign = attestation::beside::minisign,
    NpmAudit = npm_audit,
    Oha = performance::oha,
    OpenVex = vex::openvex,
    OsvScanner = osv_scanner,
    PipAudit = pip_audit,
    Sarif = sarif,
    Semgrep = semgrep,
    SignedFile = attestation::beside::file,
    SigstoreBundle = attestation::bundle,
    Spdx = sbom::spdx,
    SshSignature = attestation::beside::ssh,
    TerraformPlan = terraform,
    Trivy = trivy,
    Wrk = performance::wrk,
}

impl Format {
    /// The word for it on the command line and in the API.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The kind of facts that it has, as [`Facts::kind`](gateline_model::Facts::kind) calls it.
    pub fn kind(self) -> &'static str {
        self.row().kind
    }

    /// What it is and who writes it, in one line.
    pub fn title(self) -> &'static str {
        self.row().title
    }

    pub(crate) fn known() -> String {
        let names: Vec<_> = Format::ALL.iter().map(|format| format!("`{format}`")).collect();
        names.join(", ")
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a format that is read; use one of {known}", known = Format::known())]
pub struct UnknownFormat(pub String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(word: &str) -> Result<Format, UnknownFormat> {
        let named = Format::ALL.iter().copied().find(|format| format.name() == word);
        named.ok_or_else(|| UnknownFormat(word.chars().take(40).collect()))
    }
}

/// The format that knows this head; `None` if none does. The file name is never asked.
pub(crate) fn of(head: &Head<'_>) -> Option<Format> {
    Format::ALL
        .iter()
        .copied()
        .find(|format| (format.row().knows)(head))
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case("<?xml version='1.0'?><testsuites/>", Some(Format::Junit); "a root of suites")]
    #[test_case("\u{feff} <testsuite/>", Some(Format::Junit); "a byte order mark before a single suite")]
    #[test_case("<!-- a comment --><other/>", None; "other XML")]
    #[test_case("TN:\nSF:a.py\n", Some(Format::Lcov); "a test name before the first file")]
    #[test_case("# made by hand\nSF:a.py\n", Some(Format::Lcov); "a comment before the first file")]
    #[test_case("{\"version\":\"2.1.0\",\"runs\":[]}", Some(Format::Sarif); "an object with runs")]
    #[test_case("{\"a\":{\"runs\":[]}}", None; "runs further in")]
    #[test_case("{\"results\":\"\\\"runs\"}", None; "another JSON object")]
    #[test_case("<?xml version='1.0'?><!DOCTYPE coverage SYSTEM 'x'><coverage line-rate='0.5'>", Some(Format::Cobertura); "a root of coverage with rates")]
    #[test_case("<coverage generated='1'><project/></coverage>", None; "Clover")]
    #[test_case("<!DOCTYPE report PUBLIC '-//JACOCO//DTD Report 1.1//EN' 'report.dtd'><report name='a'>", Some(Format::Jacoco); "a root of JaCoCo")]
    #[test_case("<report/>", None; "any other report")]
    #[test_case("{\"meta\":{\"format\":3},\"files\":{},\"totals\":{}}", Some(Format::CoveragePy); "an object of covered files")]
    #[test_case("{ \"type\": \"suite\", \"event\": \"started\", \"test_count\": 1 }\n", Some(Format::Libtest); "an event of a test run")]
    #[test_case("diff --git a/x b/x\nold mode 100644", Some(Format::Diff); "a line of git diff")]
    #[test_case("From 1234 Mon Sep 17\nSubject: x\n\n--- a/x\n+++ b/x\n", Some(Format::Diff); "a pair of paths")]
    #[test_case("--- a\n", None; "half a pair")]
    #[test_case("", None; "nothing")]
    fn the_content_tells(text: &str, format: Option<Format>) {
        assert_eq!(of(&Head::of(text)), format);
    }

    #[test]
    fn every_name_reads_back() {
        for format in Format::ALL {
            assert_eq!(format.name().parse(), Ok(*format));
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = "jnuit".parse::<Format>().expect_err("no such format").to_string();
        assert!(
            error.starts_with("`jnuit` is not a format that is read; use one of `")
                && error.contains("`junit`"),
            "{error}"
        );
    }
}
