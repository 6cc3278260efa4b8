//! `gateline ask`: a named person asked to look at a promotion.

use gateline_api::{AskPerson, AskRequest, Exit};
use gateline_model::ActorId;

use crate::failure::Failure;
use crate::render;
use crate::session::Session;
use crate::which::Which;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "The person must be one of those whom a layer asks: only then the answer counts.

Examples:
  gateline ask payment-service@1.4.0 --to production --who bo"
)]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// The person
    #[arg(long, value_name = "ACTOR")]
    who: ActorId,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let path = args.which.to_act_on(session, &client).await?;
    let request = AskRequest { who: args.who };
    let view = client.send::<AskPerson>(&path, &request).await?;
    let now = session.now();
    session
        .out
        .answer(&view, || render::promotion(&view, None, now))?;
    session.out.say(&format!("asked {}", request.who));
    Ok(Exit::Done)
}
