//! `gateline rollback`: requests that the release that was live before comes back.

use gateline_api::{Exit, PromotionPath, ReasonRequest, RollBack};

use super::Reason;
use crate::failure::Failure;
use crate::session::Session;
use crate::watch::{self, Watch};
use crate::which::StageWord;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gateline rollback payment-service/production --reason 'payments fail in Japan' --watch")]
pub struct Args {
    /// The stage, as PIPELINE/STAGE
    stage: StageWord,
    #[command(flatten)]
    reason: Reason,
    #[command(flatten)]
    watch: Watch,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let path = args.stage.resolve(session, &client).await?;
    let request = ReasonRequest {
        reason: args.reason.reason,
    };
    let view = client.send::<RollBack>(&path, &request).await?;
    if args.watch.watch {
        let path = PromotionPath::from(&view.id);
        return watch::follow(&path, args.watch.timeout, &client, session).await;
    }
    watch::show(&view, session)
}
