//! `gateline notifications`: what people are told: the letters that wait, were sent or failed, and the rules.

use gateline_api::{
    Empty, Exit, GetNotifications, LetterPath, LettersQuery, ListLetters, ProjectPath, ResendLetter,
};
use gateline_model::LetterState;

use super::delegate::project;
use crate::failure::Failure;
use crate::render;
use crate::session::Session;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Rules are declared in a file of `kind: Notifications`, and brought into force with `gateline apply`.
Channels are declared in the server's own file.

Examples:
  gateline notifications --project payments
  gateline notifications --project payments --state failed
  gateline notifications --project payments --resend 7
  gateline notifications --project payments --rules"
)]
pub struct Args {
    /// Show only letters that stand so
    #[arg(long, value_name = "STATE", value_parser = state, conflicts_with = "rules")]
    state: Option<LetterState>,
    /// Show the rules in force instead of the letters
    #[arg(long)]
    rules: bool,
    /// Send a letter again that was given up, by its number
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["rules", "state"])]
    resend: Option<u64>,
}

fn state(text: &str) -> Result<LetterState, String> {
    let all = [LetterState::Pending, LetterState::Sent, LetterState::Failed];
    let found = all.into_iter().find(|state| state.word() == text);
    found.ok_or_else(|| "it is `pending`, `sent` or `failed`".to_owned())
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let path = ProjectPath {
        project: project(session)?,
    };
    if args.rules {
        let view = client.get::<GetNotifications>(&path, &Empty {}).await?;
        session.out.answer(&view, || render::tell_rules(&view))?;
        return Ok(Exit::Done);
    }
    if let Some(letter) = args.resend {
        let path = LetterPath {
            project: path.project,
            letter,
        };
        let sent = client.send::<ResendLetter>(&path, &Empty {}).await?;
        let now = session.now();
        session
            .out
            .answer(&sent, || render::letters(std::slice::from_ref(&sent), now))?;
        return Ok(Exit::Done);
    }
    let query = LettersQuery { state: args.state };
    let list = client.get::<ListLetters>(&path, &query).await?;
    let now = session.now();
    session.out.answer(&list, || render::letters(&list, now))?;
    Ok(Exit::Done)
}
