//! `gateline schema`: the JSON Schema of pipeline files, for editors.

use gateline_api::Exit;

use crate::failure::Failure;
use crate::session::Session;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gateline schema > pipeline.schema.json

Then put this into the first line of a pipeline file:
  # yaml-language-server: $schema=pipeline.schema.json")]
pub struct Args {}

pub(crate) async fn run(_: Args, session: &mut Session) -> Result<Exit, Failure> {
    session.out.json(&gateline_spec::schema())?;
    Ok(Exit::Done)
}
