//! A promotion, whole: its decision, its rollout and all its events, as every surface shows them.

use gateline_model::{
    ActorId, Approval, CheckOf, Cohort, Decision, Digest, GateName, PauseReason, PromotionId, PromotionKind,
    PromotionOutcome, Recorded, ReleaseId, RollbackReason, Ruling, Saturation, Served, StageRef, StepAction,
    Version, Weight,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ErasedView, EvidenceView, PromotionState, Suspicion, WatchView};

/// A promotion, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PromotionView {
    /// Its id.
    pub id: PromotionId,
    /// The release.
    pub release: ReleaseId,
    /// Its label.
    pub version: Version,
    /// The stage to enter.
    pub stage: StageRef,
    /// Its kind.
    pub kind: PromotionKind,
    /// Whether the pipeline asked for it.
    pub automatic: bool,
    /// The pinned pipeline version.
    pub pipeline: Digest,
    /// When it was requested.
    pub requested_at: Timestamp,
    /// Who asked.
    pub requested_by: ActorId,
    /// The reason that was given, as for a rollback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The word for where it stands.
    pub state: PromotionState,
    /// The last sentence said of it.
    pub says: String,
    /// The last recorded decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// Log number of that decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_log: Option<u64>,
    /// Approvals that were given and not voided.
    pub approvals: Vec<Approval>,
    /// Overrides that were granted, with their reasons.
    pub overrides: Vec<OverrideView>,
    /// The last recorded check of each gate.
    pub checks: Vec<CheckView>,
    /// The rollout, once it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutView>,
    /// When the gates let it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admitted_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<PromotionOutcome>,
    /// The reason of whoever ended it; none where nobody did, or where it was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_because: Option<String>,
    /// What became of it since it was verified, where it is not live any more or is barred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_then: Option<String>,
    /// The release that took its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<ReleaseId>,
    /// Traffic of its canary.
    pub served: Served,
    /// The watch of what it brought live, while that is the stage's last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<WatchView>,
    /// Incidents that suspect it, the newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suspected: Vec<Suspicion>,
    /// Log number of its last event.
    pub log_index: u64,
    /// All its events, oldest first.
    pub events: Vec<Recorded>,
}

/// An override with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OverrideView {
    /// The gate that it names.
    pub gate: GateName,
    /// Who asked for it.
    pub by: ActorId,
    /// When it was asked for.
    pub at: Timestamp,
    /// When it ends.
    pub until: Timestamp,
    /// The second person, who confirmed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_by: Option<ActorId>,
    /// Whether it waits for a second person, and does not count until then.
    #[serde(default)]
    pub waits: bool,
    /// Why; none where it was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the reason was erased, and by whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased: Option<ErasedView>,
}

/// What a check of one gate found last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckView {
    /// The gate.
    pub gate: GateName,
    /// Entry or verification.
    pub of: CheckOf,
    /// What it found.
    pub evidence: EvidenceView,
}

/// A rollout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RolloutView {
    /// All steps, those of a rollback behind them.
    pub steps: Vec<StepView>,
    /// Share of traffic that the release has.
    pub weight: Weight,
    /// The label of what was live until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_version: Option<Version>,
    /// Requests that the release served so far.
    pub requests: u64,
    /// How many of them failed.
    pub errors: u64,
    /// The judge's last ruling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ruling: Option<Ruling>,
    /// Gauges at each weight, and what they come to with all traffic.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub saturation: Vec<Saturation>,
    /// Why and since when it stands still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<PauseView>,
    /// Why and since when it is, or was, taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<RollbackView>,
    /// When the step that is true has stood as long as it is to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub go_on_at: Option<Timestamp>,
    /// What the step that is true waits for beside time, before the next one is taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits_for: Vec<WaitsFor>,
    /// When verification counts as failed, once it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify_until: Option<Timestamp>,
}

impl RolloutView {
    /// The index of the last step that is true; none where the first one is not yet.
    pub fn standing(&self) -> Option<u32> {
        let done = self.steps.iter().rev().find(|step| step.state == StepWord::Done);
        done.map(|step| step.index)
    }
}

/// One step of a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepView {
    /// Its index, from 0.
    pub index: u32,
    /// What it makes true.
    pub action: StepAction,
    /// Where it stands.
    pub state: StepWord,
    /// Since when; none where it is still to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Until when a server has the work, while it is under way. One that lives asks for more time before; if it does
    /// not, the step is looked at again then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leased_until: Option<Timestamp>,
}

/// The word for where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepWord {
    /// It is true.
    Done,
    /// It is being made true.
    Now,
    /// It is still to come.
    Next,
    /// Its target refused it.
    Failed,
    /// Nobody can tell: a person looks.
    Parked,
}

/// What a step that is true waits for beside time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitsFor {
    /// The judge has not said that it may advance.
    Judge,
    /// Checks must be satisfied.
    Checks,
    /// The next step comes within a window.
    Window,
    /// A person says when to go on.
    GoAhead,
}

impl RolloutView {
    /// The cohort that sees the release now, where one is told apart and not everybody does.
    pub fn cohort(&self) -> Option<Cohort> {
        let done = self.steps.iter().filter(|step| step.state == StepWord::Done);
        let mut exposed = done.filter(|step| step.action.weight().is_some());
        match exposed.next_back()?.action {
            StepAction::Expose { cohort, weight } if weight < Weight::ALL => cohort,
            _ => None,
        }
    }

    /// When, or on whose word, the next step is taken, as a phrase; nothing where the rollout stands still or there is no step to
    /// wait for. `ahead` writes a time that is to come.
    pub fn goes_on(&self, now: Timestamp, ahead: impl Fn(Timestamp) -> String) -> Option<String> {
        if self.paused.is_some() || self.rollback.is_some() || self.verify_until.is_some() {
            return None;
        }
        let at = self.go_on_at?;
        let asks = self.waits_for.contains(&WaitsFor::GoAhead);
        let things = self.waits_for.iter().filter_map(|waits| match waits {
            WaitsFor::Judge => Some("the judge says so"),
            WaitsFor::Checks => Some("its checks are satisfied"),
            WaitsFor::Window => Some("its window is open"),
            WaitsFor::GoAhead => None,
        });
        let things = things.collect::<Vec<_>>().join(" and ");
        let when = (at > now).then(|| ahead(at));
        Some(match (asks, when, things.as_str()) {
            (false, Some(when), "") => format!("by itself {when}"),
            (false, None, "") => "by itself now".to_owned(),
            (false, Some(when), things) => format!("{when} at the earliest, if {things}"),
            (false, None, things) => format!("by itself as soon as {things}"),
            (true, Some(when), "") => format!("when a person says so, who is asked {when}"),
            (true, None, "") => "when a person says so".to_owned(),
            (true, Some(when), things) => {
                format!("when a person says so, who is asked {when} at the earliest, if {things}")
            }
            (true, None, things) => format!("when a person says so, who is asked as soon as {things}"),
        })
    }
}

/// Why a rollout stands still.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PauseView {
    /// Why.
    pub why: PauseReason,
    /// Since when.
    pub since: Timestamp,
    /// What it stands still for and what a person can do, in one sentence.
    pub says: String,
    /// The reason of the actor who asked for it; none where it was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Why a rollout is taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RollbackView {
    /// What for.
    pub why: RollbackReason,
    /// One sentence with numbers.
    pub says: String,
    /// Since when.
    pub since: Timestamp,
    /// The reason of the actor who asked for it; none where nobody did, or where it was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_next_is_not_said_to_come_by_itself_where_a_person_or_the_judge_says_so() {
        let now: Timestamp = "2026-11-21T10:41:30Z".parse().unwrap();
        let rollout = |at: &str, waits: &str| -> RolloutView {
            let text = format!(
                r#"{{"steps": [], "weight": "5%", "requests": 0, "errors": 0, "go_on_at": "2026-11-21T10:{at}Z", "waits_for": [{waits}]}}"#
            );
            serde_json::from_str(&text).unwrap()
        };
        let says = |view: &RolloutView| view.goes_on(now, |at| at.strftime("at %H:%M:%S").to_string());
        let (soon, over) = ("42:00", "41:00");
        for (at, waits, wanted) in [
            (soon, "", "by itself at 10:42:00"),
            (over, "", "by itself now"),
            (
                soon,
                r#""judge""#,
                "at 10:42:00 at the earliest, if the judge says so",
            ),
            (
                over,
                r#""judge", "checks""#,
                "by itself as soon as the judge says so and its checks are satisfied",
            ),
            (
                soon,
                r#""go_ahead""#,
                "when a person says so, who is asked at 10:42:00",
            ),
            (over, r#""go_ahead""#, "when a person says so"),
            (
                over,
                r#""window", "go_ahead""#,
                "when a person says so, who is asked as soon as its window is open",
            ),
        ] {
            assert_eq!(says(&rollout(at, waits)).as_deref(), Some(wanted));
        }
        let mut standing = rollout(over, r#""judge""#);
        standing.paused = Some(PauseView {
            why: PauseReason::GoAhead,
            since: now,
            says: String::new(),
            reason: None,
        });
        assert_eq!(says(&standing), None);
        let mut verifying = rollout(over, "");
        verifying.verify_until = Some(now);
        assert_eq!(says(&verifying), None);
    }
}
