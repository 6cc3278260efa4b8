//! `gateline inbox`: what waits on the one who asks, oldest first.

use gateline_api::{Exit, GetInbox, InboxItem, InboxQuery};

use super::all_pages;
use crate::failure::Failure;
use crate::render;
use crate::session::Session;

/// Promotions that are listed where the command does not say.
const LIST_DEFAULT: u32 = 100;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = LIST_DEFAULT, value_parser = crate::number::list_limit, allow_negative_numbers = true)]
    limit: u32,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let query = InboxQuery {
        project: session.options.project.clone(),
        ..InboxQuery::default()
    };
    let list: Vec<InboxItem> = all_pages!(client, GetInbox, query, args.limit);
    let now = session.now();
    session.out.answer(&list, || render::inbox(&list, now))?;
    Ok(Exit::Done)
}
