//! `gateline approve`: a yes, bound to the question as it is seen now.

use gateline_api::{Approve, ApproveRequest, Empty, Exit, GetPromotion};
use gateline_model::Answer;
use gateline_model::limits::TEXT_BYTES_MAX;

use super::summary;
use crate::failure::Failure;
use crate::render;
use crate::session::Session;
use crate::signing::Sign;
use crate::which::Which;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "The approval counts for the question as it is at this moment, and for no other. At a terminal, the summary
is shown first (see `gateline summary`), and the answer is asked for.

Examples:
  gateline approve payments/payment-service/production/7
  gateline approve payment-service@1.4.0 --to production --code '7f3a 90c2' --comment 'read the plan'
  gateline approve payment-service@1.4.0 --to production --sign ~/.ssh/id_ed25519"
)]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// The decision code that was seen, as in `7f3a 90c2`: refused where it is another now
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// A comment; it is recorded in the log
    #[arg(long, value_name = "TEXT", value_parser = comment)]
    comment: Option<String>,
    /// Answer without being asked again at the terminal
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    sign: Sign,
}

fn comment(text: &str) -> Result<String, String> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(format!("it has more than {TEXT_BYTES_MAX} bytes"));
    }
    Ok(text.to_owned())
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let path = args.which.to_act_on(session, &client).await?;
    let seen = client.get::<GetPromotion>(&path, &Empty {}).await?;
    let decision = seen.decision.as_ref();
    if let Some(code) = args.code {
        let bare = |code: &str| code.replace(' ', "");
        let now = decision.map(gateline_model::Decision::code).unwrap_or_default();
        if bare(&code) != bare(&now) {
            let why = format!("the decision code of `{}` is `{now}` now, not `{code}`", seen.id);
            return Err(
                Failure::refused("approval.question_changed", "The question is another", why)
                    .hint(format!("read it again with `gateline explain {}`", seen.id)),
            );
        }
    }
    if !args.yes && !summary::confirm(&path, &client, session, "Approve").await? {
        session.out.say("nothing was answered");
        return Ok(Exit::Held);
    }
    let answer = (Answer::Approve, args.comment.as_deref().unwrap_or_default());
    let signed = args.sign.answer(session, &client, &path, &seen, answer).await?;
    let request = ApproveRequest {
        question: decision.map(|decision| decision.question),
        comment: args.comment,
        signed,
    };
    let view = client.send::<Approve>(&path, &request).await?;
    let now = session.now();
    session
        .out
        .answer(&view, || render::promotion(&view, None, now))?;
    session.out.say(&format!("approved {}", view.id));
    Ok(Exit::Done)
}
