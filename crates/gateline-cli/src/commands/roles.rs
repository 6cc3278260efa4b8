//! `gateline roles`: the roles of a project that are in force.

use gateline_api::{Empty, Exit, GetRoles, ProjectPath};

use super::delegate::project;
use crate::failure::Failure;
use crate::render;
use crate::session::Session;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "They are declared in a file of `kind: Roles`, and brought into force with `gateline apply`.

Examples:
  gateline roles --project payments"
)]
pub struct Args {}

pub(crate) async fn run(_: Args, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let path = ProjectPath {
        project: project(session)?,
    };
    let view = client.get::<GetRoles>(&path, &Empty {}).await?;
    session.out.answer(&view, || render::roles(&view))?;
    Ok(Exit::Done)
}
