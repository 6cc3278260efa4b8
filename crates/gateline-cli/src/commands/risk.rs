//! `gateline risk`: how risky a release is before a stage, and why.

use gateline_api::{Exit, GetRisk, ReleaseName, ReleasePath, RiskQuery};
use gateline_model::StageName;

use crate::failure::Failure;
use crate::render;
use crate::session::Session;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Shows what was recorded with the decision where the promotion is before its gates, and else what it would be now.

Examples:
  gateline risk payment-service@1.4.0 --to production
  gateline risk payment-service@1.4.0 --to production --json"
)]
pub struct Args {
    /// The release, as PIPELINE@VERSION
    #[arg(value_name = "RELEASE")]
    release: ReleaseName,
    /// The stage that the release is to enter
    #[arg(long, value_name = "STAGE")]
    to: StageName,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let path = ReleasePath {
        release: session.named(&args.release),
    };
    let view = client.get::<GetRisk>(&path, &RiskQuery { to: args.to }).await?;
    let now = session.now();
    session.out.answer(&view, || render::risk(&view, now))?;
    Ok(Exit::Done)
}
