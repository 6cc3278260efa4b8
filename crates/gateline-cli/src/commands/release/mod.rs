//! `gateline release`: registering releases, showing them, and lifting their bars.

mod change;
mod create;

use gateline_api::{
    Empty, Exit, GetRelease, ListReleases, PAGE_DEFAULT, ReleaseName, ReleasePath, ReleaseQuery,
    ReleaseSummary, StagePath, Unbar, UnbarRequest,
};
use gateline_model::{StageName, Version};

use super::{Reason, all_pages};
use crate::failure::Failure;
use crate::render;
use crate::session::Session;
use crate::which::PipelineWord;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Register a release; the same content again is the same release
    Create(create::Create),
    /// List releases, the newest first
    List(List),
    /// Show a release: what it is made of, what it changes, its evidence and its life
    Show {
        /// The release, as PIPELINE@VERSION
        release: ReleaseName,
    },
    /// Let a barred release be promoted again
    Unbar(UnbarArgs),
}

#[derive(Debug, clap::Args)]
struct List {
    /// Only this pipeline's, as PIPELINE or PROJECT/PIPELINE
    pipeline: Option<PipelineWord>,
    /// Only this version
    #[arg(long)]
    version: Option<Version>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = PAGE_DEFAULT, value_parser = crate::number::list_limit, allow_negative_numbers = true)]
    limit: u32,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gateline release unbar payment-service@1.2.0 --stage production --reason 'the bank was down, not we'")]
struct UnbarArgs {
    /// The release, as PIPELINE@VERSION
    release: ReleaseName,
    /// The stage that it may enter again
    #[arg(long)]
    stage: StageName,
    #[command(flatten)]
    reason: Reason,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    match args.verb {
        Verb::Create(args) => create::run(args, session).await?,
        Verb::List(args) => list(args, session).await?,
        Verb::Show { release } => show(&release, session).await?,
        Verb::Unbar(args) => unbar(args, session).await?,
    }
    Ok(Exit::Done)
}

async fn list(args: List, session: &mut Session) -> Result<(), Failure> {
    let client = session.connect()?;
    let mut query = ReleaseQuery {
        version: args.version,
        ..ReleaseQuery::default()
    };
    if let Some(pipeline) = args.pipeline {
        let of = pipeline.resolve(session, &client).await?;
        query.project = Some(of.project);
        query.pipeline = Some(of.pipeline);
    }
    let list: Vec<ReleaseSummary> = all_pages!(client, ListReleases, query, args.limit);
    let now = session.now();
    session.out.answer(&list, || render::releases(&list, now))
}

async fn show(release: &ReleaseName, session: &mut Session) -> Result<(), Failure> {
    let client = session.connect()?;
    let path = ReleasePath {
        release: session.named(release),
    };
    let view = client.get::<GetRelease>(&path, &Empty {}).await?;
    let now = session.now();
    session.out.answer(&view, || render::release(&view, now))
}

async fn unbar(args: UnbarArgs, session: &mut Session) -> Result<(), Failure> {
    let client = session.connect()?;
    let release = session.named(&args.release);
    let known = client
        .get::<GetRelease>(&ReleasePath { release }, &Empty {})
        .await?;
    let path = StagePath {
        project: known.of.project,
        pipeline: known.of.pipeline,
        stage: args.stage,
    };
    let request = UnbarRequest {
        release: ReleaseName::Id(known.id),
        reason: args.reason.reason,
    };
    let view = client.send::<Unbar>(&path, &request).await?;
    let now = session.now();
    session.out.answer(&view, || render::stage(&view, now))
}
