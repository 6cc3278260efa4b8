//! What incidents and watches may do, held against what was recorded: they stop and take back, and move nothing on.

use gateline_core::World;
use gateline_model::{Event, PromotionKind, Recorded, StepAction, StreamId};

/// What is wrong with an append in which an incident was opened or closed, or a watch looked or ended.
pub(crate) fn recheck(world: &World, events: &[Recorded]) -> Option<String> {
    let stops = |recorded: &&Recorded| {
        matches!(
            recorded.event,
            Event::IncidentOpened { .. } | Event::IncidentClosed { .. } | Event::WatchLooked { .. }
        )
    };
    let cause = events.iter().find(stops)?;
    let moved = events.iter().find(|recorded| moves_on(world, events, recorded))?;
    Some(format!(
        "`{}` moved something on: `{}` in {}",
        cause.event.name(),
        moved.event.name(),
        moved.stream
    ))
}

fn moves_on(world: &World, events: &[Recorded], recorded: &Recorded) -> bool {
    match &recorded.event {
        Event::RolloutResumed {} | Event::BarLifted { .. } | Event::WentLive { .. } => true,
        Event::StepIntended { action, .. } => match action {
            StepAction::Withdraw | StepAction::Discard => false,
            _ => !is_rollback(world, events, &recorded.stream),
        },
        Event::PromotionAdmitted { .. } => !is_rollback(world, events, &recorded.stream),
        _ => false,
    }
}

/// Whether a promotion goes back: it was asked for here, or before.
fn is_rollback(world: &World, events: &[Recorded], stream: &StreamId) -> bool {
    let StreamId::Promotion(id) = stream else {
        return false;
    };
    let asked = events.iter().any(|recorded| {
        recorded.stream == *stream
            && matches!(
                recorded.event,
                Event::PromotionRequested {
                    kind: PromotionKind::Rollback,
                    ..
                }
            )
    });
    let known = world.promotion(id);
    asked || known.is_some_and(|promotion| promotion.kind == PromotionKind::Rollback)
}
