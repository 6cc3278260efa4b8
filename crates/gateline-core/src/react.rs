//! Reactions: which held promotions an event of another stream concerns. Every replica reacts to every event;
//! judging twice changes nothing.

use gateline_model::{Event, PipelineRef, PromotionId, Recorded, ReleaseId, StreamId};

use crate::decide::server_project;
use crate::state::Phase;
use crate::world::World;

/// The held promotions whose gates must be judged again because of this event, in the order of their requests.
pub fn must_be_judged_again(world: &World, recorded: &Recorded) -> Vec<PromotionId> {
    let mut found: Vec<PromotionId> = match (&recorded.event, &recorded.stream) {
        (Event::EvidenceRecorded { .. }, StreamId::Release(release)) => {
            let mut concerned: Vec<PromotionId> = world.promotions_of(release).cloned().collect();
            concerned.extend(compared_with(world, release));
            concerned
        }
        (
            Event::PipelineApplied { .. }
            | Event::PolicyApplied { .. }
            | Event::CalendarApplied { .. }
            | Event::FreezeDeclared { .. }
            | Event::FreezeLifted { .. }
            | Event::WaiverGranted { .. }
            | Event::WaiverLifted { .. },
            StreamId::Project(project),
        ) => world
            .promotions()
            .filter(|promotion| promotion.id.stage.project == *project)
            .map(|promotion| promotion.id.clone())
            .collect(),
        // Who may answer changed, perhaps everywhere: who was asked before may not count any more.
        (
            Event::RolesApplied { .. }
            | Event::OnCallLearned { .. }
            | Event::OnCallErrored { .. }
            | Event::KeyRevoked { .. }
            | Event::TokenRevoked { .. }
            | Event::DelegationEnded { .. },
            StreamId::Project(project),
        ) => world
            .promotions()
            .filter(|promotion| *project == server_project() || promotion.id.stage.project == *project)
            .filter(|promotion| !promotion.asked.is_empty() || !promotion.overrides.is_empty())
            .map(|promotion| promotion.id.clone())
            .collect(),
        (
            Event::IncidentOpened { .. } | Event::SuspectLifted { .. } | Event::IncidentClosed { .. },
            StreamId::Incidents(project),
        ) => world
            .promotions()
            .filter(|promotion| promotion.id.stage.project == *project)
            .map(|promotion| promotion.id.clone())
            .collect(),
        (Event::LaneFreed { .. } | Event::ReviewWritten { .. }, StreamId::Stage(stage)) => world
            .stage(stage)
            .into_iter()
            .flat_map(|state| &state.open)
            .map(|open| open.id.clone())
            .collect(),
        // Soak and parity look at other stages of the pipeline, baselines at the stage itself, `depends` anywhere.
        (Event::WentLive { .. } | Event::HealthObserved { .. }, StreamId::Stage(changed)) => {
            let pipeline = PipelineRef {
                project: changed.project.clone(),
                pipeline: changed.pipeline.clone(),
            };
            let here = world.promotions_in(&pipeline);
            let elsewhere = world
                .asking_elsewhere()
                .filter(|id| id.stage.project != pipeline.project || id.stage.pipeline != pipeline.pipeline);
            here.chain(elsewhere).cloned().collect()
        }
        // Everything else either concerns no gate, or was judged in the same append.
        _ => return Vec::new(),
    };
    found.retain(|id| {
        world
            .promotion(id)
            .is_some_and(|promotion| promotion.phase == Phase::Held)
    });
    found.sort_by_key(|id| id.number);
    found
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
