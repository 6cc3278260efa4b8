//! Links: the address of every page. Knows no page's content.

use gateline_api::encode;
use gateline_model::{
    Digest, EvidenceId, PipelineRef, ProjectName, PromotionId, ProposalId, StageName, StageRef, StreamId,
    Version,
};

pub(super) fn promotion(id: &PromotionId) -> String {
    format!("/promotions/{id}")
}

/// Where a form about a promotion is sent.
pub(super) fn promotion_act(id: &PromotionId, act: &str) -> String {
    format!("/ui/promotions/{id}/{act}")
}

pub(super) fn stage(stage: &StageRef) -> String {
    format!("/stages/{stage}")
}

/// Where a form about a stage is sent.
pub(super) fn stage_act(stage: &StageRef, act: &str) -> String {
    format!("/ui/stages/{stage}/{act}")
}

pub(super) fn release(of: &PipelineRef, version: &Version) -> String {
    format!(
        "/releases/{}/{}/{}",
        of.project,
        of.pipeline,
        encode(version.as_str())
    )
}

/// One piece of evidence of a release.
pub(super) fn evidence(of: &PipelineRef, version: &Version, id: &EvidenceId) -> String {
    format!("{}/evidence/{id}", release(of, version))
}

/// The same, with the form open in which a finding is waived.
pub(super) fn waive(
    of: &PipelineRef,
    version: &Version,
    id: &EvidenceId,
    finding: &str,
    stage: Option<&StageName>,
) -> String {
    let stage = stage.map_or("", StageName::as_str);
    let page = with(
        &evidence(of, version, id),
        &[("waive", finding), ("stage", stage)],
    );
    format!("{page}#act-waive")
}

/// Where that form is sent.
pub(super) fn waive_act(of: &PipelineRef, version: &Version, id: &EvidenceId) -> String {
    format!("/ui{}/waive", evidence(of, version, id))
}

/// One's own sessions.
pub(super) const SESSIONS: &str = "/sessions";

/// One's own password.
pub(super) const PASSWORD: &str = "/password";

/// Where a form about the password is sent.
pub(super) fn password_act(act: &str) -> String {
    format!("/ui/password/{act}")
}

/// One's own keys.
pub(super) const KEYS: &str = "/keys";

/// Where a form about a key is sent.
pub(super) fn key_act(act: &str) -> String {
    format!("/ui/keys/{act}")
}

/// Where a page asks what is to be signed for a yes.
pub(super) fn statement(id: &PromotionId) -> String {
    format!("/api/v1/promotions/{id}/statement")
}

/// What somebody is to sign who approves a proposal.
pub(super) fn proposal_statement(id: &ProposalId) -> String {
    format!("/api/v1/proposals/{id}/statement")
}

/// Who is told what.
pub(super) const LETTERS: &str = "/letters";

/// Who may do what where.
pub(super) const PEOPLE: &str = "/people";

/// What is in force.
pub(super) const POLICIES: &str = "/policies";

/// A new version that waits for its owners, or did.
pub(super) fn proposal(id: &ProposalId) -> String {
    format!("{POLICIES}/{}/proposal/{}", id.project, id.number)
}

/// Where a form about a proposal is sent.
pub(super) fn proposal_act(id: &ProposalId, act: &str) -> String {
    format!("/ui{}/{act}", proposal(id))
}

/// The versions of one pipeline, one policy module, or the roles of a project.
pub(super) fn rules_of(project: &ProjectName, kind: &str, name: &str) -> String {
    format!("{POLICIES}/{project}/{kind}/{name}")
}

/// What waits on whoever looks.
pub(super) const INBOX: &str = "/inbox";

/// Where the form that ends a delegation is sent.
pub(super) const DELEGATION_END: &str = "/ui/inbox/end";

/// What is wrong, and which changes are suspected.
pub(super) const INCIDENTS: &str = "/incidents";

/// The same, with the form open in which one is opened in a stage.
pub(super) fn incident_in(stage: &StageRef) -> String {
    format!("{INCIDENTS}?stage={stage}#act-open-incident")
}

/// Where the form that opens one is sent.
pub(super) const INCIDENT_OPEN: &str = "/ui/incidents/open";

/// Where the form that lifts a suspect is sent.
pub(super) const INCIDENT_LIFT: &str = "/ui/incidents/lift";

/// Where the form that closes one is sent.
pub(super) const INCIDENT_CLOSE: &str = "/ui/incidents/close";

/// The waivers that are in force.
pub(super) const WAIVERS: &str = "/waivers";

/// Those of one pipeline.
pub(super) fn waivers_of(of: &PipelineRef) -> String {
    format!("{WAIVERS}?project={}&pipeline={}", of.project, of.pipeline)
}

/// Where the form that ends one is sent.
pub(super) const WAIVER_LIFT: &str = "/ui/waivers/lift";

/// When stages let releases in.
pub(super) const WINDOWS: &str = "/windows";

/// Overrides, and reviews that are owed.
pub(super) const OVERRIDES: &str = "/overrides";

/// Where an override is confirmed.
pub(super) const OVERRIDE_CONFIRM: &str = "/ui/overrides/confirm";

/// Where an override is taken back.
pub(super) const OVERRIDE_WITHDRAW: &str = "/ui/overrides/withdraw";

/// Where a review is written.
pub(super) const OVERRIDE_REVIEW: &str = "/ui/overrides/review";

/// Where a release's promotion into a stage is looked at before it is asked for.
pub(super) fn promote(of: &PipelineRef, version: &Version, stage: &StageName) -> String {
    format!(
        "/promote/{}/{}/{}/{stage}",
        of.project,
        of.pipeline,
        encode(version.as_str())
    )
}

/// Where it is asked for.
pub(super) fn promote_act(of: &PipelineRef, version: &Version, stage: &StageName) -> String {
    format!("/ui{}", promote(of, version, stage))
}

pub(super) fn releases(of: &PipelineRef) -> String {
    format!("/releases?project={}&pipeline={}", of.project, of.pipeline)
}

pub(super) fn raw(digest: &Digest) -> String {
    format!("/api/v1/evidence/raw/{digest}")
}

/// The log from one event on downwards.
pub(super) fn log_at(number: u64) -> String {
    format!("/log?before={}#event-{number}", number.saturating_add(1))
}

pub(super) fn log_of(stream: &StreamId) -> String {
    format!("/log?stream={}", encode(&stream.to_string()))
}

/// A page's address with these parameters; empty ones are left out.
pub(super) fn with(path: &str, parameters: &[(&str, &str)]) -> String {
    let given: Vec<String> = parameters
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    if given.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", given.join("&"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_encoded_and_empty_ones_left_out() {
        assert_eq!(with("/", &[("q", "a b&c"), ("show", "")]), "/?q=a%20b%26c");
        assert_eq!(with("/", &[("q", "")]), "/");
    }

    #[test]
    fn a_version_with_a_plus_is_one_segment() {
        let of = PipelineRef {
            project: "payments".parse().unwrap(),
            pipeline: "app".parse().unwrap(),
        };
        assert_eq!(
            release(&of, &"1.0+b".parse().unwrap()),
            "/releases/payments/app/1.0%2Bb"
        );
    }
}
