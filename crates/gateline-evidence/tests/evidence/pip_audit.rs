//! pip-audit's JSON.

use gateline_evidence::{Format, PIP_VULNERABILITIES_MAX, read};

use crate::findings::{facts, only};
use crate::{read_as, reason};

#[test]
fn an_audit_that_skipped_every_dependency_is_no_pass() {
    let read = read(include_bytes!("../samples/pip-audit-skipped.json"), None);
    assert_eq!(read.as_ref().map(|read| read.warnings.len()), Ok(2));
    assert_eq!(
        reason(read),
        "pip-audit skipped every dependency (2): it looked at none"
    );
}

#[test]
fn one_skipped_dependency_is_enough() {
    let text = r#"{"dependencies":[{"name":"a","version":"1","vulns":[]},{"name":"ours","skip_reason":"not on PyPI"}],"fixes":[]}"#;
    assert_eq!(
        reason(read_as(Format::PipAudit, text)),
        "pip-audit skipped 1 of 2 dependencies"
    );
    let warnings = read_as(Format::PipAudit, text).expect("reads").warnings;
    assert_eq!(warnings, ["`ours` was skipped: not on PyPI"]);
}

#[test]
fn a_vulnerability_has_its_package_names_and_fix() {
    let finding = only(
        Format::PipAudit,
        include_str!("../samples/pip-audit-synthetic.json"),
    );
    assert_eq!(finding.rule.as_deref(), Some("PYSEC-2023-74"));
    assert_eq!(finding.aliases[0], "CVE-2023-32681");
    let package = finding.package.expect("a package");
    assert_eq!(package.purl.as_deref(), Some("pkg:pypi/requests@2.25.0"));
    assert_eq!(package.fixed_in.as_deref(), Some("2.31.0"));
}

#[test]
fn no_vulnerability_of_many_is_lost() {
    let audit = |count: usize| {
        let list = vec![r#"{"id":"PYSEC-1"}"#; count].join(",");
        format!(r#"{{"dependencies":[{{"name":"a","version":"1","vulns":[{list}]}}],"fixes":[]}}"#)
    };
    assert_eq!(facts(Format::PipAudit, &audit(150)).total(), 150);
    assert_eq!(
        reason(read_as(Format::PipAudit, &audit(PIP_VULNERABILITIES_MAX + 1))),
        "`a` has more than 10000 vulnerabilities (PIP_VULNERABILITIES_MAX), which are not all read"
    );
}
