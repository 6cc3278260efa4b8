//! `gateline whoami`: who asks, by what, and in which teams.

use gateline_api::{Empty, Exit, WhoAmI};

use crate::failure::Failure;
use crate::render;
use crate::session::Session;

#[derive(Debug, clap::Args)]
pub struct Args {}

pub(crate) async fn run(_: Args, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let view = client.get::<WhoAmI>(&Empty {}, &Empty {}).await?;
    session.out.answer(&view, || render::who_am_i(&view))?;
    Ok(Exit::Done)
}
