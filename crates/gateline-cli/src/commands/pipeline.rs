//! `gateline pipeline`: what is in force.

use gateline_api::{
    Exit, GetPipeline, ListPipelines, PipelineBrief, PipelinePath, PipelineQuery, VersionQuery,
};
use gateline_model::Digest;

use super::all_pages;
use crate::failure::Failure;
use crate::out::Form;
use crate::render;
use crate::session::Session;
use crate::which::PipelineWord;

/// Pipelines that are listed where the command does not say.
const LIST_DEFAULT: u32 = 1_000;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List the pipelines and the version of each that is in force
    List(List),
    /// Show a pipeline: its stages, gates and approvals
    Show(Show),
}

#[derive(Debug, clap::Args)]
struct List {
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = LIST_DEFAULT, value_parser = crate::number::list_limit, allow_negative_numbers = true)]
    limit: u32,
}

#[derive(Debug, clap::Args)]
struct Show {
    /// The pipeline, as PIPELINE or PROJECT/PIPELINE
    pipeline: PipelineWord,
    /// The version; the one in force where it is not given
    #[arg(long, value_name = "DIGEST")]
    version: Option<Digest>,
    /// Print the file as it was written
    #[arg(long)]
    source: bool,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    match args.verb {
        Verb::List(args) => {
            let query = PipelineQuery {
                project: session.options.project.clone(),
                ..PipelineQuery::default()
            };
            let list: Vec<PipelineBrief> = all_pages!(client, ListPipelines, query, args.limit);
            session.out.answer(&list, || render::pipelines(&list))?;
        }
        Verb::Show(args) => {
            let of = args.pipeline.resolve(session, &client).await?;
            let path = PipelinePath {
                project: of.project,
                pipeline: of.pipeline,
            };
            let query = VersionQuery {
                version: args.version,
            };
            let view = client.get::<GetPipeline>(&path, &query).await?;
            match (&view.source, session.out.form()) {
                (Some(source), Form::Text) if args.source => session.out.text(source)?,
                (None, Form::Text) if args.source => {
                    let why = format!("the file of version {} was not kept", view.version.short());
                    return Err(Failure::unknown("there is no source", why));
                }
                (_, _) => session.out.answer(&view, || render::pipeline(&view))?,
            }
        }
    }
    Ok(Exit::Done)
}
