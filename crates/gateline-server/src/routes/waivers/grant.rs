//! `POST /api/v1/waivers`

use gateline_api::{GrantWaiver, WaiverRequest, WaiverView, entry};
use gateline_core::Command;
use gateline_model::{Event, Waiver};

use crate::call::Call;
use crate::refused::Refused;

pub(crate) async fn handle(call: Call<GrantWaiver>) -> Result<WaiverView, Refused> {
    let WaiverRequest {
        release,
        finding,
        stage,
        until,
        ticket,
        reason,
    } = call.body.clone();
    let project = call.app.hub.with_world(|world| {
        world
            .release(&release)
            .map(|state| state.release.of.project.clone())
    });
    let project = project.ok_or_else(|| {
        Refused::new(
            &entry::RELEASE_UNKNOWN,
            format!("there is no release `{release}`"),
        )
    })?;
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
    // Nothing is recorded when the same was granted before: then that one stands.
    let before = || {
        let is_it =
            |waiver: &Waiver| waiver.finding == finding && waiver.stage == stage && waiver.until == until;
        call.app.hub.with_world(|world| {
            let state = world.project(&project)?;
            state.waivers.values().find(|waiver| is_it(waiver)).cloned()
        })
    };
    let waiver = granted
        .or_else(before)
        .ok_or_else(|| Refused::new(&entry::BUG, "the waiver was granted and is not there"))?;
    Ok(WaiverView {
        id: waiver.id(),
        project,
        waiver,
        reason: Some(reason.trim().to_owned()),
    })
}
