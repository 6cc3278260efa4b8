//! A stage: what is live, proposed and barred, and what was before.

use gateline_api::{BarView, Named, StageView};
use gateline_core::World;
use gateline_model::StageRef;
use gateline_store::PromotionSearch;
use jiff::Timestamp;

use super::board::{all_proposed, live, with_traffic};
use super::calendars::calendar_of;
use super::incidents;
use super::promotions::summaries;
use crate::hub::Hub;
use crate::refused::Refused;
use crate::seen::not_there;

/// How many of its last promotions a stage shows.
const LAST_PROMOTIONS: usize = 10;

/// A stage.
///
/// # Errors
/// 404 if no pipeline in force has it.
pub(crate) async fn stage(hub: &Hub, of: &StageRef) -> Result<StageView, Refused> {
    let now = Timestamp::now();
    let view = hub.with_world(|world| view(world, of, now));
    let Some(mut view) = view else {
        return Err(not_there(&Named::Stage(of.clone())));
    };
    for proposed in &mut view.proposed {
        with_traffic(hub, proposed);
    }
    let search = PromotionSearch {
        pipeline: Some(of.pipeline_ref()),
        stage: Some(of.stage.clone()),
        limit: LAST_PROMOTIONS,
        ..PromotionSearch::default()
    };
    view.promotions = summaries(hub, search).await?;
    Ok(view)
}

fn view(world: &World, of: &StageRef, now: Timestamp) -> Option<StageView> {
    let project = world.project(&of.project)?;
    let spec = project.pipeline(&of.pipeline)?.stage(&of.stage)?.clone();
    let state = world.stage(of).cloned().unwrap_or_default();
    let freezes = project
        .freezes
        .values()
        .filter(|freeze| freeze.until > now && freeze.concerns(of, spec.production))
        .cloned();
    let bar = |(release, by): (&gateline_model::ReleaseId, &gateline_model::PromotionId)| BarView {
        release: *release,
        version: world.release(release).map(|state| state.release.version.clone()),
        by: by.clone(),
    };
    let (frozen_by, opening) = calendar_of(world, of, now);
    Some(StageView {
        of: of.clone(),
        frozen_by,
        opening,
        reviews: state.reviews.clone(),
        live: live(&state),
        before: state.back_to().map(|before| before.version.clone()),
        stuck: state.stuck().cloned(),
        proposed: all_proposed(world, &state),
        lanes: state.lanes.clone(),
        barred: state.barred.iter().map(bar).collect(),
        freezes: freezes.collect(),
        watch: incidents::watch(world, of),
        incidents: incidents::open_in(world, of),
        promotions: Vec::new(),
        spec,
    })
}
