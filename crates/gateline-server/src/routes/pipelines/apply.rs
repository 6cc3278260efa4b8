//! `PUT /api/v1/pipelines`

use std::sync::Arc;

use gateline_api::{ApplyPipeline, ApplyReply, entry};
use gateline_core::Command;
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
            },
            vec![Arc::new(kept)],
        )
        .await?;
    Ok(ApplyReply {
        project: pipeline.project.clone(),
        pipeline: pipeline.name.clone(),
        version: pipeline.version(),
        changed: !receipt.events.is_empty(),
        warnings: views::findings(&read.warnings),
    })
}
