//! Orders: leased work, filled in from the state that it is about.

use gateline_core::{NoiseOrder, Promotion, World, gates, noise_of_watch};
use gateline_model::{
    Check, CheckOrder, Gate, GateName, OnFailure, Pipeline, ReleaseId, Risk, Stage, StageRef, StepAction,
    StepOrder, StreamId, TargetName, TargetView, Weight, WorkKind,
};
use gateline_store::Leased;

use crate::port::{PastOrder, SourceOrder, TaskOrder};
use crate::traffic;

/// What leased work asks of a driver. `None` when the state does not want it any more.
pub(crate) fn order(world: &World, leased: &Leased) -> Option<TaskOrder> {
    match (&leased.work.stream, &leased.work.kind) {
        (StreamId::Promotion(id), kind) => {
            let promotion = world.promotion(id)?;
            let pipeline = world
                .project(&id.stage.project)?
                .versions
                .get(&promotion.pipeline)?;
            let stage = pipeline.stage(&id.stage.stage)?;
            match kind {
                WorkKind::CheckEntry { gate } => check(world, promotion, pipeline, &stage.gates, gate),
                WorkKind::CheckStep { gate } => check(world, promotion, pipeline, &stage.before, gate)
                    .or_else(|| check(world, promotion, pipeline, &stage.during, gate)),
                WorkKind::CheckVerify { gate } => check(world, promotion, pipeline, &stage.verify, gate),
                WorkKind::Step { step, attempt } => step_order(world, promotion, stage, *step, *attempt),
                WorkKind::Measure => measure(world, promotion, stage),
                WorkKind::Judge
                | WorkKind::Continue { .. }
                | WorkKind::ObserveHealth
                | WorkKind::Watch { .. }
                | WorkKind::EndWatch
                | WorkKind::MeasureNoise { .. }
                | WorkKind::AskOnCall { .. }
                | WorkKind::Deliver { .. } => None,
            }
        }
        (StreamId::Stage(stage), WorkKind::ObserveHealth) => health(world, stage),
        (StreamId::Stage(stage), WorkKind::Watch { gate }) => look(world, stage, gate),
        (StreamId::Stage(stage), WorkKind::MeasureNoise { gate }) => {
            past(world, stage, noise_of_watch(world, stage, gate.as_str()).ok()?)
        }
        (StreamId::Project(project), WorkKind::AskOnCall { team }) => {
            let asked = world.project(project)?.on_call.get(team)?;
            Some(TaskOrder::OnCall(Box::new(asked.source.clone())))
        }
        (StreamId::Notifications(project), WorkKind::Deliver { letter }) => {
            let letter = world.telling(project)?.pending.get(letter)?;
            Some(TaskOrder::Deliver(Box::new((**letter).clone())))
        }
        (
            StreamId::Stage(_)
            | StreamId::Project(_)
            | StreamId::Release(_)
            | StreamId::Notifications(_)
            | StreamId::Incidents(_),
            _,
        ) => None,
    }
}

fn check(
    world: &World,
    promotion: &Promotion,
    pipeline: &Pipeline,
    declared: &[Gate],
    name: &GateName,
) -> Option<TaskOrder> {
    let gate = declared.iter().find(|gate| gate.name == *name)?;
    let risk = promotion
        .decision
        .as_ref()
        .map_or(Risk::Critical, |decision| decision.risk);
    let observes = gates::observed(gate, risk)?;
    let state = world.release(&promotion.release)?;
    let (reports, registries) = match &observes.check {
        Check::Attestation(_) => (gates::attestations(state), pipeline.registries()),
        Check::Metric(_) | Check::Http(_) | Check::Command(_) | Check::Policy(_) => Default::default(),
    };
    let policy = match &observes.check {
        Check::Policy(_) => Some(gates::policy_order(world, promotion, gate)?),
        Check::Metric(_) | Check::Http(_) | Check::Command(_) | Check::Attestation(_) => None,
    };
    let release = &state.release;
    Some(TaskOrder::Check(Box::new(CheckOrder {
        check: observes.check,
        release: promotion.release,
        stage: promotion.id.stage.clone(),
        version: release.version.to_string(),
        artifacts: release.artifacts.clone(),
        reports,
        registries,
        policy,
    })))
}

/// A look at what is watched, by the version that it is watched by.
fn look(world: &World, stage_ref: &StageRef, name: &GateName) -> Option<TaskOrder> {
    let watch = world.stage(stage_ref)?.watch.as_ref()?;
    let pipeline = world.project(&stage_ref.project)?.versions.get(&watch.pipeline)?;
    let rules = pipeline.stage(&stage_ref.stage)?.watch.as_ref()?;
    let gate = rules.gates.iter().find(|gate| gate.name == *name)?;
    let check = gates::observed(gate, watch.risk)?.check;
    Some(TaskOrder::Check(Box::new(on_release(
        world,
        stage_ref,
        &watch.release,
        check,
    )?)))
}

/// The past of a watched threshold.
fn past(world: &World, stage: &StageRef, noise: NoiseOrder) -> Option<TaskOrder> {
    let check = Check::Metric(noise.check.clone());
    let check = on_release(world, stage, &noise.release, check)?;
    Some(TaskOrder::Past(Box::new(PastOrder { check, noise })))
}

/// A check of a release, without what only some kinds of check need.
fn on_release(world: &World, stage: &StageRef, release: &ReleaseId, check: Check) -> Option<CheckOrder> {
    let of = &world.release(release)?.release;
    Some(CheckOrder {
        check,
        release: *release,
        stage: stage.clone(),
        version: of.version.to_string(),
        artifacts: of.artifacts.clone(),
        reports: Vec::new(),
        registries: Default::default(),
        policy: None,
    })
}

fn step_order(
    world: &World,
    promotion: &Promotion,
    stage: &Stage,
    step: u32,
    attempt: u32,
) -> Option<TaskOrder> {
    let rollout = promotion.rollout()?;
    let live = rollout
        .live
        .and_then(|live| world.release(&live))
        .map(|state| state.brief());
    Some(TaskOrder::Step(Box::new(StepOrder {
        key: format!("{}/{step}/{attempt}", promotion.id),
        stage: promotion.id.stage.clone(),
        target_name: rollout.target.clone(),
        target: stage.target.clone(),
        release: world.release(&promotion.release)?.brief(),
        live,
        action: *rollout.steps.get(step as usize)?,
        degrade: match &stage.on_failure {
            OnFailure::Command(command) => Some(command.clone()),
            OnFailure::RollBack | OnFailure::Pause => None,
        },
    })))
}

fn measure(world: &World, promotion: &Promotion, stage: &Stage) -> Option<TaskOrder> {
    let rollout = promotion.rollout()?;
    let plan = promotion.plan_in(stage, rollout.live.is_some());
    let settings = traffic::settings(&plan, rollout)?;
    let source = settings.source.clone().map(|source| {
        let weight = rollout
            .action()
            .and_then(StepAction::weight)
            .unwrap_or(Weight::NONE);
        let live = rollout
            .live
            .and_then(|live| world.release(&live))
            .map(|state| state.release.version.clone());
        Box::new(SourceOrder {
            source,
            weight,
            live,
            before: rollout.ruling.is_none().then_some(settings.every),
        })
    });
    let view = view(world, stage, &rollout.target, &promotion.release)?;
    Some(TaskOrder::Measure(Box::new(view), source))
}

fn health(world: &World, stage_ref: &StageRef) -> Option<TaskOrder> {
    let live = world.stage(stage_ref)?.live.clone()?;
    let pipeline = world.project(&stage_ref.project)?.pipeline(&stage_ref.pipeline)?;
    let stage = pipeline.stage(&stage_ref.stage)?;
    let target = stage.target_name.fill(&live.version)?;
    Some(TaskOrder::Health(Box::new(view(
        world,
        stage,
        &target,
        &live.release,
    )?)))
}

fn view(world: &World, stage: &Stage, target: &TargetName, release: &ReleaseId) -> Option<TargetView> {
    Some(TargetView {
        target_name: target.clone(),
        target: stage.target.clone(),
        release: world.release(release)?.brief(),
    })
}
