//! `GET /api/v1/proposals`

use gateline_api::{ListProposals, ProposalQuery, ProposalView};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<ListProposals>) -> Result<Vec<ProposalView>, Refused> {
    let ProposalQuery { project, mine } = &call.query;
    if *mine != Some(true) {
        return views::proposals(&call.app.hub, &call.sight, project.as_ref()).await;
    }
    let mut waiting = views::proposals_waiting_on(&call.app.hub, &call.sight, &call.actor()?).await?;
    waiting.retain(|one| project.as_ref().is_none_or(|only| *only == one.project));
    Ok(waiting)
}
