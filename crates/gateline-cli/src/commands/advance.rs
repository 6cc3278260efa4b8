//! `gateline advance`: lets a rollout go on to its next step at once.

use gateline_api::{Advance, AdvanceRequest, Empty, Exit, GetPromotion};
use gateline_model::Weight;

use super::Reason;
use crate::failure::Failure;
use crate::render;
use crate::session::Session;
use crate::which::Which;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gateline advance payment-service@1.4.0 --to production --reason 'the fix cannot wait'
  gateline advance payment-service@1.4.0 --to production --at 5% --reason 'the fix cannot wait'")]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// The share of traffic that you saw it at; refused where somebody else was faster
    #[arg(long, value_name = "WEIGHT")]
    at: Option<Weight>,
    #[command(flatten)]
    reason: Reason,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let path = args.which.to_act_on(session, &client).await?;
    // The word is about the step that stands now: two who ask at once do not skip one.
    let seen = client.get::<GetPromotion>(&path, &Empty {}).await?;
    let request = AdvanceRequest {
        step: seen.rollout.as_ref().and_then(|rollout| rollout.standing()),
        weight: args.at,
        reason: args.reason.reason,
    };
    let view = client.send::<Advance>(&path, &request).await?;
    let now = session.now();
    session
        .out
        .answer(&view, || render::promotion(&view, None, now))?;
    Ok(Exit::Done)
}
