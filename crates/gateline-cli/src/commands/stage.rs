//! `gateline stage`: one stage, whole.

use gateline_api::{Empty, Exit, GetStage};

use crate::failure::Failure;
use crate::render;
use crate::session::Session;
use crate::which::StageWord;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Show what is live, what is proposed, what is barred, and the last promotions
    Show {
        /// The stage, as PIPELINE/STAGE or PROJECT/PIPELINE/STAGE
        stage: StageWord,
    },
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let Verb::Show { stage } = args.verb;
    let client = session.connect()?;
    let path = stage.resolve(session, &client).await?;
    let view = client.get::<GetStage>(&path, &Empty {}).await?;
    let now = session.now();
    session.out.answer(&view, || render::stage(&view, now))?;
    Ok(Exit::Done)
}
