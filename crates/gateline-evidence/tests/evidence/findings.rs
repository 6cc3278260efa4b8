//! What is the same for every scanner's own format: its sample is known, and says what it says.

use gateline_evidence::{Format, Read, read};
use gateline_model::{Facts, Finding, FindingFacts, Package, Severity};
use test_case::test_case;

use crate::{read_as, reason};

/// The facts of a report that is whole.
pub(crate) fn facts(format: Format, text: &str) -> FindingFacts {
    match read_as(format, text) {
        Ok(Read {
            facts: Facts::Findings(facts),
            ..
        }) => facts,
        other => panic!("no findings: {other:?}"),
    }
}

/// The only finding of a report.
pub(crate) fn only(format: Format, text: &str) -> Finding {
    let mut facts = facts(format, text);
    assert_eq!(facts.findings.len(), 1, "{facts:?}");
    facts.findings.remove(0)
}

const GRYPE: &str = include_str!("../samples/grype-synthetic.json");
const NPM: &str = include_str!("../samples/npm-audit-synthetic.json");
const OSV: &str = include_str!("../samples/osv-scanner-synthetic.json");
const TRIVY: &str = include_str!("../samples/trivy-vulnerabilities-synthetic.json");

#[test]
fn one_vulnerability_is_one_whichever_scanner_found_it() {
    let identity = |format, text| {
        let facts = facts(format, text);
        let of_lodash = |package: &Package| package.name == "lodash";
        let mut all = facts.findings.into_iter();
        all.find(|finding| finding.package.as_ref().is_some_and(of_lodash))
            .expect("lodash is in it")
            .identity
    };
    let by_trivy = identity(Format::Trivy, TRIVY);
    assert_eq!(identity(Format::Grype, GRYPE), by_trivy);
    assert_eq!(identity(Format::OsvScanner, OSV), by_trivy);
}

#[test_case(Format::Grype, GRYPE, [0, 1, 0, 1, 0], 1; "grype, whose second vector scores 3.7")]
#[test_case(Format::NpmAudit, NPM, [0, 1, 1, 0, 0], 0; "npm audit")]
#[test_case(Format::OsvScanner, OSV, [1, 1, 0, 0, 0], 0; "osv-scanner, with a vector alone")]
#[test_case(Format::Trivy, TRIVY, [0, 2, 1, 0, 0], 1; "trivy, where unknown is not harmless")]
#[test_case(Format::Bandit, include_str!("../samples/bandit.json"), [0, 2, 1, 1, 0], 0; "bandit")]
#[test_case(Format::Semgrep, include_str!("../samples/semgrep.json"), [0, 1, 0, 0, 0], 0; "semgrep")]
#[test_case(Format::Hadolint, include_str!("../samples/hadolint.json"), [0, 1, 3, 2, 0], 0; "hadolint")]
#[test_case(Format::Gitleaks, include_str!("../samples/gitleaks.json"), [0, 2, 0, 0, 0], 0; "gitleaks")]
#[test_case(Format::Eslint, include_str!("../samples/eslint.json"), [0, 1, 2, 0, 0], 0; "ESLint")]
fn the_severities_are(format: Format, text: &str, counts: [u64; 5], suppressed: u64) {
    let facts = facts(format, text);
    assert_eq!(Severity::ALL.map(|severity| facts.of_severity(severity)), counts);
    assert_eq!(facts.suppressed, suppressed);
}

#[test_case(Format::Gitleaks)]
#[test_case(Format::Hadolint)]
fn an_empty_list_is_clean_and_has_to_be_named(format: Format) {
    assert!(read(b"[]", None).is_err());
    assert!(reason(read_as(format, "[]")).starts_with("complete: "));
}

#[test_case(Format::Bandit, "bandit looked at no line of code"; "bandit")]
#[test_case(Format::Checkov, "checkov checked nothing: 0 checks ran"; "checkov")]
#[test_case(Format::Grype, "grype left no list of matches"; "grype")]
#[test_case(Format::NpmAudit, "npm audit left no list of vulnerabilities"; "npm audit")]
#[test_case(Format::OsvScanner, "osv-scanner lists no package, so it does not say that it looked; run it with `--all-packages`"; "osv-scanner")]
#[test_case(Format::PipAudit, "pip-audit looked at no dependency"; "pip-audit")]
#[test_case(Format::Semgrep, "semgrep looked at no file"; "semgrep")]
#[test_case(Format::Trivy, "trivy names no target that it looked at; see whether the path or image was right and which scanners ran"; "trivy")]
fn a_report_of_nothing_is_incomplete(format: Format, why: &str) {
    assert_eq!(reason(read_as(format, "{}")), why);
}

#[test]
fn no_secret_is_kept() {
    let leak = r#"[{"RuleID":"aws","Description":"d","File":"a.py","StartLine":1,"Match":"hunter2","Secret":"hunter2","Commit":"","Fingerprint":"a.py:aws:1"}]"#;
    let target = r#"{"SchemaVersion":2,"ArtifactName":".","Results":[{"Target":"a.py","Secrets":[{"RuleID":"aws","Title":"t","Severity":"CRITICAL","Match":"hunter2","Code":{"Lines":[{"Content":"hunter2"}]}}]}]}"#;
    for (format, text) in [(Format::Gitleaks, leak), (Format::Trivy, target)] {
        let facts = format!("{:?}", facts(format, text));
        assert!(!facts.contains("hunter2"), "{facts}");
    }
}
