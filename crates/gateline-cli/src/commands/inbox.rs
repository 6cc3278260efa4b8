//! `gateline inbox`: what waits on the one who asks, oldest first, the rollouts that stand still, the new versions that wait on
//! their owners, and the incidents that are open.

use gateline_api::{
    Empty, Exit, GetInbox, GetInboxRollouts, InboxItem, InboxQuery, InboxRolloutsQuery, IncidentQuery,
    IncidentView, ListIncidents, ListProposals, ProposalQuery, ProposalView, StandingRollout,
};
use serde::Serialize;

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

/// What waits.
#[derive(Serialize)]
struct Waiting {
    promotions: Vec<InboxItem>,
    rollouts: Vec<StandingRollout>,
    proposals: Vec<ProposalView>,
    incidents: Vec<IncidentView>,
}

pub(crate) async fn run(args: Args, session: &mut Session) -> Result<Exit, Failure> {
    let client = session.connect()?;
    let query = InboxQuery {
        project: session.options.project.clone(),
        ..InboxQuery::default()
    };
    let promotions: Vec<InboxItem> = all_pages!(client, GetInbox, query, args.limit);
    let query = InboxRolloutsQuery {
        project: session.options.project.clone(),
    };
    let rollouts = client.get::<GetInboxRollouts>(&Empty {}, &query).await?;
    let query = ProposalQuery {
        project: session.options.project.clone(),
        mine: Some(true),
    };
    let proposals = client.get::<ListProposals>(&Empty {}, &query).await?;
    let query = IncidentQuery {
        project: session.options.project.clone(),
        closed: false,
    };
    let incidents = client.get::<ListIncidents>(&Empty {}, &query).await?;
    let list = Waiting {
        promotions,
        rollouts,
        proposals,
        incidents,
    };
    let now = session.now();
    let page = || {
        render::inbox(
            &list.promotions,
            &list.rollouts,
            &list.proposals,
            &list.incidents,
            now,
        )
    };
    session.out.answer(&list, page)?;
    Ok(Exit::Done)
}
