//! `gateline abort`: ends a promotion.

use gateline_api::{Abort, Exit};

use super::{Reason, steer};
use crate::failure::Failure;
use crate::session::Session;
use crate::which::Which;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gateline abort payment-service@1.4.0 --to production --reason 'fixing it takes longer than the change window'")]
pub struct Args {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    steer::<Abort>(&args.which, args.reason, session).await
}
