//! `POST /api/v1/waivers/{project}/{waiver}/lift`

use gateline_api::{LiftWaiver, WaiverPath, WaiverQuery, WaiverView};
use gateline_core::Command;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<LiftWaiver>) -> Result<Vec<WaiverView>, Refused> {
    let WaiverPath { project, waiver } = call.path.clone();
    let reason = call.body.reason.clone();
    call.submit(Command::LiftWaiver {
        project: project.clone(),
        waiver,
        reason,
    })
    .await?;
    let query = WaiverQuery {
        project: Some(project),
        pipeline: None,
    };
    views::waivers(&call.app.hub, &call.sight, &query).await
}
