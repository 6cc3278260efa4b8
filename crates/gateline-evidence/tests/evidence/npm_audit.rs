//! `npm audit --json`.

use gateline_evidence::{Format, NPM_VIA_MAX, read};
use gateline_model::Severity;
use test_case::test_case;

use crate::findings::{facts, only};
use crate::{read_as, reason};

fn audit(vulnerabilities: &str) -> String {
    format!(
        r#"{{"auditReportVersion":2,"vulnerabilities":{{{vulnerabilities}}},"metadata":{{"dependencies":{{"total":5}}}}}}"#
    )
}

#[test]
fn an_audit_that_could_not_ask_is_no_pass() {
    let text = include_str!("../samples/npm-audit-error.json");
    let known = read(text.as_bytes(), None);
    assert_eq!(known.as_ref().map(|read| read.format), Ok(Format::NpmAudit));
    let why = reason(known);
    assert!(
        why.starts_with("npm audit could not ask: 405 Method Not Allowed"),
        "{why}"
    );
}

#[test_case(r#"{"error":{"code":"ENOLOCK","summary":"This command requires an existing lockfile.","detail":""}}"#,
    "npm audit could not ask: ENOLOCK This command requires an existing lockfile."; "no lock file")]
#[test_case(r#"{"auditReportVersion":2,"vulnerabilities":{},"metadata":{"dependencies":{"total":0}}}"#,
    "npm audit looked at no dependency"; "nothing to look at")]
#[test_case(r#"{"auditReportVersion":2,"vulnerabilities":{}}"#,
    "npm audit does not say how many dependencies it looked at"; "no count")]
#[test_case(r#"{"auditReportVersion":2,"vulnerabilities":null,"metadata":{"dependencies":{"total":5}}}"#,
    "npm audit left no list of vulnerabilities"; "null for a list")]
#[test_case(r#"{"auditReportVersion":2,"vulnerabilities":{},"metadata":{"vulnerabilities":{"high":1,"total":1},"dependencies":{"total":5}}}"#,
    "the report contradicts itself: npm audit counts 1 vulnerabilities and lists 0"; "counts without a list")]
#[test_case(r#"{"auditReportVersion":2,"vulnerabilities":{"a":{"via":[]}},"metadata":{"vulnerabilities":{"high":1,"low":2},"dependencies":{"total":5}}}"#,
    "the report contradicts itself: npm audit counts 3 vulnerabilities and lists 1"; "more counted than listed")]
#[test_case(r#"{"advisories":{},"metadata":{"vulnerabilities":{"critical":1},"dependencies":9}}"#,
    "the report contradicts itself: npm audit counts 1 vulnerabilities and lists 0"; "the older form without its advisories")]
fn it_is_incomplete_with(text: &str, why: &str) {
    assert_eq!(reason(read(text.as_bytes(), None)), why);
}

fn critical(more: &str) -> String {
    format!(
        r#"{{"source":9,"title":"RCE","url":"https://github.com/advisories/GHSA-9","severity":"critical"{more}}}"#
    )
}

#[test]
fn no_advisory_of_many_is_lost() {
    let low = r#"{"source":1,"title":"t","severity":"low"},"#;
    let package = |lows| {
        audit(&format!(
            r#""p":{{"via":[{}{}]}}"#,
            low.repeat(lows),
            critical("")
        ))
    };
    assert_eq!(facts(Format::NpmAudit, &package(100)).critical, 1);
    assert_eq!(
        reason(read_as(Format::NpmAudit, &package(NPM_VIA_MAX))),
        "`p` has more than 1000 advisories (NPM_VIA_MAX), which are not all read"
    );
}

#[test_case(&critical(r#","cvss":{"score":"9.8"}"#); "a score that is a text")]
#[test_case(&critical(r#","url":7"#).replace(r#""url":"https://github.com/advisories/GHSA-9","#, ""); "an address that is a number")]
#[test_case(&format!("[{}]", critical("")); "a list in the list")]
#[test_case("null"; "null")]
fn an_advisory_that_cannot_be_read_is_no_harmless_one(via: &str) {
    let text = audit(&format!(
        r#""p":{{"via":[{{"source":1,"title":"t","severity":"low"}},{via}]}}"#
    ));
    assert_eq!(
        reason(read_as(Format::NpmAudit, &text)),
        "an advisory of `p` cannot be read: it lacks a text or a number"
    );
}

#[test]
fn an_audit_that_found_nothing_is_complete() {
    assert!(reason(read_as(Format::NpmAudit, &audit(""))).starts_with("complete: "));
}

#[test]
fn an_advisory_is_told_once_and_not_for_each_package_above_it() {
    let chain = r#""a":{"severity":"high","via":["b"]},"b":{"severity":"high","via":["c"]},
        "c":{"severity":"high","via":[{"source":7,"title":"bad","url":"https://github.com/advisories/GHSA-1","severity":"critical","cvss":{"score":0,"vectorString":null}}],
             "fixAvailable":{"name":"a","version":"9.0.0","isSemVerMajor":true}}"#;
    let finding = only(Format::NpmAudit, &audit(chain));
    assert_eq!(finding.rule.as_deref(), Some("GHSA-1"));
    assert_eq!((finding.severity, finding.score), (Severity::Critical, None));
    let package = finding.package.expect("a package");
    assert_eq!(package.purl.as_deref(), Some("pkg:npm/c"));
    assert_eq!(package.fixed_in, None, "the fix is another package's version");
}

#[test_case(r#""a":{"severity":"high","via":["gone"]}"#; "a chain to a package that is not listed")]
#[test_case(r#""a":{"severity":"high","via":["a"]}"#; "a chain to itself")]
#[test_case(r#""a":{"severity":"high","via":[]}"#; "no chain")]
fn a_package_without_an_advisory_is_a_finding_of_its_own(chain: &str) {
    assert_eq!(only(Format::NpmAudit, &audit(chain)).severity, Severity::High);
}

#[test]
fn the_older_form_of_pnpm_is_read() {
    let text = r#"{"actions":[],"advisories":{"1106913":{"findings":[{"version":"4.17.15","paths":["."]}],"id":1106913,"title":"Command Injection",
        "module_name":"lodash","cves":["CVE-2021-23337"],"cwe":"CWE-94","severity":"high","patched_versions":">=4.17.21",
        "github_advisory_id":"GHSA-35jh-r3h4-6jhm","cvss":{"score":7.2}}},"muted":[],"metadata":{"dependencies":9,"totalDependencies":9}}"#;
    let read = read(text.as_bytes(), None).expect("reads");
    assert_eq!(read.format, Format::NpmAudit);
    let facts = facts(Format::NpmAudit, text);
    assert_eq!(facts.high, 1);
    assert_eq!(facts.findings[0].aliases, ["CVE-2021-23337"]);
}
