//! The plan: what a stream's state still needs somebody to do. A pure function of that state alone.

use std::sync::Arc;

use gateline_model::{
    CheckOf, Found, GateName, Letter, ProjectName, RulingKind, StageRef, StreamId, Work, WorkKind,
};

use crate::decide::again_after;
use crate::planted::{Planted, is};
use crate::state::{OnCallSources, Phase, Promotion, Rollout, StageState, StepState, Telling};
use crate::world::World;

/// All work that one stream plans now, by id.
pub fn plan(world: &World, stream: &StreamId) -> Vec<Work> {
    let mut work = match stream {
        // Incidents wait for people.
        StreamId::Release(_) | StreamId::Incidents(_) => Vec::new(),
        StreamId::Project(project) => world
            .project(project)
            .map(|state| plan_on_call(project, &state.on_call))
            .unwrap_or_default(),
        StreamId::Stage(stage) => world
            .stage(stage)
            .map(|state| plan_stage(stage, state))
            .unwrap_or_default(),
        StreamId::Promotion(id) => world
            .promotion(id)
            .map(|state| plan_promotion(state))
            .unwrap_or_default(),
        StreamId::Notifications(project) => world
            .telling(project)
            .map(|state| plan_telling(project, state))
            .unwrap_or_default(),
    };
    work.sort_by(|a, b| a.kind.cmp(&b.kind));
    work
}

pub(crate) fn plan_stage(stage: &StageRef, state: &StageState) -> Vec<Work> {
    let Some(live) = &state.live else {
        return Vec::new();
    };
    let work = |kind, due| Work {
        stream: StreamId::Stage(stage.clone()),
        kind,
        due,
    };
    let mut planned = vec![work(WorkKind::ObserveHealth, live.health_every.after(live.since))];
    if let Some(watch) = state.watch.as_ref().filter(|watch| watch.is_open()) {
        for (gate, looked) in &watch.gates {
            let look = WorkKind::Watch { gate: gate.clone() };
            planned.push(work(look, watch.every.after(watch.since)));
            if looked.noise.is_none() {
                let measure = WorkKind::MeasureNoise { gate: gate.clone() };
                planned.push(work(measure, watch.since));
            }
        }
        planned.push(work(WorkKind::EndWatch, watch.until));
    }
    planned.sort_by(|a, b| a.kind.cmp(&b.kind));
    planned
}

pub(crate) fn plan_on_call(project: &ProjectName, sources: &OnCallSources) -> Vec<Work> {
    let work = |(team, asked): (&gateline_model::GroupName, &crate::state::Asked)| Work {
        stream: StreamId::Project(project.clone()),
        kind: WorkKind::AskOnCall { team: team.clone() },
        due: asked.declared_at,
    };
    sources.iter().map(work).collect()
}

pub(crate) fn plan_telling(project: &ProjectName, state: &Telling) -> Vec<Work> {
    let work = |(letter, waits): (&u64, &Arc<Letter>)| Work {
        stream: StreamId::Notifications(project.clone()),
        kind: WorkKind::Deliver { letter: *letter },
        due: waits.due,
    };
    state.pending.iter().map(work).collect()
}

pub(crate) fn plan_promotion(promotion: &Promotion) -> Vec<Work> {
    let stream = StreamId::Promotion(promotion.id.clone());
    let work = |kind, due| Work {
        stream: stream.clone(),
        kind,
        due,
    };
    match &promotion.phase {
        Phase::Ended(_) => Vec::new(),
        Phase::Held => {
            // A held promotion is always looked at again: at the latest when its decision says, or in a day.
            let decision = promotion.decision.as_ref();
            let until = decision
                .and_then(|decision| decision.until)
                .unwrap_or_else(|| gateline_model::Span::from_secs(86_400).after(promotion.requested_at));
            let checks = decision
                .into_iter()
                .flat_map(|decision| &decision.verdicts)
                .filter_map(|gate| {
                    Some(work(
                        WorkKind::CheckEntry {
                            gate: gate.gate.clone(),
                        },
                        gate.check_due?,
                    ))
                });
            std::iter::once(work(WorkKind::Judge, until))
                .chain(checks)
                .collect()
        }
        Phase::Rolling(rollout) => plan_rollout(promotion, rollout, &work),
    }
}

fn plan_rollout(
    promotion: &Promotion,
    rollout: &Rollout,
    work: &dyn Fn(WorkKind, jiff::Timestamp) -> Work,
) -> Vec<Work> {
    let step = rollout.step;
    // The one moment at which something is over: a pause, a check's time, the rollout's or the rollback's.
    let mut over: Option<jiff::Timestamp> = match &rollout.rollback {
        Some(rollback) => Some(rollback.until),
        None => rollout.until,
    };
    let mut sooner = |at: jiff::Timestamp| over = Some(over.map_or(at, |over| over.min(at)));
    let mut planned = Vec::new();
    let open = |of: CheckOf, gate: &GateName| {
        let checked = promotion.checks.get(&(of, gate.clone()));
        checked.is_none_or(|checked| matches!(checked.evidence.found, Found::Errored { .. }))
    };
    match &rollout.state {
        StepState::Intended { since } => {
            let attempt = rollout.attempt;
            if attempt > 1 && is(Planted::NeverAgain) {
                return planned;
            }
            let due = again_after(rollout.action(), attempt).after(*since);
            planned.push(work(WorkKind::Step { step, attempt }, due));
        }
        StepState::Failed { .. } | StepState::Parked { .. } => {}
        StepState::Applied {
            since,
            go_on_at,
            measure_every,
            checks,
        } => {
            if measure_every.is_some() {
                planned.push(work(WorkKind::Measure, *since));
            }
            if let Some((gates, until)) = &rollout.verification {
                sooner(*until);
                let open = gates.iter().filter(|gate| open(CheckOf::Verify, gate));
                planned.extend(open.map(|gate| work(WorkKind::CheckVerify { gate: gate.clone() }, *since)));
            } else if rollout.rollback.is_none() {
                let ruled = rollout
                    .ruling
                    .as_ref()
                    .is_some_and(|(of, ruling)| *of == step && ruling.says == RulingKind::Advance);
                if let (Some(at), None) = (go_on_at, rollout.paused)
                    && (measure_every.is_none() || ruled)
                {
                    sooner(*at);
                }
                if let Some(checks) = checks {
                    let open: Vec<_> = checks
                        .gates
                        .iter()
                        .filter(|gate| open(CheckOf::Step, gate))
                        .collect();
                    if !open.is_empty() {
                        sooner(checks.until);
                    }
                    planned.extend(
                        open.into_iter()
                            .map(|gate| work(WorkKind::CheckStep { gate: gate.clone() }, *since)),
                    );
                }
            }
        }
    }
    planned.extend(over.map(|at| work(WorkKind::Continue { step }, at)));
    planned
}
