//! `POST /api/v1/stages/{project}/{pipeline}/{stage}/unbar`

use gateline_api::{StageView, Unbar};
use gateline_core::Command;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<Unbar>) -> Result<StageView, Refused> {
    let stage = call.path.reference();
    let release = call
        .app
        .hub
        .with_world(|world| views::release_named(world, &call.sight, &call.body.release))?
        .id;
    let reason = call.body.reason.clone();
    call.submit(Command::LiftBar {
        stage: stage.clone(),
        release,
        reason,
    })
    .await?;
    views::stage(&call.app.hub, &stage).await
}
