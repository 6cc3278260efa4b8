//! Where an open promotion stands: its word, its sentence, since when, on whom, until when.

use gateline_api::{PromotionState, Proposed, RolloutBrief};
use gateline_core::{Phase, Promotion, StepState, World};
use gateline_model::{Admission, PauseReason};
use jiff::Timestamp;

/// The word.
pub(super) fn state(promotion: &Promotion) -> PromotionState {
    match &promotion.phase {
        Phase::Held => match promotion.decision.as_ref().map(|decision| decision.admission) {
            Some(Admission::Admit) => PromotionState::Admitted,
            Some(Admission::Refuse) => PromotionState::Refused,
            Some(Admission::Hold) | None => PromotionState::Held,
        },
        Phase::Rolling(rollout) if rollout.paused.is_some() => PromotionState::Paused,
        Phase::Rolling(rollout) if rollout.rollback.is_some() => PromotionState::RollingBack,
        Phase::Rolling(rollout) if rollout.verification.is_some() => PromotionState::Verifying,
        Phase::Rolling(_) => PromotionState::RollingOut,
        Phase::Ended(ended) => ended.outcome.into(),
    }
}

/// Since when it stands so.
fn since(promotion: &Promotion) -> Timestamp {
    match &promotion.phase {
        Phase::Held => {
            let Some(decision) = &promotion.decision else {
                return promotion.requested_at;
            };
            let keeping_out = decision.verdicts.iter().filter(|gate| gate.keeps_out());
            keeping_out.map(|gate| gate.since).min().unwrap_or(decision.at)
        }
        Phase::Rolling(rollout) => match (rollout.paused, &rollout.rollback, &rollout.state) {
            (Some((_, since)), _, _) => since,
            (None, Some(rollback), _) => rollback.since,
            (None, None, StepState::Intended { since } | StepState::Applied { since, .. }) => *since,
            (None, None, StepState::Failed { .. } | StepState::Parked { .. }) => rollout.admitted_at,
        },
        Phase::Ended(ended) => ended.at,
    }
}

/// Who or what can change it, each once.
fn waiting_on(promotion: &Promotion, world: &World) -> Vec<String> {
    match &promotion.phase {
        Phase::Held => {
            let mut on: Vec<String> = Vec::new();
            let verdicts = promotion.decision.iter().flat_map(|decision| &decision.verdicts);
            for who in verdicts
                .filter(|gate| gate.keeps_out())
                .flat_map(|gate| &gate.changed_by)
            {
                if !on.contains(who) {
                    on.push(who.clone());
                }
            }
            if state(promotion) == PromotionState::Admitted {
                let lanes = world.stage(&promotion.id.stage).map(|stage| stage.lanes.values());
                on.extend(
                    lanes
                        .into_iter()
                        .flatten()
                        .map(|other| format!("promotion {other}")),
                );
            }
            on
        }
        Phase::Rolling(rollout) => match rollout.paused {
            Some((PauseReason::Asked | PauseReason::Inconclusive | PauseReason::GoAhead, _)) => {
                vec!["an actor who may promote: resume or abort".to_owned()]
            }
            Some((PauseReason::Irreversible | PauseReason::Parked | PauseReason::Failed, _)) => {
                vec!["a person who looks at the target: resume or abort".to_owned()]
            }
            Some((PauseReason::Incident, _)) => {
                vec!["a person who looks at the incident: resume or abort".to_owned()]
            }
            None => Vec::new(),
        },
        Phase::Ended(_) => Vec::new(),
    }
}

/// When it changes by itself, at the earliest.
fn until(promotion: &Promotion, now: Timestamp) -> Option<Timestamp> {
    match &promotion.phase {
        Phase::Held => promotion.decision.as_ref().and_then(|decision| decision.until),
        // Nothing that stands for a person changes by itself.
        Phase::Rolling(rollout) if rollout.paused.is_some() => None,
        Phase::Rolling(rollout) => match (&rollout.verification, &rollout.state) {
            (Some((_, until)), _) => Some(*until),
            // Once its time is over, whatever else it waits for is not known ahead.
            (None, StepState::Applied { go_on_at, .. }) => go_on_at.filter(|at| now < *at),
            (None, StepState::Intended { .. } | StepState::Failed { .. } | StepState::Parked { .. }) => None,
        },
        Phase::Ended(_) => None,
    }
}

/// An open promotion at a glance, without its traffic, which the engine counts.
pub(super) fn proposed(promotion: &Promotion, world: &World) -> Option<Proposed> {
    let release = world.release(&promotion.release)?;
    let decision = promotion.decision.as_ref();
    Some(Proposed {
        promotion: promotion.id.clone(),
        release: promotion.release,
        version: release.release.version.clone(),
        kind: promotion.kind,
        state: state(promotion),
        satisfied: decision.map_or(0, |decision| decision.satisfied() as u32),
        gates: decision.map_or(0, |decision| decision.verdicts.len() as u32),
        headline: promotion.says(),
        opening: decision
            .filter(|_| promotion.phase == Phase::Held)
            .and_then(|decision| decision.opening.clone()),
        since: since(promotion),
        waiting_on: waiting_on(promotion, world),
        until: until(promotion, Timestamp::now()),
        rollout: promotion.rollout().map(|rollout| RolloutBrief {
            step: rollout.step + 1,
            steps: rollout.steps.len() as u32,
            weight: rollout.weight(),
            requests: 0,
            errors: 0,
        }),
    })
}
