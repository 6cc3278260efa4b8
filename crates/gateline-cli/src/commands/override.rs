//! `gateline override`: reasoned, expiring permission for exactly one gate.

use gateline_api::{Exit, OverrideGate, OverrideRequest};
use gateline_model::GateName;

use super::Reason;
use crate::failure::Failure;
use crate::moment::Moment;
use crate::render;
use crate::session::Session;
use crate::which::Which;

#[derive(Debug, clap::Args)]
#[command(after_help = "The gate stays unsatisfied on record.

Examples:
  gateline override payment-service@1.4.0 --to production --gate soak --until 2h --reason 'fixes the outage'")]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// The gate
    #[arg(long, value_name = "GATE")]
    gate: GateName,
    /// When the permission ends: a time, or so long from now
    #[arg(long, value_name = "TIME|SPAN")]
    until: Moment,
    #[command(flatten)]
    reason: Reason,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let path = args.which.to_act_on(session, &client).await?;
    let now = session.now();
    let request = OverrideRequest {
        gate: args.gate,
        until: args.until.ahead(now),
        reason: args.reason.reason,
    };
    let view = client.send::<OverrideGate>(&path, &request).await?;
    session
        .out
        .answer(&view, || render::promotion(&view, None, now))?;
    let until = render::in_future(request.until, now);
    session
        .out
        .say(&format!("gate {} overridden until {until}", request.gate));
    Ok(Exit::Done)
}
