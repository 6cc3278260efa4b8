//! `POST /api/v1/waivers`

use gateline_api::{GrantWaiver, ReleaseName, WaiverQuery, WaiverRequest, WaiverView, entry};
use gateline_core::Command;
use gateline_model::{Event, PipelineRef, Waiver};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<GrantWaiver>) -> Result<WaiverView, Refused> {
    let WaiverRequest {
        release,
        finding,
        stage,
        until,
        ticket,
        reason,
    } = call.body.clone();
    let name = ReleaseName::Id(release);
    let state = call
        .app
        .hub
        .with_world(|world| views::release_named(world, &call.sight, &name))?;
    let PipelineRef { project, pipeline } = state.release.of.clone();
    let command = Command::Waive {
        release,
        finding: finding.clone(),
        stage: stage.clone(),
        until,
        ticket,
        reason: reason.clone(),
    };
    let receipt = call.submit(command).await?;
    let granted = receipt.events.iter().find_map(|recorded| match &recorded.event {
        Event::WaiverGranted { waiver } => Some(waiver.clone()),
        _ => None,
    });
    if let Some(waiver) = granted {
        return Ok(WaiverView {
            id: waiver.id(),
            project,
            waiver,
            reason: Some(reason.trim().to_owned()),
            erased: None,
        });
    }
    // Nothing is recorded when the same was granted before: then that one stands, with its own reason.
    let query = WaiverQuery {
        project: Some(project),
        pipeline: None,
    };
    let before = views::waivers(&call.app.hub, &call.sight, &query).await?;
    let is_it = |waiver: &Waiver| waiver.finding == finding && waiver.stage == stage && waiver.until == until;
    let before = before
        .into_iter()
        .find(|view| view.waiver.pipeline == pipeline && is_it(&view.waiver));
    before.ok_or_else(|| Refused::new(&entry::BUG, "the waiver was granted and is not there"))
}
