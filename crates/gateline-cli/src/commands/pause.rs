//! `gateline pause`: lets a rollout stand still.

use gateline_api::{Exit, Pause};

use super::{Reason, steer};
use crate::failure::Failure;
use crate::session::Session;
use crate::which::Which;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gateline pause payment-service@1.4.0 --to production --reason 'looking at the latency first'")]
pub struct Args {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    steer::<Pause>(&args.which, args.reason, session).await
}
