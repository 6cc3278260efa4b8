//! `gateline promote`: a request, and the decision that it meets.

use gateline_api::{Empty, Exit, Promote, PromoteRequest, PromotionPath, ReleaseName};
use gateline_model::StageName;

use crate::failure::Failure;
use crate::session::Session;
use crate::watch::{self, Watch};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exits with 0 when the release is admitted, 1 when it is held, 3 when it is refused;
with `--watch` with 0 when it is verified, 4 when its rollout failed.

Examples:
  gateline promote payment-service@1.4.0 --to production
  gateline promote payment-service@1.4.0 --to production --watch --timeout 2h"
)]
pub struct Args {
    /// The release, as PIPELINE@VERSION
    release: ReleaseName,
    /// The stage to enter
    #[arg(long, value_name = "STAGE")]
    to: StageName,
    #[command(flatten)]
    watch: Watch,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let request = PromoteRequest {
        release: session.named(&args.release),
        stage: args.to,
    };
    let view = client.send::<Promote>(&Empty {}, &request).await?;
    if args.watch.watch {
        let path = PromotionPath::from(&view.id);
        return watch::follow(&path, args.watch.timeout, &client, session).await;
    }
    watch::show(&view, session)
}
