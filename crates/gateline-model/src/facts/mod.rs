//! Facts: what a piece of evidence says, in numbers a gate can judge.
//!
//! Read from tool output by `gateline-evidence`, or seen by a live check. Lists are bounded and texts are shortened
//! when they are read; counts never are. Knows no threshold: whether the numbers are good enough is for a gate to say.

mod attestation;
mod coverage;
mod custom;
mod exploited;
mod findings;
mod lines;
mod patch;
mod performance;
mod plan;
mod reading;
mod sbom;
mod test_run;
mod vex;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use attestation::*;
pub use coverage::*;
pub use custom::*;
pub use exploited::*;
pub use findings::*;
pub use lines::*;
pub use patch::*;
pub use performance::*;
pub use plan::*;
pub use reading::*;
pub use sbom::*;
pub use test_run::*;
pub use vex::*;

/// Characters kept of the name of a suite, case, rule, tool or file.
pub const NAME_CHARS_MAX: usize = 200;
/// Characters kept of the message of a failed case or a finding.
pub const MESSAGE_CHARS_MAX: usize = 400;
/// Items of one list that [`Facts::rows`] shows.
const SHOWN_MAX: usize = 50;

/// What a piece of evidence says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Facts {
    /// Tests that ran.
    Tests(TestFacts),
    /// Code that the tests reached.
    Coverage(CoverageFacts),
    /// Findings of linters and scanners.
    Findings(FindingFacts),
    /// What the release is made of.
    Sbom(SbomFacts),
    /// What a load test measured.
    Performance(PerformanceFacts),
    /// What a plan of infrastructure would do.
    Plan(PlanFacts),
    /// What signed statements say.
    Attestation(AttestationFacts),
    /// Which vulnerabilities do not matter.
    Vex(VexFacts),
    /// Which vulnerabilities are known to be exploited.
    Exploited(ExploitedFacts),
    /// Which lines the change adds.
    Patch(PatchFacts),
    /// A fact of a kind that only its reporter and its gate know.
    Custom(CustomFacts),
    /// What a live check saw.
    Reading(Reading),
}

impl Facts {
    /// The tools or suites that they are known by; none where facts of their kind are known by neither.
    pub fn sources(&self) -> &[String] {
        match self {
            Facts::Findings(findings) => &findings.tools,
            Facts::Tests(tests) => &tests.suites,
            Facts::Coverage(_)
            | Facts::Sbom(_)
            | Facts::Performance(_)
            | Facts::Plan(_)
            | Facts::Attestation(_)
            | Facts::Vex(_)
            | Facts::Exploited(_)
            | Facts::Patch(_)
            | Facts::Custom(_)
            | Facts::Reading(_) => &[],
        }
    }
}

/// One line of facts for people: what, and the number or text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactRow {
    /// What it is, in a word or two.
    pub name: String,
    /// The number or text.
    pub value: String,
}

fn row(name: &str, value: impl ToString) -> FactRow {
    FactRow {
        name: name.to_owned(),
        value: value.to_string(),
    }
}

impl Facts {
    /// The word for this kind of facts, as in the stored form.
    pub fn kind(&self) -> &'static str {
        match self {
            Facts::Tests(_) => "tests",
            Facts::Coverage(_) => "coverage",
            Facts::Findings(_) => "findings",
            Facts::Sbom(_) => "sbom",
            Facts::Performance(_) => "performance",
            Facts::Plan(_) => "plan",
            Facts::Attestation(_) => "attestation",
            Facts::Vex(_) => "vex",
            Facts::Exploited(_) => "exploited",
            Facts::Patch(_) => "patch",
            Facts::Custom(_) => "custom",
            Facts::Reading(_) => "reading",
        }
    }

    /// The facts in one sentence: the same words on every surface.
    pub fn says(&self) -> String {
        match self {
            Facts::Tests(facts) => facts.says(),
            Facts::Coverage(facts) => facts.says(),
            Facts::Findings(facts) => facts.says(),
            Facts::Sbom(facts) => facts.says(),
            Facts::Performance(facts) => facts.says(),
            Facts::Plan(facts) => facts.says(),
            Facts::Attestation(facts) => facts.says(),
            Facts::Vex(facts) => facts.says(),
            Facts::Exploited(facts) => facts.says(),
            Facts::Patch(facts) => facts.says(),
            Facts::Custom(facts) => facts.says(),
            Facts::Reading(facts) => facts.says(),
        }
    }

    /// The facts line by line: the same words on every surface.
    pub fn rows(&self) -> Vec<FactRow> {
        match self {
            Facts::Tests(facts) => facts.rows(),
            Facts::Coverage(facts) => facts.rows(),
            Facts::Findings(facts) => facts.rows(),
            Facts::Sbom(facts) => facts.rows(),
            Facts::Performance(facts) => facts.rows(),
            Facts::Plan(facts) => facts.rows(),
            Facts::Attestation(facts) => facts.rows(),
            Facts::Vex(facts) => facts.rows(),
            Facts::Exploited(facts) => facts.rows(),
            Facts::Patch(facts) => facts.rows(),
            Facts::Custom(facts) => facts.rows(),
            Facts::Reading(facts) => facts.rows(),
        }
    }
}

fn percent(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 * 100.0 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_stored_flat_with_both_tags() {
        let facts = Facts::Reading(Reading::Metric {
            value: 2.0,
            query: "up".into(),
            source: "prometheus".into(),
        });
        let stored = serde_json::to_string(&facts).expect("facts are plain data");
        let flat = r#"{"kind":"reading","of":"metric","value":2.0,"query":"up","source":"prometheus"}"#;
        assert_eq!(stored, flat);
        assert_eq!(serde_json::from_str::<Facts>(&stored).expect("reads back"), facts);
    }

    #[test]
    fn the_stored_tag_is_the_kind() {
        for facts in [
            Facts::Tests(TestFacts::default()),
            Facts::Coverage(CoverageFacts::default()),
            Facts::Findings(FindingFacts::default()),
        ] {
            let stored = serde_json::to_value(&facts).expect("facts are plain data");
            assert_eq!(stored["kind"], facts.kind());
            assert_eq!(
                serde_json::from_value::<Facts>(stored).expect("reads back"),
                facts
            );
        }
    }

    #[test]
    fn coverage_of_nothing_has_no_percentage() {
        assert_eq!(CoverageFacts::default().lines_percent(), None);
        let half = CoverageFacts {
            lines_total: 8,
            lines_hit: 4,
            ..CoverageFacts::default()
        };
        assert_eq!(half.lines_percent(), Some(50.0));
        assert_eq!(half.branches_percent(), None);
    }

    #[test]
    fn an_absent_number_is_left_out_of_the_stored_form() {
        let stored = serde_json::to_string(&CoverageFacts::default()).expect("facts are plain data");
        assert!(!stored.contains("branches"), "{stored}");
    }
}
