//! Reactions: which held promotions an event of another stream concerns. Every replica reacts to every event;
//! judging twice changes nothing.

use std::collections::BTreeSet;

use gateline_model::{Event, PipelineRef, PromotionId, Recorded, ReleaseId, StageRef, StreamId};

use crate::decide::server_project;
use crate::state::Phase;
use crate::world::World;

/// The held promotions whose gates must be judged again because of this event, each once, in the order of their requests.
pub fn must_be_judged_again(world: &World, recorded: &Recorded) -> Vec<PromotionId> {
    let mut found: Vec<PromotionId> = match (&recorded.event, &recorded.stream) {
        (Event::EvidenceRecorded { .. }, StreamId::Release(release)) => {
            let mut concerned: Vec<PromotionId> = world.promotions_of(release).cloned().collect();
            concerned.extend(compared_with(world, release));
            concerned
        }
        // What else a pipeline may be asked, its gates `depends` ask.
        (Event::PipelineApplied { pipeline, .. }, StreamId::Project(_)) => {
            concerned_by(world, &pipeline.reference())
        }
        (Event::FreezeDeclared { freeze }, StreamId::Project(project)) => match &freeze.pipeline {
            Some(pipeline) => world.promotions_in(pipeline).cloned().collect(),
            None => world.promotions_in_project(project).cloned().collect(),
        },
        (Event::WaiverGranted { waiver }, StreamId::Project(project)) => {
            let of = PipelineRef {
                project: project.clone(),
                pipeline: waiver.pipeline.clone(),
            };
            world.promotions_in(&of).cloned().collect()
        }
        (
            Event::PolicyApplied { .. }
            | Event::CalendarApplied { .. }
            | Event::FreezeLifted { .. }
            | Event::WaiverLifted { .. },
            StreamId::Project(project),
        ) => world.promotions_in_project(project).cloned().collect(),
        // Who may answer changed, perhaps everywhere: who was asked before may not count any more.
        (
            Event::RolesApplied { .. }
            | Event::OnCallLearned { .. }
            | Event::OnCallErrored { .. }
            | Event::KeyRevoked { .. }
            | Event::TokenRevoked { .. }
            | Event::DelegationEnded { .. },
            StreamId::Project(project),
        ) => {
            let everywhere = *project == server_project();
            let all = world.promotions().filter(|_| everywhere).map(|one| &one.id);
            let here = world.promotions_in_project(project).filter(|_| !everywhere);
            let asks = |id: &&PromotionId| {
                let promotion = world.promotion(id);
                promotion.is_some_and(|one| !one.asked.is_empty() || !one.overrides.is_empty())
            };
            all.chain(here).filter(asks).cloned().collect()
        }
        (Event::IncidentOpened { incident }, StreamId::Incidents(_)) => {
            in_pipelines_of(world, &incident.stages)
        }
        (
            Event::SuspectLifted { number, .. } | Event::IncidentClosed { number, .. },
            StreamId::Incidents(project),
        ) => {
            let noted = world.incidents(project).and_then(|state| state.get(*number));
            noted.map_or_else(Vec::new, |noted| in_pipelines_of(world, &noted.incident.stages))
        }
        (Event::LaneFreed { .. } | Event::ReviewWritten { .. }, StreamId::Stage(stage)) => world
            .stage(stage)
            .into_iter()
            .flat_map(|state| &state.open)
            .map(|open| open.id.clone())
            .collect(),
        // Soak and parity look at other stages of the pipeline, baselines at the stage itself, `depends` anywhere.
        (Event::WentLive { .. } | Event::HealthObserved { .. }, StreamId::Stage(changed)) => {
            concerned_by(world, &changed.pipeline_ref())
        }
        // Everything else either concerns no gate, or was judged in the same append.
        _ => return Vec::new(),
    };
    found.retain(|id| {
        world
            .promotion(id)
            .is_some_and(|promotion| promotion.phase == Phase::Held)
    });
    found.sort_by(|a, b| (a.number, a).cmp(&(b.number, b)));
    found.dedup();
    found
}

/// Promotions of the pipelines that an incident touches: gates ask about stages of their own pipeline.
fn in_pipelines_of(world: &World, stages: &[StageRef]) -> Vec<PromotionId> {
    let pipelines: BTreeSet<PipelineRef> = stages.iter().map(StageRef::pipeline_ref).collect();
    let open = pipelines.iter().flat_map(|of| world.promotions_in(of));
    open.cloned().collect()
}

/// Promotions of a pipeline, and those of others that ask about it.
fn concerned_by(world: &World, pipeline: &PipelineRef) -> Vec<PromotionId> {
    let here = world.promotions_in(pipeline);
    here.chain(world.promotions_asking_about(pipeline))
        .cloned()
        .collect()
}

/// Promotions of other releases in a pipeline where this one is live: baselines and parity look at its evidence.
fn compared_with(world: &World, release: &ReleaseId) -> Vec<PromotionId> {
    let Some(of) = world.release(release).map(|state| &state.release.of) else {
        return Vec::new();
    };
    let in_force = world
        .project(&of.project)
        .and_then(|project| project.pipeline(&of.pipeline));
    let is_live = in_force.is_some_and(|pipeline| {
        pipeline.stages.iter().any(|stage| {
            let state = world.stage(&pipeline.stage_ref(&stage.name));
            let live = state.and_then(|state| state.live.as_ref());
            live.is_some_and(|live| live.release == *release)
        })
    });
    if !is_live {
        return Vec::new();
    }
    let is_other = |id: &&PromotionId| {
        world
            .promotion(id)
            .is_some_and(|promotion| promotion.release != *release)
    };
    world.promotions_in(of).filter(is_other).cloned().collect()
}
