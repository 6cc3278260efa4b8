//! Reactions: which held promotions an event of another stream concerns. Every replica reacts to every event;
//! judging twice changes nothing.

use gateline_model::{Event, PromotionId, Recorded, StreamId};

use crate::state::Phase;
use crate::world::World;

/// The held promotions whose gates must be judged again because of this event, in the order of their requests.
pub fn must_be_judged_again(world: &World, recorded: &Recorded) -> Vec<PromotionId> {
    let mut found: Vec<PromotionId> = match (&recorded.event, &recorded.stream) {
        (Event::EvidenceRecorded { .. }, StreamId::Release(release)) => {
            world.promotions_of(release).cloned().collect()
        }
        (
            Event::PipelineApplied { .. } | Event::FreezeDeclared { .. } | Event::FreezeLifted { .. },
            StreamId::Project(project),
        ) => world
            .promotions()
            .filter(|promotion| promotion.id.stage.project == *project)
            .map(|promotion| promotion.id.clone())
            .collect(),
        (Event::LaneFreed { .. }, StreamId::Stage(stage)) => world
            .stage(stage)
            .into_iter()
            .flat_map(|state| &state.open)
            .map(|open| open.id.clone())
            .collect(),
        // Soak looks at earlier stages.
        (Event::WentLive { .. } | Event::HealthObserved { .. }, StreamId::Stage(stage)) => world
            .project(&stage.project)
            .and_then(|project| project.pipeline(&stage.pipeline).cloned())
            .into_iter()
            .flat_map(|pipeline| {
                let later = pipeline.stages.iter().filter(|later| later.name != stage.stage);
                later.map(|later| stage.sibling(&later.name)).collect::<Vec<_>>()
            })
            .flat_map(|later| {
                world
                    .stage(&later)
                    .map(|state| state.open.clone())
                    .unwrap_or_default()
            })
            .map(|open| open.id)
            .collect(),
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
