//! Evidence: one record with a sentence for people.

use gateline_api::EvidenceView;
use gateline_model::{Evidence, EvidenceId, Found, Outcome};

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
        Found::Facts { facts } => (Some(facts.kind().to_owned()), None, facts.says()),
        Found::Errored { reason, .. } => (None, Some(Outcome::Errored), format!("errored: {reason}")),
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
