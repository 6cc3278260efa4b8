//! Events as sentences. The words of decisions, rulings and drivers are printed as they were recorded.

use gateline_model::{CheckOf, Event, Found, PauseReason};

use super::time::whole;

/// What happened, as one sentence.
pub(super) fn says(event: &Event) -> String {
    match event {
        Event::PipelineApplied {
            version,
            pipeline,
            source: _,
        } => {
            format!(
                "pipeline {} version {} came into force",
                pipeline.name,
                version.short()
            )
        }
        Event::FreezeDeclared { freeze } => {
            format!(
                "freeze {} declared from {} until {}",
                freeze.name,
                whole(freeze.from),
                whole(freeze.until)
            )
        }
        Event::FreezeLifted { name } => format!("freeze {name} lifted"),
        Event::TokenIssued { id, actor, .. } => format!("token {id} issued to {actor}"),
        Event::TokenRevoked { id } => format!("token {id} revoked"),
        Event::ReleaseNumbered {
            pipeline,
            version,
            number,
            release: _,
        } => {
            format!("{pipeline} {version} is release number {number}")
        }
        Event::ReleaseRegistered { release, number } => {
            format!("{} {} registered, number {number}", release.of, release.version)
        }
        Event::EvidenceRecorded { evidence } => {
            let name = evidence
                .name
                .as_deref()
                .map(|name| format!(" {name}"))
                .unwrap_or_default();
            format!(
                "{} evidence{name} recorded: {}",
                evidence.format,
                found(&evidence.found)
            )
        }
        Event::PromotionOpened { promotion, .. } => format!("promotion {promotion} opened"),
        Event::PromotionClosed { promotion, outcome } => {
            format!("promotion {promotion} closed: {}", outcome.word())
        }
        Event::LaneTaken { target, promotion } => format!("lane of {target} taken by {promotion}"),
        Event::LaneFreed { target, promotion } => format!("lane of {target} freed by {promotion}"),
        Event::WentLive { version, .. } => format!("{version} went live"),
        Event::ReleaseBarred { release, promotion } => {
            format!("release {} barred by {promotion}", release.short())
        }
        Event::BarLifted { release } => format!("bar of release {} lifted", release.short()),
        Event::HealthObserved {
            health,
            not_seen_from,
            why,
        } => match (not_seen_from, why) {
            (Some(from), _) => format!("health {health}; nobody looked since {}", whole(*from)),
            (None, Some(why)) => format!("health {health}: {why}"),
            (None, None) => format!("health {health}"),
        },
        Event::PromotionRequested { automatic: true, .. } => "requested by the pipeline".to_owned(),
        Event::PromotionRequested { .. } => "requested".to_owned(),
        Event::PipelineRepinned { pipeline } => {
            format!("judged by pipeline version {} from now on", pipeline.short())
        }
        Event::DecisionRecorded { decision } => decision.headline.clone(),
        Event::ApprovalGiven { approval } => format!("approved by {} for {}", approval.by, approval.from),
        Event::ApprovalVoided { by, .. } => format!("approval of {by} voided: the question changed"),
        Event::OverrideGranted { permission } => {
            format!(
                "gate {} overridden by {} until {}",
                permission.gate,
                permission.by,
                whole(permission.until)
            )
        }
        Event::CheckRecorded { gate, of, evidence } => {
            let of = match of {
                CheckOf::Entry => "check",
                CheckOf::Verify => "verification",
            };
            format!("{of} {gate}: {}", found(&evidence.found))
        }
        Event::PromotionAdmitted {
            steps,
            target,
            live: _,
        } => {
            format!("admitted: {} steps on target {target}", steps.len())
        }
        Event::StepIntended {
            step,
            attempt,
            action,
        } => match attempt {
            0 | 1 => format!("step {} intended: {action}", step + 1),
            again => format!("step {} intended again ({again}. attempt): {action}", step + 1),
        },
        Event::StepApplied { step, .. } => format!("step {} applied", step + 1),
        Event::StepFailed { step, why, .. } => format!("step {} failed: {why}", step + 1),
        Event::StepParked { step, why, .. } => format!("step {} parked: {why}", step + 1),
        Event::RulingChanged { step, ruling, .. } => {
            format!(
                "ruling at step {}: {}: {}",
                step + 1,
                ruling.says.word().replace('_', " "),
                ruling.headline
            )
        }
        Event::RolloutPaused { why } => format!("paused: {}", paused(*why)),
        Event::RolloutResumed {} => "resumed".to_owned(),
        Event::RollbackBegan { says, .. } => format!("rollback began: {says}"),
        Event::VerificationBegan { checks, .. } if checks.is_empty() => {
            "verification began: nothing to check".to_owned()
        }
        Event::VerificationBegan { checks, until } => {
            let checks: Vec<&str> = checks.iter().map(gateline_model::GateName::as_str).collect();
            format!(
                "verification began: {}, until {}",
                checks.join(", "),
                whole(*until)
            )
        }
        Event::PromotionEnded { outcome, says, .. } => {
            format!("{}: {says}", outcome.word().replace('_', " "))
        }
    }
}

fn found(found: &Found) -> String {
    match found {
        Found::Facts { facts } => facts.kind().to_owned(),
        Found::Errored { reason } => format!("errored: {reason}"),
    }
}

fn paused(why: PauseReason) -> &'static str {
    match why {
        PauseReason::Asked => "an actor asked",
        PauseReason::Inconclusive => "the judge could not tell in time",
        PauseReason::Irreversible => "the release is never taken back by itself",
        PauseReason::Parked => "a step could not be observed",
    }
}
