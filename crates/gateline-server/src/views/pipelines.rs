//! Pipelines: those in force, and one version with its file.

use gateline_api::{
    Finding, Named, Page, PipelineBrief, PipelineQuery, PipelineView, Problem, entry, page_size,
};
use gateline_core::Sight;
use gateline_model::{Declared, Digest, PipelineRef};
use gateline_spec::{Diagnostic, Diagnostics};

use crate::hub::Hub;
use crate::refused::Refused;
use crate::seen::not_there;

/// The pipelines in force.
pub(crate) fn pipelines(hub: &Hub, sight: &Sight, query: &PipelineQuery) -> Page<PipelineBrief> {
    let mut items: Vec<PipelineBrief> = hub.with_world(|world| {
        let projects = world
            .projects()
            .filter(|(name, _)| query.project.as_ref().is_none_or(|wanted| wanted == *name));
        let briefs = projects.flat_map(|(name, project)| {
            project.in_force.iter().filter_map(move |(pipeline, version)| {
                Some(PipelineBrief {
                    of: PipelineRef {
                        project: name.clone(),
                        pipeline: pipeline.clone(),
                    },
                    version: *version,
                    stages: project.pipeline(pipeline)?.stages.len() as u32,
                    releases: project.numbers.get(pipeline).copied().unwrap_or(0),
                })
            })
        });
        briefs.collect()
    });
    items.retain(|brief| sight.sees_pipeline(&brief.of));
    items.sort_by_cached_key(|brief| brief.of.to_string());
    if let Some(after) = &query.after {
        items.retain(|brief| brief.of.to_string() > *after);
    }
    let size = page_size(query.limit);
    let more = items.len() > size;
    items.truncate(size);
    let next = items.last().filter(|_| more).map(|brief| brief.of.to_string());
    Page { items, next }
}

/// One version of a pipeline: the one in force where none is named.
///
/// # Errors
/// 404 if there is none.
pub(crate) async fn pipeline(
    hub: &Hub,
    of: &PipelineRef,
    version: Option<Digest>,
) -> Result<PipelineView, Refused> {
    let found = hub.with_world(|world| {
        let project = world.project(&of.project)?;
        let in_force = *project.in_force.get(&of.pipeline)?;
        let version = version.unwrap_or(in_force);
        let of_it = project.versions.get(&version);
        let pipeline = of_it.filter(|pipeline| pipeline.name == of.pipeline).cloned();
        let source = project.sources.get(&version).copied();
        Some((version, version == in_force, pipeline, source))
    });
    let Some((version, in_force, pipeline, source)) = found else {
        let declared = Declared::Pipeline(of.pipeline.clone());
        return Err(not_there(&Named::Declared(of.project.clone(), declared)));
    };
    let Some(pipeline) = pipeline else {
        let says = format!("pipeline `{of}` never had the version {version}");
        return Err(Refused::new(&entry::PIPELINE_UNKNOWN, says));
    };
    let source = match source {
        Some(source) => hub.read(move |store| store.blob(&source)).await?,
        None => None,
    };
    Ok(PipelineView {
        of: of.clone(),
        version,
        in_force,
        pipeline: (*pipeline).clone(),
        source: source.and_then(|bytes| String::from_utf8(bytes).ok()),
    })
}

/// Findings about a file, as the wire carries them.
pub(crate) fn findings(found: &[Diagnostic]) -> Vec<Finding> {
    let finding = |found: &Diagnostic| Finding {
        code: found.code.to_owned(),
        message: found.message.clone(),
        file: found.file.clone(),
        line: found.line as u64,
        column: found.column as u64,
        help: found.help.clone(),
    };
    found.iter().map(finding).collect()
}

/// The problem of a file that cannot be used, with everything that was found in it.
pub(crate) fn refused_file(file: &str, found: &Diagnostics) -> Refused {
    let detail = match found.0.as_slice() {
        [one] => one.to_string(),
        several => format!("{file} has {} findings", several.len()),
    };
    let mut problem = Problem::new(&entry::PIPELINE_INVALID, detail);
    problem.findings = findings(&found.0);
    problem.into()
}
