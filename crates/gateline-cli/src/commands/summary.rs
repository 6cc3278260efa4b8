//! `gateline summary`: what somebody who is asked needs to know, on one screen.

use gateline_api::{Empty, Exit, GetSummary, PromotionPath, SummaryView};

use crate::client::Client;
use crate::failure::Failure;
use crate::prompt;
use crate::render;
use crate::session::Session;
use crate::which::Which;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "The same words stand on the promotion's page and in every message about it.

Examples:
  gateline summary payment-service@1.4.0 --to production
  gateline summary payments/payment-service/production/7 --json"
)]
pub struct Args {
    #[command(flatten)]
    which: Which,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let path = args.which.to_act_on(session, &client).await?;
    let view = client.get::<GetSummary>(&path, &Empty {}).await?;
    let text = text(&view, session);
    session.out.answer_text(&view, &text)?;
    Ok(Exit::Done)
}

/// Shows the summary to the person at the terminal and asks whether the answer stands.
/// Nobody is asked where there is nobody at the terminal.
pub(super) async fn confirm(
    path: &PromotionPath,
    client: &Client,
    session: &mut Session,
    answer: &str,
) -> Result<bool, Failure> {
    if !prompt::is_possible() {
        return Ok(true);
    }
    let view = client.get::<GetSummary>(path, &Empty {}).await?;
    let text = text(&view, session);
    session.out.say(text.trim_end());
    let question = format!(
        "{answer} {}, code {}? [y/N] ",
        view.summary.title(),
        view.summary.code
    );
    prompt::yes(&question)
}

fn text(view: &SummaryView, session: &Session) -> String {
    let now = session.now();
    let text = view.summary.text(|at| render::clock(at, now));
    format!("{text}\n")
}
