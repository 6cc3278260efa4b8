//! `gateline request-changes`: a no until something is changed.

use gateline_api::Exit;
use gateline_model::No;

use super::{Reason, answer_no};
use crate::failure::Failure;
use crate::session::Session;
use crate::signing::Sign;
use crate::which::Which;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "The answer counts for the question as it is at this moment; take it back with `gateline withdraw`.

Examples:
  gateline request-changes payment-service@1.4.0 --to production --reason 'say in the notes what users see'"
)]
pub struct Args {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
    #[command(flatten)]
    sign: Sign,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    answer_no(&args.which, No::RequestChanges, args.reason, &args.sign, session).await
}
