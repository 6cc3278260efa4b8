//! `gateline promotion`: promotions in the order of their requests, and what was signed for one. One of them is shown by
//! `gateline explain`.

use gateline_api::{Exit, ListPromotions, PAGE_DEFAULT, PromotionQuery, PromotionSummary, ReleaseName};
use gateline_model::StageName;

use super::all_pages;
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
    /// List promotions, the newest request first
    List(List),
    /// Show the answers that were signed, look at each signature again, and write them down for an auditor
    Signatures(super::signatures::Args),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gateline promotion list --open
  gateline promotion list --pipeline payment-service --stage production
  gateline promotion list --release payment-service@1.4.0")]
struct List {
    /// Only this pipeline's
    #[arg(long)]
    pipeline: Option<PipelineWord>,
    /// Only into this stage
    #[arg(long, requires = "pipeline")]
    stage: Option<StageName>,
    /// Only of this release
    #[arg(long)]
    release: Option<ReleaseName>,
    /// Only those that have not ended
    #[arg(long)]
    open: bool,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = PAGE_DEFAULT, value_parser = crate::number::list_limit, allow_negative_numbers = true)]
    limit: u32,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let args = match args.verb {
        Verb::List(args) => args,
        Verb::Signatures(args) => return super::signatures::run(args, session).await,
    };
    let client = session.connect()?;
    let mut query = PromotionQuery {
        stage: args.stage,
        release: args.release.as_ref().map(|release| session.named(release)),
        ended: args.open.then_some(false),
        ..PromotionQuery::default()
    };
    if let Some(pipeline) = args.pipeline {
        let of = pipeline.resolve(session, &client).await?;
        query.project = Some(of.project);
        query.pipeline = Some(of.pipeline);
    }
    let list: Vec<PromotionSummary> = all_pages!(client, ListPromotions, query, args.limit);
    let now = session.now();
    session.out.answer(&list, || render::promotions(&list, now))?;
    Ok(Exit::Done)
}
