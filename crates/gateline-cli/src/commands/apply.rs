//! `gateline apply`: brings pipeline files into force. All are checked before the first is sent.

use gateline_api::{ApplyPipeline, ApplyReply, ApplyRequest, Empty, Exit};

use super::lint::Linted;
use crate::failure::Failure;
use crate::pipeline_files::PipelineFiles;
use crate::render::{Line, Page};
use crate::session::Session;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gateline apply -f pipeline.yaml
  gateline apply -f pipelines/")]
pub struct Args {
    #[command(flatten)]
    files: PipelineFiles,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let mut requests = Vec::new();
    for path in args.files.paths()? {
        let (_, text) = Linted::of(&path)?.usable(session)?;
        let file_name = path.display().to_string();
        requests.push(ApplyRequest { file_name, text });
    }
    let client = session.connect()?;
    let mut replies: Vec<ApplyReply> = Vec::new();
    for request in &requests {
        replies.push(client.send::<ApplyPipeline>(&Empty {}, request).await?);
    }
    session.out.answer(&replies, || {
        let mut page = Page::default();
        for reply in &replies {
            let name = format!("{}/{}", reply.project, reply.pipeline);
            let version = reply.version.short();
            page.line(if reply.changed {
                Line::new()
                    .good("applied")
                    .plain(format!("    {name}  {version}"))
            } else {
                Line::new().dim("no change").plain(format!("  {name}  {version}"))
            });
        }
        page
    })?;
    Ok(Exit::Done)
}
