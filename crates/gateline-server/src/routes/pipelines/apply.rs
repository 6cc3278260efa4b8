//! `PUT /api/v1/pipelines`

use std::sync::Arc;

use gateline_api::{ApplyPipeline, ApplyReply, entry};
use gateline_core::Command;
use gateline_model::Declared;
use gateline_store::Blob;

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<ApplyPipeline>) -> Result<ApplyReply, Refused> {
    let file = &call.body;
    let read = gateline_spec::read(&file.file_name, &file.text)
        .map_err(|found| views::refused_file(&file.file_name, &found))?;
    let kept = Blob::of(file.text.as_bytes()).map_err(|err| Refused::new(&entry::BODY, err.to_string()))?;
    let source = kept.digest();
    let pipeline = Arc::new(read.pipeline);
    let receipt = call
        .submit_with(
            Command::ApplyPipeline {
                pipeline: pipeline.clone(),
                source,
                written: file.written.clone(),
            },
            vec![Arc::new(kept)],
        )
        .await?;
    let version = pipeline.version();
    let declared = Declared::Pipeline(pipeline.name.clone());
    let proposed = views::proposed(&call.app.hub, &pipeline.project, &declared, version).await?;
    Ok(ApplyReply {
        project: pipeline.project.clone(),
        pipeline: pipeline.name.clone(),
        version,
        changed: !receipt.events.is_empty() && proposed.is_none(),
        proposed,
        warnings: views::findings(&read.warnings),
    })
}
