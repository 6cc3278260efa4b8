//! The evidence in `examples/payment-service/` is what the demonstration says it is.

use std::path::Path;

use gateline_evidence::{Complete, read};
use gateline_model::Facts;
use test_case::test_case;

fn evidence(release: &str, file: &str) -> Facts {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/payment-service/evidence");
    let bytes =
        std::fs::read(folder.join(release).join(file)).expect("the example has evidence of this release");
    let read = read(&bytes, None).expect("real tools wrote it");
    assert_eq!(
        (read.complete, read.warnings),
        (Complete::Yes, vec![]),
        "{release}/{file}"
    );
    read.facts
}

#[test_case("1.0.0", 14)]
#[test_case("1.1.0", 16)]
#[test_case("1.2.0", 19)]
#[test_case("1.3.0", 20)]
#[test_case("1.4.0", 21)]
fn evidence_of_a_release_is_good(release: &str, tests: u64) {
    let Facts::Tests(unit) = evidence(release, "junit.xml") else {
        panic!("not tests")
    };
    assert_eq!((unit.total, unit.passed), (tests, tests));
    assert_eq!(unit.suites, ["unit"]);
    let Facts::Coverage(coverage) = evidence(release, "coverage.lcov") else {
        panic!("not coverage")
    };
    assert!(
        coverage
            .lines_percent()
            .is_some_and(|percent| (90.0..99.0).contains(&percent)),
        "{coverage:?}"
    );
    let Facts::Findings(lint) = evidence(release, "lint.sarif") else {
        panic!("not findings")
    };
    assert_eq!((lint.runs, lint.errors), (1, 0));
}
