//! Evidence: one record with a sentence for people.

use gateline_api::EvidenceView;
use gateline_model::{
    CoverageFacts, Evidence, EvidenceId, Facts, FindingFacts, Found, Outcome, Reading, TestFacts,
};

/// One piece of evidence.
pub(crate) fn evidence(id: EvidenceId, evidence: &Evidence) -> EvidenceView {
    let Evidence {
        artifacts,
        stage,
        name,
        found,
        raw,
        format,
        warnings,
        by,
        at,
    } = evidence.clone();
    let (kind, outcome, says) = match &found {
        Found::Facts { facts } => (Some(facts.kind().to_owned()), None, says(facts)),
        Found::Errored { reason } => (None, Some(Outcome::Errored), format!("errored: {reason}")),
    };
    EvidenceView {
        id,
        name,
        stage,
        kind,
        outcome,
        says,
        found,
        format,
        artifacts,
        raw,
        warnings,
        by,
        at,
    }
}

fn says(facts: &Facts) -> String {
    match facts {
        Facts::Tests(TestFacts {
            total,
            passed,
            failed,
            errored,
            skipped,
            ..
        }) => {
            format!("{passed} passed, {failed} failed, {errored} errored, {skipped} skipped of {total}")
        }
        Facts::Coverage(coverage) => says_coverage(coverage),
        Facts::Findings(FindingFacts {
            errors,
            warnings,
            notes,
            suppressed,
            ..
        }) => {
            format!("{errors} errors, {warnings} warnings, {notes} notes, {suppressed} suppressed")
        }
        Facts::Reading(reading) => match reading {
            Reading::Metric { value, query, .. } => format!("{value} for `{query}`"),
            Reading::Http {
                status,
                latency_ms,
                url,
                ..
            } => format!("{status} in {latency_ms} ms from {url}"),
            Reading::Command {
                exit_code, seconds, ..
            } => format!("exit code {exit_code} after {seconds:.1} s"),
        },
    }
}

fn says_coverage(coverage: &CoverageFacts) -> String {
    let CoverageFacts {
        lines_hit,
        lines_total,
        ..
    } = coverage;
    match coverage.lines_percent() {
        Some(percent) => format!("{percent:.1}% of lines ({lines_hit} of {lines_total})"),
        None => "no line was measured".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_of_nothing_is_not_a_percentage() {
        assert_eq!(
            says(&Facts::Coverage(CoverageFacts::default())),
            "no line was measured"
        );
        let coverage = CoverageFacts {
            lines_total: 8,
            lines_hit: 7,
            ..CoverageFacts::default()
        };
        assert_eq!(says(&Facts::Coverage(coverage)), "87.5% of lines (7 of 8)");
    }

    #[test]
    fn every_count_of_a_test_run_is_told() {
        let tests = TestFacts {
            total: 10,
            passed: 6,
            failed: 2,
            errored: 1,
            skipped: 1,
            ..TestFacts::default()
        };
        assert_eq!(
            says(&Facts::Tests(tests)),
            "6 passed, 2 failed, 1 errored, 1 skipped of 10"
        );
    }
}
