//! `gateline withdraw`: one's answer to a promotion, taken back.

use gateline_api::{Exit, Withdraw};

use super::{Reason, steer};
use crate::failure::Failure;
use crate::session::Session;
use crate::which::Which;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gateline withdraw payment-service@1.4.0 --to production --reason 'read the wrong diff'")]
pub struct Args {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    steer::<Withdraw>(&args.which, args.reason, session).await
}
