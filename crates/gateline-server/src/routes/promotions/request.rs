//! `POST /api/v1/promotions`

use gateline_api::{Promote, PromoteRequest, PromotionView};
use gateline_core::Command;
use gateline_model::StageRef;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<Promote>) -> Result<PromotionView, Refused> {
    let PromoteRequest { release, stage } = &call.body;
    let release = call
        .app
        .hub
        .with_world(|world| views::release_named(world, &call.sight, release))?;
    let of = release.release.of.clone();
    let stage = StageRef {
        project: of.project,
        pipeline: of.pipeline,
        stage: stage.clone(),
    };
    let receipt = call
        .submit(Command::Promote {
            release: release.id,
            stage: stage.clone(),
        })
        .await?;
    let hub = &call.app.hub;
    views::promotion(hub, &views::opened(hub, &receipt, &stage, Some(&release.id))?).await
}
