//! Overrides of promotions that are not admitted yet, and reviews that are owed, with their reasons from the log.

use std::collections::BTreeMap;

use gateline_api::{ErasedView, OpenOverride, OpenReview, OverrideView, OverridesView};
use gateline_core::{Phase, Promotion, Sight, World};
use gateline_model::{Event, GateName, ProjectName, PromotionId, Recorded, Review, StageRef, StreamId};
use jiff::Timestamp;

use super::log::erased;
use crate::hub::Hub;
use crate::refused::Refused;

/// The overrides and reviews of a project, or of all.
pub(crate) async fn overrides(
    hub: &Hub,
    sight: &Sight,
    project: Option<&ProjectName>,
) -> Result<OverridesView, Refused> {
    let now = Timestamp::now();
    let wanted = |of: &StageRef| project.is_none_or(|wanted| *wanted == of.project) && sight.sees_stage(of);
    let (held, owed) = hub.with_world(|world| {
        let held = world.promotions().filter(|promotion| {
            let any = !promotion.overrides.is_empty() || !promotion.overrides_asked.is_empty();
            any && promotion.phase == Phase::Held && wanted(&promotion.id.stage)
        });
        let held: Vec<_> = held
            .filter_map(|promotion| {
                let release = world.release(&promotion.release)?;
                Some(((**promotion).clone(), release.release.version.clone()))
            })
            .collect();
        let stages = world.stages().filter(|(of, _)| wanted(of));
        let owed: Vec<(Review, String)> = stages
            .flat_map(|(of, state)| {
                let pipeline = world
                    .project(&of.project)
                    .and_then(|state| state.pipeline(&of.pipeline));
                let stage = pipeline.and_then(|pipeline| pipeline.stage(&of.stage));
                let from = stage
                    .map(|stage| stage.overrides.review.from.clone())
                    .unwrap_or_default();
                let from = match from.is_empty() {
                    true => "whoever may override here".to_owned(),
                    false => from.to_string(),
                };
                state
                    .reviews
                    .iter()
                    .map(move |review| (review.clone(), from.clone()))
            })
            .collect();
        (held, owed)
    });
    let mut streams: BTreeMap<PromotionId, Vec<Recorded>> = BTreeMap::new();
    let named = held.iter().map(|(promotion, _)| &promotion.id);
    for id in named.chain(owed.iter().map(|(review, _)| &review.promotion)) {
        if !streams.contains_key(id) {
            let stream = StreamId::Promotion(id.clone());
            let events = hub.read(move |store| store.read_stream(&stream, 0)).await?;
            streams.insert(id.clone(), events);
        }
    }
    let mut view = OverridesView::default();
    for (promotion, version) in &held {
        let events = streams.get(&promotion.id).map_or(&[][..], Vec::as_slice);
        let open = hub
            .with_world(|world| of_promotion(world, promotion, events))
            .into_iter()
            .filter(|one| now < one.until);
        view.overrides.extend(open.map(|permission| OpenOverride {
            promotion: promotion.id.clone(),
            version: version.clone(),
            permission,
        }));
    }
    view.overrides
        .sort_by(|a, b| (a.permission.until, &a.promotion).cmp(&(b.permission.until, &b.promotion)));
    for (review, from) in owed {
        let events = streams.get(&review.promotion).map_or(&[][..], Vec::as_slice);
        let (reason, erased) = hub.with_world(|world| reason_of(world, events, &review.gate));
        view.reviews.push(OpenReview {
            reason,
            erased,
            overdue: review.due <= now,
            review,
            from,
        });
    }
    view.reviews
        .sort_by(|a, b| (a.review.due, &a.review.promotion).cmp(&(b.review.due, &b.review.promotion)));
    Ok(view)
}

/// The overrides of one promotion, each with the reason from the erasable part of its event.
pub(super) fn of_promotion(world: &World, promotion: &Promotion, events: &[Recorded]) -> Vec<OverrideView> {
    let view = |granted: &gateline_model::Override, waits: bool| {
        let (reason, erased) = reason_of(world, events, &granted.gate);
        OverrideView {
            gate: granted.gate.clone(),
            by: granted.by.clone(),
            at: granted.at,
            until: granted.until,
            confirmed_by: granted.confirmed_by.clone(),
            waits,
            reason,
            erased,
        }
    };
    let granted = promotion.overrides.iter().map(|one| view(one, false));
    granted
        .chain(promotion.overrides_asked.iter().map(|one| view(one, true)))
        .collect()
}

/// Why the gate was overridden: as whoever asked for it last said. Or when that was erased, and by whom.
fn reason_of(world: &World, events: &[Recorded], gate: &GateName) -> (Option<String>, Option<ErasedView>) {
    let asked = events.iter().rfind(|recorded| match &recorded.event {
        Event::OverrideAsked { permission } => permission.gate == *gate,
        Event::OverrideGranted { permission } => {
            permission.gate == *gate && permission.confirmed_by.is_none()
        }
        _ => false,
    });
    let reason = asked.and_then(|recorded| recorded.private.as_ref()?.reason.clone());
    (reason, asked.and_then(|recorded| erased(world, recorded)))
}
