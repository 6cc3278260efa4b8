//! `gateline resume`: lets a rollout go on.

use gateline_api::{Exit, Resume};

use super::{Reason, steer};
use crate::failure::Failure;
use crate::session::Session;
use crate::which::Which;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gateline resume payment-service@1.4.0 --to production --reason 'the latency was the network'")]
pub struct Args {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    steer::<Resume>(&args.which, args.reason, session).await
}
