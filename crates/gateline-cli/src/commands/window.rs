//! `gateline window`: when stages let releases in.

use gateline_api::{Empty, Exit, ListWindows, WindowQuery};
use gateline_model::PipelineName;

use crate::failure::Failure;
use crate::render;
use crate::session::Session;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List stages with windows or freezes: whether each is open now, and when it opens next
    List(List),
}

#[derive(Debug, clap::Args)]
struct List {
    /// Only this pipeline's
    #[arg(long)]
    pipeline: Option<PipelineName>,
    /// How many days ahead `--json` tells stretch by stretch
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=92))]
    days: Option<u32>,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let Verb::List(List { pipeline, days }) = args.verb;
    let query = WindowQuery {
        project: session.options.project.clone(),
        pipeline,
        days,
    };
    let found = session.connect()?.get::<ListWindows>(&Empty {}, &query).await?;
    let now = session.now();
    session.out.answer(&found, || render::timetables(&found, now))?;
    Ok(Exit::Done)
}
