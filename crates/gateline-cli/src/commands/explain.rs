//! `gateline explain`: the stored decision, word for word.

use gateline_api::{Empty, Exit, GetPromotion};

use crate::failure::Failure;
use crate::session::Session;
use crate::watch::{self, Watch};
use crate::which::Which;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exits with 0 when the release is admitted or live, 1 when it is held, 3 when it is refused,
4 when its rollout failed.

Examples:
  gateline explain payment-service@1.4.0 --to production
  gateline explain payments/payment-service/production/7 --watch"
)]
pub struct Args {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    watch: Watch,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let path = args.which.to_look_at(session, &client).await?;
    if args.watch.watch {
        return watch::follow(&path, args.watch.timeout, &client, session).await;
    }
    let view = client.get::<GetPromotion>(&path, &Empty {}).await?;
    watch::show(&view, session)
}
