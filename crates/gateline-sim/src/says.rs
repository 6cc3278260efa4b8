//! Events as short sentences, for a stranger.

use gateline_core::World;
use gateline_model::{
    CheckOf, Decision, Event, Found, GateVerdict, PauseReason, PromotionId, PromotionKind, Recorded,
    ReleaseId, RollbackReason, StepAction, StreamId, Verdict,
};
use jiff::Timestamp;

/// `Mon 02 09:00:05`.
pub(crate) fn time(at: Timestamp) -> String {
    at.strftime("%a %d %H:%M:%S").to_string()
}

/// A promotion without its project and pipeline: `production/1`.
pub(crate) fn promotion(id: &PromotionId) -> String {
    format!("{}/{}", id.stage.stage, id.number)
}

fn stream(stream: &StreamId) -> String {
    match stream {
        StreamId::Project(name) => name.to_string(),
        StreamId::Release(id) => id.short(),
        StreamId::Stage(stage) => stage.stage.to_string(),
        StreamId::Promotion(id) => promotion(id),
    }
}

fn label(world: &World, release: &ReleaseId) -> String {
    world
        .release(release)
        .map_or_else(|| release.short(), |state| state.release.version.to_string())
}

fn step(action: StepAction) -> String {
    match action {
        StepAction::Start => "start it, without traffic".to_owned(),
        StepAction::Expose { weight } => format!("give it {weight} of the traffic"),
        StepAction::Finish => "stop the old release".to_owned(),
        StepAction::Withdraw => "take all traffic back".to_owned(),
        StepAction::Discard => "stop the new release".to_owned(),
    }
}

/// One sentence; none for events that only repeat what the one beside them says.
pub(crate) fn event(world: &World, recorded: &Recorded) -> Option<String> {
    let at = stream(&recorded.stream);
    let by = &recorded.actor;
    Some(match &recorded.event {
        Event::PipelineApplied {
            version, pipeline, ..
        } => {
            format!(
                "pipeline {} is in force in version {}",
                pipeline.name,
                &version.hex()[..4]
            )
        }
        Event::FreezeDeclared { freeze } => {
            format!(
                "{by} declares freeze {} from {} until {}",
                freeze.name,
                time(freeze.from),
                time(freeze.until)
            )
        }
        Event::FreezeLifted { name } => format!("{by} lifts freeze {name}"),
        Event::TokenIssued { id, .. } => format!("token {id} is issued"),
        Event::TokenRevoked { id } => format!("token {id} is revoked"),
        Event::ReleaseRegistered { release, number } => {
            format!("release {} is registered as number {number}", release.version)
        }
        Event::EvidenceRecorded { evidence } => {
            let found = match &evidence.found {
                Found::Facts { facts } => facts.kind().to_owned(),
                Found::Errored { reason } => format!("errored: {reason}"),
            };
            format!("evidence ({}) is recorded: {found}", evidence.format)
        }
        Event::LaneTaken {
            target,
            promotion: id,
        } => format!("{} takes the lane of {target}", promotion(id)),
        Event::LaneFreed { target, .. } => format!("the lane of {target} is free"),
        Event::WentLive { version, .. } => format!("{version} is live in {at}"),
        Event::ReleaseBarred {
            release,
            promotion: id,
        } => {
            format!(
                "{} is barred from {at} because of {}",
                label(world, release),
                promotion(id)
            )
        }
        Event::BarLifted { release } => format!("{by} lifts the bar on {} in {at}", label(world, release)),
        Event::HealthObserved {
            health,
            not_seen_from,
            why: _,
        } => match not_seen_from {
            Some(from) => format!("health of {at} is {health}; nobody looked since {}", time(*from)),
            None => format!("health of {at} is {health}"),
        },
        Event::PromotionRequested {
            release,
            kind,
            automatic,
            ..
        } => {
            let asks = if *automatic {
                "the pipeline".to_owned()
            } else {
                by.to_string()
            };
            match kind {
                PromotionKind::Forward => format!("{asks} asks for {} in {at}", label(world, release)),
                PromotionKind::Rollback => format!("{asks} asks for {} back in {at}", label(world, release)),
            }
        }
        Event::PipelineRepinned { pipeline } => {
            format!("{at} is judged by pipeline version {} now", &pipeline.hex()[..4])
        }
        Event::DecisionRecorded { decision } => format!("{at} {}", decision.headline),
        Event::ApprovalGiven { approval } => format!("{} approves {at} for {}", approval.by, approval.from),
        Event::ApprovalVoided { by, .. } => {
            format!("the approval of {by} does not count any more: {at} asks something else")
        }
        Event::OverrideGranted { permission } => {
            format!(
                "{by} overrides gate {} of {at} until {}",
                permission.gate,
                time(permission.until)
            )
        }
        Event::CheckRecorded { gate, of, evidence } => {
            let what = match of {
                CheckOf::Entry => "check",
                CheckOf::Verify => "verification",
            };
            let found = match &evidence.found {
                Found::Facts { .. } => "found out".to_owned(),
                Found::Errored { reason } => format!("errored: {reason}"),
            };
            format!("{what} {gate} of {at} {found}")
        }
        Event::PromotionAdmitted { steps, .. } => {
            let steps: Vec<String> = steps.iter().map(ToString::to_string).collect();
            format!("{at} begins to roll out: {}", steps.join(", "))
        }
        Event::StepIntended {
            step: index,
            attempt,
            action,
        } => {
            let again = if *attempt > 1 {
                format!(", attempt {attempt}")
            } else {
                String::new()
            };
            format!("{at} step {index}{again}: {}", step(*action))
        }
        Event::StepApplied {
            step: index,
            go_on_at,
            ..
        } => match go_on_at {
            Some(at_least) if *at_least > recorded.at => {
                format!("{at} step {index} is true, stands until {}", time(*at_least))
            }
            Some(_) | None => format!("{at} step {index} is true"),
        },
        Event::StepFailed { step: index, why, .. } => format!("{at} step {index} failed: {why}"),
        Event::StepParked { step: index, why, .. } => {
            format!("{at} step {index} is parked, nobody can tell: {why}")
        }
        Event::RulingChanged { ruling, .. } => format!(
            "the judge of {at} says {}: {}",
            ruling.says.word(),
            ruling.headline
        ),
        Event::RolloutPaused { why } => {
            let why = match why {
                PauseReason::Asked => format!("{by} asked"),
                PauseReason::Inconclusive => "the judge could not tell in time".to_owned(),
                PauseReason::Irreversible => {
                    "it must not be rolled back by itself; a person is called".to_owned()
                }
                PauseReason::Parked => "a step could not be observed; a person is called".to_owned(),
            };
            format!("{at} is paused: {why}")
        }
        Event::RolloutResumed {} => format!("{by} lets {at} go on"),
        Event::RollbackBegan { why, says } => {
            let why = match why {
                RollbackReason::Judged => "the judge ruled so",
                RollbackReason::StepFailed => "a step failed",
                RollbackReason::VerificationFailed => "verification failed",
                RollbackReason::Aborted => "an actor aborted it",
                RollbackReason::Superseded => "another may not wait",
            };
            format!("{at} is taken back, {why}: {says}")
        }
        Event::VerificationBegan { checks, until } => {
            if checks.is_empty() {
                return None;
            }
            let checks: Vec<&str> = checks.iter().map(|gate| gate.as_str()).collect();
            format!("{at} is verified until {}: {}", time(*until), checks.join(", "))
        }
        Event::PromotionEnded {
            outcome,
            says,
            served,
            ..
        } => {
            let served = match served.requests {
                0 => String::new(),
                requests => format!(" ({requests} requests served, {} bad)", served.bad_requests),
            };
            format!("{at} ended {outcome}: {says}{served}")
        }
        Event::ReleaseNumbered { .. } | Event::PromotionOpened { .. } | Event::PromotionClosed { .. } => {
            return None;
        }
    })
}

/// A stored decision, row by row.
pub(crate) fn decision(decision: &Decision) -> Vec<String> {
    let Decision {
        version,
        stage,
        headline,
        verdicts,
        risk,
        until,
        ..
    } = decision;
    let mut rows = vec![format!(
        "{version} -> {}: {headline} (risk {})",
        stage.stage,
        risk.word()
    )];
    rows.extend(verdicts.iter().flat_map(verdict));
    rows.extend(until.map(|until| format!("decided again {}", time(until))));
    rows
}

fn verdict(gate: &GateVerdict) -> Vec<String> {
    let mark = match (gate.verdict, &gate.overridden) {
        (_, Some(_)) => "overridden",
        (Verdict::Satisfied, None) => "ok",
        (Verdict::Waiting, None) => "waiting",
        (Verdict::Refused, None) => "refused",
    };
    let mut row = format!("{mark:<10} {:<10} {}", gate.gate.as_str(), gate.says);
    if let Some(until) = gate.until {
        row.push_str(&format!(" (until {})", time(until)));
    }
    if gate.verdict == Verdict::Satisfied {
        return vec![row];
    }
    let mut rows = vec![row];
    if !gate.changed_by.is_empty() {
        rows.push(format!("{:<21} changed by {}", "", gate.changed_by.join("; ")));
    }
    if !gate.next.is_empty() {
        rows.push(format!("{:<21} next: {}", "", gate.next));
    }
    rows
}
