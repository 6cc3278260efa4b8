//! `gateline diff`: what a pipeline file would change of what is in force.

use std::path::PathBuf;

use gateline_api::{Exit, GetPipeline, PipelinePath, VersionQuery, entry};
use gateline_spec::Difference;
use serde_json::json;

use super::lint::Linted;
use crate::failure::Failure;
use crate::render::{self, Line, Page};
use crate::session::Session;

#[derive(Debug, clap::Args)]
#[command(after_help = "Order and spelling do not count unless they mean something.

Examples:
  gateline diff pipeline.yaml")]
pub struct Args {
    /// The pipeline file; `-` is stdin
    file: PathBuf,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let (read, _) = Linted::of(&args.file)?.usable(session)?;
    let client = session.connect()?;
    let of = read.pipeline.reference();
    let path = PipelinePath {
        project: of.project.clone(),
        pipeline: of.pipeline.clone(),
    };
    let in_force = match client.get::<GetPipeline>(&path, &VersionQuery::default()).await {
        Ok(view) => Some(view),
        Err(failure) if failure.code == entry::PIPELINE_UNKNOWN.code => None,
        Err(failure) => return Err(failure),
    };
    let differences: Option<Vec<Difference>> = in_force
        .as_ref()
        .map(|view| gateline_spec::diff(&view.pipeline, &read.pipeline));
    let reply = json!({
        "of": of,
        "in_force": in_force.as_ref().map(|view| view.version),
        "file": read.pipeline.version(),
        "differences": differences,
    });
    session.out.answer(&reply, || {
        let mut page = Page::default();
        match &differences {
            None => page.line(Line::new().good("+").plain(format!(" {of} is new"))),
            Some(none) if none.is_empty() => page.line(format!("{of}: no difference")),
            Some(some) => some.iter().for_each(|one| page.line(render::difference(one))),
        }
        page
    })?;
    Ok(Exit::Done)
}
