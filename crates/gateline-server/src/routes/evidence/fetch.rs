//! `POST /api/v1/releases/{release}/evidence/fetch`

use gateline_api::{FetchEvidence, FetchedView, entry};
use gateline_core::authority::Object;
use gateline_model::Scope;

use crate::call::Call;
use crate::hub::record_attached;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<FetchEvidence>) -> Result<FetchedView, Refused> {
    let (id, of, registries) = call.app.hub.with_world(|world| {
        let release = views::release_named(world, &call.sight, &call.path.release)?;
        let of = release.release.of.clone();
        let project = world.project(&of.project);
        let pipeline = project.and_then(|project| project.pipeline(&of.pipeline));
        let registries = pipeline.map(|pipeline| pipeline.registries());
        Ok::<_, Refused>((release.id, of, registries.unwrap_or_default()))
    })?;
    call.expect_right(Scope::SubmitEvidence, &Object::pipeline(&of))?;
    if registries.is_empty() {
        return Err(Refused::new(
            &entry::NO_REGISTRY,
            format!(
                "no artifact of pipeline `{}` says where more is attached to it",
                of.pipeline
            ),
        ));
    }
    let fetched = record_attached(&call.app.hub, &id, &registries)
        .await
        .map_err(|why| Refused::new(&entry::REGISTRY, why))?;
    let view = |(id, evidence): &(_, std::sync::Arc<_>)| views::evidence(*id, evidence);
    Ok(FetchedView {
        evidence: fetched.evidence.iter().map(view).collect(),
        recorded: fetched.new as u64,
        passed_over: fetched.passed_over,
    })
}
