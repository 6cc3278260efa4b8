//! `gateline advance`: lets a rollout go on to its next step at once.

use gateline_api::{Advance, Exit};

use super::{Reason, steer};
use crate::failure::Failure;
use crate::session::Session;
use crate::which::Which;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gateline advance payment-service@1.4.0 --to production --reason 'the fix cannot wait'")]
pub struct Args {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    steer::<Advance>(&args.which, args.reason, session).await
}
