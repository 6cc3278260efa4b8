//! `gateline diff`: what a pipeline file would change of what is in force.

use gateline_api::{Exit, GetPipeline, PipelinePath, VersionQuery, entry};
use gateline_model::{Digest, Pipeline, PipelineRef};
use gateline_spec::{Difference, Document};
use serde::Serialize;

use super::lint::Linted;
use crate::client::Client;
use crate::failure::Failure;
use crate::pipeline_files::PipelineFiles;
use crate::render::{self, Line, Page};
use crate::session::Session;

#[derive(Debug, clap::Args)]
#[command(after_help = "Order and spelling do not count unless they mean something.

Examples:
  gateline diff -f pipeline.yaml")]
pub struct Args {
    #[command(flatten)]
    files: PipelineFiles,
}

/// What one file would change.
#[derive(Serialize)]
struct Changes {
    of: PipelineRef,
    in_force: Option<Digest>,
    file: Digest,
    /// None where the pipeline is new.
    differences: Option<Vec<Difference>>,
}

fn other_kind(path: &std::path::Path, what: &str) -> Failure {
    Failure::usage(
        "only pipelines can be compared",
        format!("`{}` describes {what}", path.display()),
    )
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let mut files = Vec::new();
    for path in args.files.paths()? {
        let (read, _) = Linted::of(&path)?.usable(session)?;
        match read {
            Document::Pipeline(read) => files.push(read.pipeline),
            Document::Roles(_) => return Err(other_kind(&path, "roles")),
            Document::Notifications(_) => return Err(other_kind(&path, "notifications")),
        }
    }
    let client = session.connect()?;
    let mut all = Vec::new();
    for pipeline in &files {
        all.push(changes(pipeline, &client).await?);
    }
    session.out.answer(&all, || {
        let mut page = Page::default();
        for Changes { of, differences, .. } in &all {
            match differences {
                None => page.line(Line::new().good("+").plain(format!(" {of} is new"))),
                Some(none) if none.is_empty() => page.line(format!("{of}: no difference")),
                Some(some) => {
                    if all.len() > 1 {
                        page.line(format!("{of}:"));
                    }
                    some.iter().for_each(|one| page.line(render::difference(one)));
                }
            }
        }
        page
    })?;
    Ok(Exit::Done)
}

async fn changes(file: &Pipeline, client: &Client) -> Result<Changes, Failure> {
    let of = file.reference();
    let path = PipelinePath {
        project: of.project.clone(),
        pipeline: of.pipeline.clone(),
    };
    let in_force = match client.get::<GetPipeline>(&path, &VersionQuery::default()).await {
        Ok(view) => Some(view),
        Err(failure) if failure.code == entry::PIPELINE_UNKNOWN.code => None,
        Err(failure) => return Err(failure),
    };
    Ok(Changes {
        of,
        in_force: in_force.as_ref().map(|view| view.version),
        file: file.version(),
        differences: in_force.map(|view| gateline_spec::diff(&view.pipeline, file)),
    })
}
