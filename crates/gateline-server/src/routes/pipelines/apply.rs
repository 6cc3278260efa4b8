//! `PUT /api/v1/pipelines`

use std::sync::Arc;

use gateline_api::{ApplyPipeline, ApplyReply, Finding, entry};
use gateline_core::{Command, People};
use gateline_model::{Declared, GroupName, Pipeline};
use gateline_store::Blob;
use jiff::Timestamp;

use crate::authors;
use crate::call::Call;
use crate::noise;
use crate::refused::Refused;
use crate::views;

/// Teams that layers ask and that no roles in force declare. Where none are declared, groups of tokens are the teams.
fn unknown_teams(call: &Call<ApplyPipeline>, pipeline: &Pipeline) -> Vec<Finding> {
    let file = &call.body;
    let known: Vec<GroupName> = call.app.hub.with_world(|world| {
        let people = People::of(world, &pipeline.project, Timestamp::now());
        let teams = people.roles().flat_map(|roles| &roles.teams);
        teams.map(|team| team.name.clone()).collect()
    });
    if known.is_empty() {
        return Vec::new();
    }
    let known: Vec<&str> = known.iter().map(GroupName::as_str).collect();
    views::findings(&gateline_spec::unknown_teams(&file.file_name, &file.text, &known))
}

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
                written: authors::known(&call.app, file.written.clone()),
            },
            vec![Arc::new(kept)],
        )
        .await?;
    let version = pipeline.version();
    let declared = Declared::Pipeline(pipeline.name.clone());
    let proposed = views::proposed(&call.app.hub, &pipeline.project, &declared, version).await?;
    let mut warnings = views::findings(&read.warnings);
    warnings.extend(unknown_teams(&call, &pipeline));
    let noisy = noise::too_noisy(&call.app.hub, &pipeline).await;
    warnings.extend(views::findings(&gateline_spec::noisy_thresholds(
        &file.file_name,
        &file.text,
        &noisy,
    )));
    Ok(ApplyReply {
        project: pipeline.project.clone(),
        pipeline: pipeline.name.clone(),
        version,
        changed: !receipt.events.is_empty() && proposed.is_none(),
        proposed,
        warnings,
    })
}
