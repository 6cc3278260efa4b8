//! Events: what happened, as one sentence each.

use gateline_model::{Event, Recorded};
use jiff::Timestamp;

use super::Line;
use super::time::clock;

/// The cells of one event's row.
pub(crate) fn event_line(recorded: &Recorded, now: Timestamp) -> [Line; 5] {
    let reason = recorded
        .private
        .as_ref()
        .and_then(|private| private.reason.as_deref());
    let mut says = Line::new().plain(happened(&recorded.event));
    if let Some(reason) = reason {
        says = says.dim(format!("  \"{reason}\""));
    }
    [
        Line::new().dim(format!("#{}", recorded.number)),
        clock(recorded.at, now).into(),
        (&recorded.actor).into(),
        Line::new().dim(short(&recorded.stream.to_string())),
        says,
    ]
}

/// A stream's name with its digest cut to what a person recognises.
fn short(stream: &str) -> String {
    match stream.split_once("sha256:") {
        Some((before, hex)) => format!("{before}{}", hex.get(..12).unwrap_or(hex)),
        None => stream.to_owned(),
    }
}

/// What happened, as one sentence without its subject: that is the stream.
fn happened(event: &Event) -> String {
    match event {
        Event::PipelineApplied {
            version, pipeline, ..
        } => {
            format!("pipeline {} applied, version {}", pipeline.name, version.short())
        }
        Event::FreezeDeclared { freeze } => {
            format!(
                "freeze {} declared from {} until {}",
                freeze.name, freeze.from, freeze.until
            )
        }
        Event::FreezeLifted { name } => format!("freeze {name} lifted"),
        Event::TokenIssued { id, actor, .. } => format!("token {id} issued for {actor}"),
        Event::TokenRevoked { id } => format!("token {id} revoked"),
        Event::ReleaseNumbered {
            pipeline,
            version,
            number,
            ..
        } => format!("{pipeline}@{version} got number {number}"),
        Event::ReleaseRegistered { release, number } => {
            format!("{}@{} registered, number {number}", release.of, release.version)
        }
        Event::EvidenceRecorded { evidence } => {
            let name = evidence
                .name
                .as_ref()
                .map(|name| format!(" `{name}`"))
                .unwrap_or_default();
            format!("evidence{name} recorded ({})", evidence.format)
        }
        Event::PromotionOpened { promotion, .. } => format!("promotion {} began", promotion.number),
        Event::PromotionClosed { promotion, outcome } => {
            format!("promotion {} ended: {}", promotion.number, words(outcome.word()))
        }
        Event::LaneTaken { target, promotion } => {
            format!("lane {target} taken by promotion {}", promotion.number)
        }
        Event::LaneFreed { target, promotion } => {
            format!("lane {target} freed by promotion {}", promotion.number)
        }
        Event::WentLive {
            version, promotion, ..
        } => {
            format!("{version} went live by promotion {}", promotion.number)
        }
        Event::ReleaseBarred { release, promotion } => {
            format!(
                "release {} barred by promotion {}",
                release.short(),
                promotion.number
            )
        }
        Event::BarLifted { release } => format!("bar of release {} lifted", release.short()),
        Event::HealthObserved { health, .. } => format!("health observed: {health}"),
        Event::PromotionRequested {
            release, automatic, ..
        } => {
            let how = if *automatic { " by the pipeline" } else { "" };
            format!("promotion of release {} requested{how}", release.short())
        }
        Event::PipelineRepinned { pipeline } => format!("pipeline version {} pinned", pipeline.short()),
        Event::DecisionRecorded { decision } => decision.headline.clone(),
        Event::ApprovalGiven { approval } => format!("approved by {} for {}", approval.by, approval.from),
        Event::ApprovalVoided { by, .. } => format!("approval of {by} voided: the question changed"),
        Event::OverrideGranted { permission } => {
            format!("gate {} overridden until {}", permission.gate, permission.until)
        }
        Event::CheckRecorded { gate, .. } => format!("check of gate {gate} recorded"),
        Event::PromotionAdmitted { steps, target, .. } => {
            format!("admitted: {} steps on {target}", steps.len())
        }
        Event::StepIntended {
            step,
            attempt,
            action,
        } => {
            format!("step {} ({action}) intended, attempt {attempt}", step + 1)
        }
        Event::StepApplied { step, .. } => format!("step {} applied", step + 1),
        Event::StepFailed { step, why, .. } => format!("step {} failed: {why}", step + 1),
        Event::StepParked { step, why, .. } => format!("step {} parked: {why}", step + 1),
        Event::RulingChanged { ruling, .. } => {
            format!("ruling: {}: {}", words(ruling.says.word()), ruling.headline)
        }
        Event::RolloutPaused { .. } => "rollout paused".to_owned(),
        Event::RolloutResumed {} => "rollout resumed".to_owned(),
        Event::RollbackBegan { says, .. } => format!("rollback began: {says}"),
        Event::VerificationBegan { checks, until } => {
            format!("verification began: {} checks until {until}", checks.len())
        }
        Event::PromotionEnded { outcome, says, .. } => format!("ended: {}: {says}", words(outcome.word())),
    }
}

fn words(word: &str) -> String {
    word.replace('_', " ")
}
